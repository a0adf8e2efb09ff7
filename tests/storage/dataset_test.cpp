// The dataset: what goes in comes out, in an order and in bytes that only rows and seed decide; damage
// is found and named.
#include "storage/dataset.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/storage/samples.hpp"

using namespace mendel;
using namespace mendel::storage;
using namespace mendel::storage::samples;

namespace {

constexpr std::uint32_t kVocabulary = 1000;

Row row_of(int n) {
  Row row;
  row.set_id(pair_of(n).id());
  Random random(static_cast<std::uint64_t>(n));
  std::string grid(6144, '\0');
  for (std::size_t at = 0; at < 300; at += 2) grid[at] = static_cast<char>(random.below(250));
  row.set_buggy_grid(grid);
  grid[10] = 7;
  row.set_fixed_grid(grid);
  row.set_rows_buggy(4);
  row.set_rows_fixed(64);
  row.set_has_bug(n % 5 != 0);
  if (row.has_bug()) {
    auto& edit = *row.add_edits();
    edit.set_first(5);
    edit.set_end(n % 2 ? 5 : 6);
    edit.add_tokens(7);
    if (n % 3 == 0) edit.add_tokens(999);
  }
  row.set_bug_class(row.has_bug() ? "logic" : "none");
  row.set_bug_type(row.has_bug() ? "off_by_one" : "no_bug");
  row.set_source("mutation");
  row.set_repository("pkg");
  row.set_path("pkg/\xC3\xA9.py");
  row.set_quality(0.1 * (n % 10));
  row.set_difficulty(0.5);
  row.set_level(1 + static_cast<std::uint32_t>(n) % 5);
  row.set_window_first_line(n % 7 ? -1 : 12);
  row.set_symbol("Class.method");
  return row;
}

SplitName split_of(int n) { return n % 10 == 0 ? SplitName::test : n % 10 == 1 ? SplitName::validation : SplitName::train; }

ManifestFacts facts() {
  ManifestFacts out;
  out.configuration_json = "{\"seed\": 7}";
  out.rejected_by_reason = {{"duplicate", 3}};
  out.vocabulary = kVocabulary;
  return out;
}

Result<std::string> write(const fs::path& folder, const std::vector<int>& order, DatasetOptions options) {
  auto writer = DatasetWriter::create(folder, options);
  if (!writer) return writer.error();
  for (const int n : order)
    if (auto added = (*writer)->add(split_of(n), row_of(n)); !added) return added.error();
  return (*writer)->finish(facts(), {{"tokenizer.json", "{}"}});
}

std::vector<int> numbers(int count) {
  std::vector<int> out(static_cast<std::size_t>(count));
  for (int n = 0; n < count; ++n) out[static_cast<std::size_t>(n)] = n;
  return out;
}

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) out[entry.path().lexically_relative(folder)] = content_of(entry.path());
  return out;
}

constexpr DatasetOptions kSmall{.seed = 7, .rows_per_shard = 100, .memory_mib = 16, .compression_level = 3};

}  // namespace

TEST_CASE("rows come back as they were written, each once, in its split") {
  Folder folder;
  REQUIRE(write(folder.path / "set", numbers(250), kSmall));
  auto reader = DatasetReader::open(folder.path / "set");
  REQUIRE(reader);
  std::map<std::string, std::pair<SplitName, std::string>> expected;
  for (const int n : numbers(250)) expected[row_of(n).id()] = {split_of(n), to_json(row_of(n))};
  for (const auto split : {SplitName::train, SplitName::validation, SplitName::test}) {
    std::uint64_t rows = 0;
    REQUIRE((*reader)->each(split, [&](const Row& row) {
      ++rows;
      const auto at = expected.find(row.id());
      REQUIRE(at != expected.end());
      CHECK(at->second.first == split);
      CHECK(at->second.second == to_json(row));
      expected.erase(at);
      return true;
    }));
    CHECK(rows == (*reader)->rows(split));
  }
  CHECK(expected.empty());
  std::vector<std::string> ids, by_shard;
  REQUIRE((*reader)->each(SplitName::train, [&](const Row& row) { return ids.push_back(row.id()), true; }));
  REQUIRE((*reader)->shards(SplitName::train) == 2);
  for (std::size_t shard = 0; shard < 2; ++shard)
    REQUIRE((*reader)->each_of_shard(SplitName::train, shard, [&](const Row& row) { return by_shard.push_back(row.id()), true; }));
  CHECK(ids == by_shard);
  CHECK((*reader)->verify());
  const auto manifest = nlohmann::json::parse((*reader)->manifest_json());
  CHECK(manifest["splits"]["train"]["shards"].size() == 2);
  CHECK(manifest["splits"]["train"]["by_class"]["logic"] == 175);
  CHECK(manifest["rejected_by_reason"]["duplicate"] == 3);
  CHECK_FALSE(fs::exists(folder.path / "set.partial"));
}

TEST_CASE("the same rows give the same bytes in any order and with any memory; another seed does not") {
  Folder folder;
  auto order = numbers(3000);
  const auto digest = write(folder.path / "a", order, kSmall);  // 8 MiB a run: several runs
  REQUIRE(digest);
  std::reverse(order.begin(), order.end());
  auto roomy = kSmall;
  roomy.memory_mib = 512;  // one run in memory
  const auto same = write(folder.path / "b", order, roomy);
  REQUIRE(same);
  CHECK(*digest == *same);
  CHECK(files_of(folder.path / "a") == files_of(folder.path / "b"));
  auto other = kSmall;
  other.seed = 8;
  const auto different = write(folder.path / "c", order, other);
  REQUIRE(different);
  CHECK(*different != *digest);
  auto level = kSmall;
  level.compression_level = 9;
  CHECK(*write(folder.path / "d", order, level) == *digest);  // the digest is over rows, not compression
}

