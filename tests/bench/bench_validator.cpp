// Signs and clusters texts for bench_validator.py, which runs datasketch on the same documents.
//
// bench_validator TEXTS THRESHOLD CLUSTERS: TEXTS end in NUL each; CLUSTERS receives one uint32 a text,
// the index of the first text of its cluster. Prints CPU seconds as JSON.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "actors/validator/minhash.hpp"
#include "actors/validator/near_duplicates.hpp"

namespace {

using namespace mendel;

constexpr double kMeasureS = 1.0;

double cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// CPU seconds of one run, over as many as fill kMeasureS.
template <class Work>
double measured(const Work& work) {
  const double before = cpu_s();
  int runs = 0;
  while (cpu_s() - before < kMeasureS) work(), ++runs;
  return (cpu_s() - before) / runs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::ifstream in(argv[1], std::ios::binary);
  std::vector<std::string> texts;
  for (std::string text; std::getline(in, text, '\0');) texts.push_back(text);
  const double threshold = std::atof(argv[2]);

  std::vector<std::string> signatures(texts.size());
  std::uint64_t tokens = 0;
  const double scan_s = measured([&] {
    tokens = 0;
    for (const auto& text : texts) tokens += syntax::tokens(text).size();
  });
  const double sign_s = measured([&] {
    for (std::size_t i = 0; i < texts.size(); ++i) signatures[i] = validator::to_bytes(validator::minhash(texts[i], syntax::tokens(texts[i])));
  });
  const std::vector<std::string_view> views(signatures.begin(), signatures.end());
  std::vector<std::uint32_t> clusters;
  const double cluster_s = measured([&] { clusters = validator::near_duplicates(views, threshold); });
  std::ofstream(argv[3], std::ios::binary).write(reinterpret_cast<const char*>(clusters.data()), static_cast<std::streamsize>(clusters.size() * 4));
  std::printf("{\"texts\": %zu, \"tokens\": %llu, \"scan_s\": %.5f, \"sign_s\": %.5f, \"cluster_s\": %.5f}\n", texts.size(),
              static_cast<unsigned long long>(tokens), scan_s, sign_s, cluster_s);
}
