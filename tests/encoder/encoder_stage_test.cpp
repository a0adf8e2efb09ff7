// Pairs in, dataset rows out: what the encoder stage promises, rejections included.
#include "actors/encoder/encoder_stage.hpp"

#include <doctest/doctest.h>

#include "actors/encoder/grid.hpp"
#include "proto/pair_json.hpp"
#include "tests/encoder/texts.hpp"

using namespace mendel;
using namespace mendel::encoder;

namespace {

std::shared_ptr<const encoder::Tokenizer> shared_tokenizer() {
  static const auto made = std::make_shared<const encoder::Tokenizer>(sample_tokenizer());
  return made;
}

Pair pair_of(std::string buggy, std::string fixed, BugClass::Value bug_class) {
  Pair pair;
  pair.set_buggy(std::move(buggy));
  pair.set_fixed(std::move(fixed));
  pair.mutable_bug()->set_class_(bug_class);
  pair.mutable_bug()->set_type("off_by_one");
  pair.mutable_bug()->set_operator_("shift_bound");
  auto& source = *pair.mutable_source();
  source.set_kind(SourceKind::mutation);
  source.set_repository("json");
  source.set_commit("abc");
  source.set_path("json/decoder.py");
  source.set_symbol("JSONDecoder.decode");
  source.set_license("PSF-2.0");
  set_pair_id(pair);
  return pair;
}

WorkItem item_of(std::initializer_list<Pair> pairs) {
  WorkItem item;
  item.set_id(std::string(16, 'i'));
  item.set_stage(Stage::encode);
  auto& batch = *item.mutable_encode();
  batch.set_tokenizer(shared_tokenizer()->hash());
  for (const auto& pair : pairs) *batch.add_pairs() = pair;
  return item;
}

WorkResult run(const WorkItem& item) {
  const auto stage = EncoderStage::start(Config(), shared_tokenizer());
  REQUIRE(stage);
  auto result = stage.value()->run(item);
  REQUIRE(result);
  return std::move(result).value();
}

std::vector<std::int16_t> ids_of(const std::string& bytes) {
  std::vector<std::int16_t> ids;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
    ids.push_back(static_cast<std::int16_t>(static_cast<unsigned char>(bytes[i]) | static_cast<unsigned char>(bytes[i + 1]) << 8));
  return ids;
}

std::string text_of(const std::string& grid) {
  return *cells_to_text(*shared_tokenizer(), *grid_to_cells(ids_of(grid), shared_tokenizer()->size()));
}

}  // namespace

TEST_CASE("a pair becomes a row with both texts, its edit and its provenance") {
  const auto pair = pair_of("for i in range(n - 1):\n    go(i)\n", "for i in range(n):\n    go(i)\n", BugClass::logic);
  const auto result = run(item_of({pair}));
  CHECK(result.item_id() == std::string(16, 'i'));
  CHECK(result.stage() == Stage::encode);
  REQUIRE(result.rows_size() == 1);
  const auto& row = result.rows(0);
  CHECK(row.id() == pair.id());
  CHECK(row.buggy_grid().size() == 6144);
  CHECK(text_of(row.buggy_grid()) == pair.buggy());
  CHECK(text_of(row.fixed_grid()) == pair.fixed());
  CHECK(row.rows_buggy() == 4);
  CHECK(row.rows_fixed() == 4);
  REQUIRE(row.edits_size() == 1);
  const auto buggy = *grid_to_cells(ids_of(row.buggy_grid()), kVocabularyMax);
  const SpanEdit edit{row.edits(0).first(), row.edits(0).end(), {row.edits(0).tokens().begin(), row.edits(0).tokens().end()}};
  CHECK(apply_edit(buggy, edit) == *grid_to_cells(ids_of(row.fixed_grid()), kVocabularyMax));
  CHECK(row.bug_class() == "logic");
  CHECK(row.bug_type() == "off_by_one");
  CHECK(row.operator_() == "shift_bound");
  CHECK(row.source() == "mutation");
  CHECK(row.repository() == "json");
  CHECK(row.commit() == "abc");
  CHECK(row.path() == "json/decoder.py");
  CHECK(row.symbol() == "JSONDecoder.decode");
  CHECK(row.license() == "PSF-2.0");
  CHECK(row.has_bug());
  CHECK(row.window_first_line() == -1);
  CHECK(row.level() == 0);
  CHECK(row.cluster().empty());
}

TEST_CASE("a clean sample has no bug and no edit") {
  const auto result = run(item_of({pair_of("x = 1", "x = 1", BugClass::none)}));
  REQUIRE(result.rows_size() == 1);
  CHECK_FALSE(result.rows(0).has_bug());
  CHECK(result.rows(0).edits_size() == 0);
}

TEST_CASE("a pair that does not fit is rejected with the reason and the others go on") {
  const auto tall = pair_of(std::string(4000, '7'), "x", BugClass::logic);
  const auto result = run(item_of({tall, pair_of("y", "x", BugClass::logic)}));
  CHECK(result.rows_size() == 1);
  REQUIRE(result.rejections_size() == 1);
  CHECK(result.rejections(0).reason() == "does_not_fit");
  CHECK(result.rejections(0).pair_id() == tall.id());
  CHECK(result.rejections(0).subject() == "json/decoder.py");
  CHECK(result.rejections(0).detail().find("rows of 63") != std::string::npos);
  CHECK(result.funnel().at("encode.rows") == 1);
  CHECK(result.funnel().at("encode.does_not_fit") == 1);
}

TEST_CASE("the same item gives the same bytes") {
  const auto item = item_of({pair_of("a\nb", "a\nc", BugClass::logic), pair_of("f(", "f()", BugClass::syntax)});
  const auto first = run(item), second = run(item);
  REQUIRE(first.rows_size() == 2);
  for (int i = 0; i < 2; ++i) CHECK(first.rows(i).SerializeAsString() == second.rows(i).SerializeAsString());
}

TEST_CASE("an item for another vocabulary or another stage is an error") {
  const auto stage = EncoderStage::start(Config(), shared_tokenizer());
  REQUIRE(stage);
  auto item = item_of({});
  item.mutable_encode()->set_tokenizer("other");
  CHECK_FALSE(stage.value()->run(item));
  CHECK_FALSE(stage.value()->run(WorkItem()));
}

TEST_CASE("an encoder without a vocabulary does not start") {
  CHECK_FALSE(EncoderStage::start(Config(), nullptr));
}
