// Trains and encodes for bench_tokenizer.py, which runs the peers on the same files.
//
// bench_tokenizer CORPUS DOCUMENTS VOCABULARY FOLDER: CORPUS is text, DOCUMENTS are texts that end in
// NUL each. Prints CPU seconds as JSON; FOLDER receives the tokenizer files and all ids as int32.
#include <sys/resource.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "actors/encoder/tokenizer.hpp"

namespace {

double cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::string read(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace mendel::encoder;
  if (argc != 5) return 2;
  const std::string corpus = read(argv[1]), all = read(argv[2]);
  const std::string_view texts[] = {corpus};
  const double before_training = cpu_s();
  const Tokenizer tokenizer = Tokenizer::train(texts, {.vocabulary = static_cast<std::uint32_t>(std::stoul(argv[3])), .min_frequency = 2});
  const double after_training = cpu_s();
  if (!tokenizer.save(argv[4])) return 1;

  std::vector<std::string_view> documents;
  for (std::size_t at = 0; at < all.size(); at += documents.back().size() + 1)
    documents.push_back(std::string_view(all).substr(at, all.find('\0', at) - at));
  std::vector<TokenId> document_ids;
  std::size_t tokens = 0;
  const double before_encoding = cpu_s();
  for (const auto document : documents) {
    document_ids.clear();
    tokenizer.encode(document, document_ids);
    tokens += document_ids.size();
  }
  const double after_encoding = cpu_s();
  std::vector<TokenId> ids;
  ids.reserve(tokens);
  for (const auto document : documents) tokenizer.encode(document, ids);
  std::ofstream(std::string(argv[4]) + "/ids.bin", std::ios::binary)
      .write(reinterpret_cast<const char*>(ids.data()), static_cast<std::streamsize>(ids.size() * sizeof(TokenId)));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("{\"train_s\": %.4f, \"encode_s\": %.4f, \"vocabulary\": %u, \"peak_mib\": %ld}\n", after_training - before_training,
              after_encoding - before_encoding, tokenizer.size(), usage.ru_maxrss / 1024);
}
