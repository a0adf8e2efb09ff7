// Writes a dataset of real rows for bench_dataset.py, which writes the same rows with pyarrow.
//
// bench_dataset TEXTS FOLDER: TEXTS are functions that end in NUL each; FOLDER becomes the dataset. Prints
// CPU seconds, bytes and the peak of memory as JSON. Timed is everything that the plant does: checks,
// external shuffle, digest, Parquet, checksums, sync. Not timed: encoding the rows.
#include <sys/resource.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <unordered_set>
#include <vector>

#include "actors/encoder/encoder_stage.hpp"
#include "proto/pair_json.hpp"
#include "storage/dataset.hpp"

namespace {

using namespace mendel;

double cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double peak_mib() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_maxrss) / 1024;
}

// The text with one character dropped near its middle: a bug of one token.
std::string with_bug(std::string text) { return text.erase(text.size() / 2, 1); }

std::vector<Row> rows_of(const std::vector<std::string>& texts, std::shared_ptr<const encoder::Tokenizer> tokenizer) {
  auto stage = encoder::EncoderStage::start(Config(), std::move(tokenizer));
  WorkItem item;
  item.set_stage(Stage::encode);
  for (const auto& text : texts) {
    auto& pair = *item.mutable_encode()->add_pairs();
    pair.set_buggy(with_bug(text));
    pair.set_fixed(text);
    pair.mutable_bug()->set_class_(BugClass::syntax);
    pair.mutable_bug()->set_type("dropped_character");
    pair.mutable_source()->set_kind(SourceKind::mutation);
    pair.mutable_source()->set_path("package/module.py");
    set_pair_id(pair);
  }
  auto result = (*stage)->run(item);
  std::vector<Row> rows(result->rows().begin(), result->rows().end());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].set_cluster(rows[i].id());
    rows[i].set_quality(0.5 + 0.4 * static_cast<double>(i) / static_cast<double>(rows.size()));
    rows[i].set_difficulty(0.3);
    rows[i].set_level(static_cast<std::uint32_t>(1 + i % 5));
  }
  std::unordered_set<std::string> seen;  // equal functions are one pair
  std::erase_if(rows, [&](const Row& row) { return row.edits_size() == 0 || !seen.insert(row.id()).second; });
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream in(argv[1], std::ios::binary);
  std::vector<std::string> texts;
  for (std::string text; std::getline(in, text, '\0');) texts.push_back(text);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto tokenizer = std::make_shared<const encoder::Tokenizer>(encoder::Tokenizer::train(views, {.vocabulary = 8192, .min_frequency = 2}));
  const auto rows = rows_of(texts, tokenizer);
  const double before_mib = peak_mib(), before = cpu_s();
  storage::DatasetOptions options;
  options.memory_mib = 64;
  auto writer = storage::DatasetWriter::create(argv[2], options);
  if (!writer) return std::fprintf(stderr, "%s\n", writer.error().what.c_str()), 1;
  for (const auto& row : rows)
    if (auto added = (*writer)->add(storage::SplitName::train, row); !added) return std::fprintf(stderr, "%s\n", added.error().what.c_str()), 1;
  storage::ManifestFacts facts;
  facts.configuration_json = "{}";
  facts.vocabulary = tokenizer->size();
  const auto digest = (*writer)->finish(facts, {});
  if (!digest) return std::fprintf(stderr, "%s\n", digest.error().what.c_str()), 1;
  std::printf("{\"rows\": %zu, \"write_s\": %.4f, \"more_mib\": %.1f}\n", rows.size(), cpu_s() - before, peak_mib() - before_mib);
}