TEST_CASE("an empty dataset has its files, reads and verifies") {
  Folder folder;
  REQUIRE(write(folder.path / "set", {}, kSmall));
  auto reader = DatasetReader::open(folder.path / "set");
  REQUIRE(reader);
  CHECK((*reader)->rows(SplitName::train) == 0);
  CHECK((*reader)->verify());
}

TEST_CASE("an older dataset is replaced, anything else is left alone") {
  Folder folder;
  const auto set = folder.path / "set";
  REQUIRE(write(set, numbers(10), kSmall));
  const auto digest = write(set, numbers(20), kSmall);
  REQUIRE(digest);
  CHECK((*DatasetReader::open(set))->digest() == *digest);
  CHECK_FALSE(fs::exists(folder.path / "set.partial"));
  fs::create_directories(folder.path / "home");
  overwrite(folder.path / "home" / "letter.txt", "dear");
  const auto refused = DatasetWriter::create(folder.path / "home", kSmall);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.find("no dataset") != std::string::npos);
}

TEST_CASE("a writer that was not finished leaves nothing, and two at once are told") {
  Folder folder;
  {
    auto writer = DatasetWriter::create(folder.path / "set", kSmall);
    REQUIRE(writer);
    REQUIRE((*writer)->add(SplitName::train, row_of(1)));
    const auto second = DatasetWriter::create(folder.path / "set", kSmall);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::busy);
  }
  CHECK(fs::is_empty(folder.path));
}

TEST_CASE("a row that is not sound is refused with its column") {
  Folder folder;
  auto writer = *DatasetWriter::create(folder.path / "set", kSmall);
  const auto refuses = [&](const char* column, auto change) {
    auto row = row_of(1);
    change(row);
    const auto added = writer->add(SplitName::train, row);
    REQUIRE_FALSE(added);
    CHECK(added.error().what.find(std::string("column ") + column) != std::string::npos);
  };
  refuses("id", [](Row& row) { row.set_id("x"); });
  refuses("buggy_grid", [](Row& row) { row.mutable_buggy_grid()->pop_back(); });
  refuses("fixed_grid", [](Row& row) { row.mutable_fixed_grid()->at(1) = '\xFF'; });
  refuses("level", [](Row& row) { row.set_level(6); });
  refuses("rows_fixed", [](Row& row) { row.set_rows_fixed(65); });
  refuses("edits", [](Row& row) { row.mutable_edits(0)->set_first(9); });
  refuses("quality", [](Row& row) { row.set_quality(std::numeric_limits<double>::quiet_NaN()); });
  refuses("has_bug", [](Row& row) { row.set_has_bug(false); });
  REQUIRE(writer->add(SplitName::train, row_of(1)));
  REQUIRE(writer->add(SplitName::train, row_of(1)));
  const auto twice = writer->finish(facts(), {});
  REQUIRE_FALSE(twice);
  CHECK(twice.error().what.find("twice") != std::string::npos);
}

TEST_CASE("a flipped, cut, missing or additional file is found by verify and named") {
  Folder folder;
  const auto set = folder.path / "set";
  REQUIRE(write(set, numbers(60), kSmall));
  for (const auto& [name, content] : files_of(set)) {
    if (name == "manifest.json") continue;
    CAPTURE(name);
    for (std::size_t at = 0; at < content.size(); at += 1 + content.size() / 7) {
      auto changed = content;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      for (const auto& damaged : {changed, content.substr(0, at)}) {
        overwrite(set / name, damaged);
        const auto sound = (*DatasetReader::open(set))->verify();
        REQUIRE_FALSE(sound);
        CHECK(sound.error().what.find(name) != std::string::npos);
        // Reading alone may not see it, but answers rows or an error and lives.
        (void)(*DatasetReader::open(set))->each(SplitName::train, [](const Row&) { return true; });
      }
    }
    overwrite(set / name, content);
  }
  CHECK((*DatasetReader::open(set))->verify());
  overwrite(set / "train" / "shard-00009.parquet", "x");
  CHECK_FALSE((*DatasetReader::open(set))->verify());
}

TEST_CASE("a manifest that was changed is found") {
  Folder folder;
  const auto set = folder.path / "set";
  REQUIRE(write(set, numbers(60), kSmall));
  const auto manifest = content_of(set / "manifest.json");
  CHECK(DatasetReader::open(folder.path / "none").error().code == ErrorCode::not_found);
  for (const auto& bad : {std::string("{"), std::string("[]"), std::string(), std::string("{\"schema_version\": 9}")}) {
    overwrite(set / "manifest.json", bad);
    CHECK(DatasetReader::open(set).error().code == ErrorCode::corrupt);
  }
  auto json = nlohmann::json::parse(manifest);
  json["digest"] = std::string(32, '0');
  overwrite(set / "manifest.json", json.dump());
  CHECK((*DatasetReader::open(set))->verify().error().what.find("digest") != std::string::npos);
  json = nlohmann::json::parse(manifest);
  json["splits"]["train"]["shards"][0]["path"] = "../../etc/passwd";
  overwrite(set / "manifest.json", json.dump());
  CHECK(DatasetReader::open(set).error().code == ErrorCode::corrupt);
}
