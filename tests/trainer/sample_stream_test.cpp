// A training split read shard by shard: the same samples as in memory, refusals that name file and remedy.
#include "actors/trainer/sample_stream.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "actors/trainer/curriculum.hpp"
#include "tests/trainer/dataset_rows.hpp"

using namespace mendel;
using namespace mendel::trainer;
namespace fs = std::filesystem;
using storage::SplitName;

namespace {

const auto kTokenizer = std::make_shared<const encoder::Tokenizer>(small_tokenizer());
constexpr int kRows = 90;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A dataset of `kRows` training rows in shards of 20, every third clean, in a folder that goes away.
struct SmallDataset {
  fs::path folder;
  explicit SmallDataset(const std::string& name) : folder(fs::temp_directory_path() / ("mendel-stream-" + name + "-" + std::to_string(::getpid()))) {
    fs::remove_all(folder);
    fs::create_directories(folder / "tokenizer");
    REQUIRE(kTokenizer->save(folder / "tokenizer"));
    storage::DatasetOptions options;
    options.rows_per_shard = 20;
    auto writer = storage::DatasetWriter::create(folder / "set", options);
    REQUIRE(writer);
    for (int n = 0; n < kRows + 6; ++n) {
      const auto fixed = "def f" + std::to_string(n) + "(x):\n    return x + " + std::to_string(n), buggy = n % 3 ? "def f" + std::to_string(n) + "(x):\n    return x - " + std::to_string(n) : fixed;
      auto row = row_of(kTokenizer, buggy, fixed);
      row.set_difficulty(n % 10 / 10.0);
      row.set_level(1);
      const auto added = (*writer)->add(n < kRows ? SplitName::train : SplitName::validation, row);
      REQUIRE_MESSAGE(added, added.error().what);
    }
    storage::ManifestFacts facts;
    facts.vocabulary = kTokenizer->size();
    facts.tokenizer_hash = kTokenizer->hash();
    facts.configuration_json = "{}";
    REQUIRE((*writer)->finish(facts, {{"tokenizer.json", content_of(folder / "tokenizer" / "tokenizer.json")}}));
  }
  ~SmallDataset() { fs::remove_all(folder); }
  fs::path shard(int number) const { return folder / "set" / "train" / ("shard-0000" + std::to_string(number) + ".parquet"); }
  TrainingData open() const {
    auto data = open_training_data(folder / "set");
    REQUIRE_MESSAGE(data, data.error().what);
    return std::move(*data);
  }
};

bool same(const model::Sample& a, const model::Sample& b) { return a.cells == b.cells && a.rows == b.rows && a.columns == b.columns && a.marks == b.marks && a.edit == b.edit; }

}  // namespace

TEST_CASE("shards hold the samples that the whole split has, in its order") {
  const SmallDataset dataset("order");
  const auto data = dataset.open();
  const auto whole = open_split(data, SplitName::train, {400, 1 << 20, true}), streamed = open_split(data, SplitName::train, {400, 8000, true});
  REQUIRE(whole);
  REQUIRE_MESSAGE(streamed, streamed.error().what);
  REQUIRE(whole->whole);
  CHECK_FALSE(whole->stream);
  REQUIRE(streamed->stream);
  CHECK_FALSE(streamed->whole);
  const auto& stream = *streamed->stream;
  CHECK(stream.blocks() == std::vector<std::uint64_t>{20, 20, 20, 20, 10});
  CHECK(stream.size() == kRows);
  std::uint64_t index = 0, bytes_max = 0;
  for (std::uint64_t b = 0; b < 5; ++b) {
    const auto block = stream.read(b);
    REQUIRE(block);
    for (std::uint64_t i = 0; i < (*block)->size(); ++i, ++index) CHECK(same((*block)->sample(i), whole->whole->sample(index)));
    bytes_max = std::max(bytes_max, dynamic_cast<const DatasetSamples&>(**block).bytes());
  }
  CHECK(index == kRows);
  CHECK(stream.blocks_held_max() == 8000 / 2 / bytes_max);
  CHECK(streamed->clean == whole->clean);
  CHECK(streamed->clean == 30);
}

TEST_CASE("a curriculum chooses the same samples of a streamed split") {
  const SmallDataset dataset("stages");
  const auto data = dataset.open();
  const auto whole = open_split(data, SplitName::train, {400, 1 << 20, true}), streamed = open_split(data, SplitName::train, {400, 8000, true});
  Config config;
  auto& stage = *config.mutable_train()->add_stages();
  stage.set_difficulty_max(0.35);
  stage.set_samples(20);
  const auto a = plan_stages(config, whole->kinds, {}), b = plan_stages(config, streamed->kinds, {});
  REQUIRE(a);
  REQUIRE(b);
  CHECK(a->front().samples == b->front().samples);
  CHECK(a->front().samples.size() == 19);  // 13 bugs and half as many clean functions
  for (const auto i : b->front().samples)
    if (whole->whole->has_bug(i)) CHECK(whole->whole->labels(i).difficulty <= 0.35);
}

TEST_CASE("a memory that has not room for two shards is refused with key and number") {
  const SmallDataset dataset("small");
  const auto data = dataset.open();
  const auto refused = open_split(data, SplitName::train, {400, 100, false});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::invalid_input);
  CHECK(refused.error().what == "train.cache_mib: is 0, but two shards of the split train take 1; raise it, or build the dataset with fewer dataset.rows_per_shard");
}

TEST_CASE("a truncated shard is refused before training by its file, and one that changes later when it is read") {
  const SmallDataset dataset("damaged");
  const auto data = dataset.open();
  const auto streamed = open_split(data, SplitName::train, {400, 8000, false});
  REQUIRE(streamed);
  fs::copy_file(dataset.shard(4), dataset.shard(1), fs::copy_options::overwrite_existing);
  const auto other = streamed->stream->read(1);
  REQUIRE_FALSE(other);
  CHECK(other.failure().fault == model::Fault::corrupt);
  CHECK(other.failure().what.find("shard 1 of the split train has 10 samples, at the start it had 20") != std::string::npos);
  fs::resize_file(dataset.shard(3), fs::file_size(dataset.shard(3)) / 2);
  const auto later = streamed->stream->read(3);
  REQUIRE_FALSE(later);
  CHECK(later.failure().what.find("shard-00003.parquet") != std::string::npos);
  const auto again = open_split(data, SplitName::train, {400, 8000, false});
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::corrupt);
  CHECK(again.error().what.find("shard-00003.parquet") != std::string::npos);
}
