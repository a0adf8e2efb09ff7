// A training split read shard by shard: the same samples as in memory, refusals that name file and remedy.
#include "actors/trainer/sample_stream.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>

#include "actors/trainer/curriculum.hpp"
#include "actors/trainer/training_run.hpp"
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

// A dataset of so many training rows and a few validation rows, in a folder that goes away.
struct MadeDataset {
  fs::path folder;
  MadeDataset(const std::string& name, std::uint32_t rows_per_shard, int rows, const std::function<Row(int)>& row_at)
      : folder(fs::temp_directory_path() / ("mendel-stream-" + name + "-" + std::to_string(::getpid()))) {
    fs::remove_all(folder);
    fs::create_directories(folder / "tokenizer");
    REQUIRE(kTokenizer->save(folder / "tokenizer"));
    storage::DatasetOptions options;
    options.rows_per_shard = rows_per_shard;
    auto writer = storage::DatasetWriter::create(folder / "set", options);
    REQUIRE(writer);
    for (int n = 0; n < rows + 6; ++n) {
      auto row = row_at(n);
      row.set_level(1);
      const auto added = (*writer)->add(n < rows ? SplitName::train : SplitName::validation, row);
      REQUIRE_MESSAGE(added, added.error().what);
    }
    storage::ManifestFacts facts;
    facts.vocabulary = kTokenizer->size();
    facts.tokenizer_hash = kTokenizer->hash();
    facts.configuration_json = "{}";
    REQUIRE((*writer)->finish(facts, {{"tokenizer.json", content_of(folder / "tokenizer" / "tokenizer.json")}}));
  }
  ~MadeDataset() { fs::remove_all(folder); }
  fs::path shard(int number) const { return folder / "set" / "train" / ("shard-0000" + std::to_string(number) + ".parquet"); }
  TrainingData open() const {
    auto data = open_training_data(folder / "set");
    REQUIRE_MESSAGE(data, data.error().what);
    return std::move(*data);
  }
};

// Rows in shards of 20, every third clean.
struct SmallDataset : MadeDataset {
  explicit SmallDataset(const std::string& name)
      : MadeDataset(name, 20, kRows, [](int n) {
          const auto before = "def f" + std::to_string(n) + "(x):\n    return x ", behind = " " + std::to_string(n);
          auto row = row_of(kTokenizer, before + (n % 3 ? "-" : "+") + behind, before + "+" + behind);
          row.set_difficulty(n % 10 / 10.0);
          return row;
        }) {}
};

// 1,500 rows of some 380 cells in shards of 100, a wrong line in three of four: more than 1 MiB of samples.
struct LongDataset : MadeDataset {
  explicit LongDataset(const std::string& name) : MadeDataset(name, 100, 1500, row_at) {}
  static Row row_at(int n) {
    constexpr int kLines = 25;
    const auto text = [](int wrong) {
      std::string out = "def f(x):\n";
      for (int line = 0; line < kLines; ++line) out += line == wrong ? "    x = x - 1 + 2\n" : "    x = x + 1 + 2\n";
      return out + "    return x";
    };
    static const auto rows = [&] {
      std::vector<Row> out;
      for (int wrong = 0; wrong <= kLines; ++wrong) out.push_back(row_of(kTokenizer, text(wrong), text(kLines)));
      return out;
    }();
    auto row = n % 4 ? rows[static_cast<std::size_t>(n % kLines)] : rows.back();
    char id[33];
    std::snprintf(id, sizeof id, "%032x", n + 1);
    row.set_id(id);
    return row;
  }
};

// Step and loss of each step of a run, as text.
std::vector<std::string> losses_of(const fs::path& run) {
  std::ifstream in(run / "metrics.jsonl");
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);)
    if (line.find("\"curve\"") == line.npos) out.push_back(line.substr(0, line.find("\"cpu_minutes\"")) + line.substr(line.find("\"loss\""), 30));
  return out;
}

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

TEST_CASE("a run over a split larger than its memory is stopped and goes on with the same losses; several bugs are refused there") {
  const LongDataset dataset("run");
  Config config;
  auto& settings = *config.mutable_train();
  settings.set_cache_mib(1);
  settings.set_width(16);
  settings.set_heads(2);
  settings.set_encoder_layers("r");
  settings.set_cells_per_batch(20000);
  settings.set_steps_max(16);
  settings.set_evaluations(1);
  settings.set_threads(1);
  TrainRequest whole, parted;
  std::string notes;
  whole.dataset = parted.dataset = dataset.folder / "set";
  whole.run = dataset.folder / "whole";
  parted.run = dataset.folder / "parted";
  whole.note = [&](std::string_view line) { notes += line; };
  const auto done = run_training(config, whole);
  REQUIRE_MESSAGE(done, done.error().what);
  CHECK(notes.find("larger than train.cache_mib, so 15 shards are read as they are needed, ") != std::string::npos);
  std::uint64_t steps = 0, stop_at = 5;
  parted.on_step = [&](const model::StepReport& r) { steps = r.step; };
  parted.stop = [&] { return steps >= stop_at; };
  for (; stop_at < 16; stop_at += 9) CHECK(run_training(config, parted).error().code == ErrorCode::interrupted);
  parted.stop = {};
  REQUIRE(run_training(config, parted));
  CHECK(losses_of(whole.run).size() == 16);
  CHECK(losses_of(whole.run) == losses_of(parted.run));
  CHECK(content_of(whole.run / "state/state.safetensors").find("\"window\":\"1\"") != std::string::npos);
  settings.set_several_share(0.5);
  parted.run = dataset.folder / "several";
  const auto refused = run_training(config, parted);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.find("train.several_share: needs the training split in memory, and train.cache_mib = 1 is too little") != std::string::npos);
}
