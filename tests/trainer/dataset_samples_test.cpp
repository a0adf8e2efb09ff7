// Dataset rows as samples; damaged rows are named and passed over.
#include <doctest/doctest.h>

#include "actors/encoder/grid.hpp"
#include "actors/trainer/dataset_samples.hpp"
#include "tests/trainer/dataset_rows.hpp"

using namespace mendel;
using namespace mendel::trainer;

namespace {

const auto kTokenizer = std::make_shared<const encoder::Tokenizer>(small_tokenizer());

Row row_of(const std::string& buggy, const std::string& fixed) { return trainer::row_of(kTokenizer, buggy, fixed); }

const std::string kFixed = "def f(x):\n    return x + 1", kBuggy = "def f(x):\n    return x - 1";

}  // namespace

TEST_CASE("a row comes back as its cells, their places and its edit") {
  DatasetSamples samples("train", 400, *kTokenizer);
  samples.add(row_of(kBuggy, kFixed));
  samples.add(row_of(kFixed, kFixed));
  samples.add(row_of(kFixed, kBuggy));
  REQUIRE(samples.size() == 3);
  CHECK(samples.clean() == 1);
  const auto cells = encoder::text_to_cells(*kTokenizer, kBuggy);
  const auto sample = samples.sample(0);
  CHECK(std::equal(cells.begin(), cells.end(), sample.cells.begin(), sample.cells.end()));
  CHECK(samples.cells(0) == cells.size());
  REQUIRE(sample.edit);
  CHECK(encoder::apply_edit(cells, {sample.edit->first, sample.edit->end, sample.edit->tokens}) == encoder::text_to_cells(*kTokenizer, kFixed));
  CHECK(sample.rows.back() == 2);
  CHECK(sample.columns.front() == 0);
  CHECK_FALSE(samples.sample(1).edit);
  CHECK(samples.sample(2).edit->tokens != sample.edit->tokens);
  CHECK(samples.labels(0).bug_type == "wrong_operator");
  CHECK(samples.labels(1).bug_class == "none");
}

TEST_CASE("documentation is not shown, and a change in it alone is no sample") {
  DatasetSamples samples("train", 400, *kTokenizer);
  samples.add(row_of("def f(x):\n    # says why\n    return x - 1  # so", "def f(x):\n    # says why\n    return x + 1  # so"));
  samples.add(row_of("def f(x):\n    # one\n    return x", "def f(x):\n    # two\n    return x"));
  REQUIRE(samples.size() == 1);
  CHECK(samples.passed_over().documentation_only == 1);
  CHECK(samples.cells(0) == encoder::text_to_cells(*kTokenizer, kBuggy).size());
}

TEST_CASE("rows that are too long or have several edits are counted, not taken") {
  const auto row = row_of(kBuggy, kFixed);
  const auto size = static_cast<std::uint32_t>(encoder::text_to_cells(*kTokenizer, kBuggy).size());
  DatasetSamples exact("train", size, *kTokenizer), shorter("train", size - 1, *kTokenizer);
  exact.add(row);
  shorter.add(row);
  CHECK(exact.size() == 1);
  CHECK(shorter.size() == 0);
  CHECK(shorter.passed_over().over_cells_max == 1);
  auto twice = row;
  *twice.add_edits() = row.edits(0);
  exact.add(twice);
  CHECK(exact.passed_over().several_edits == 1);
  CHECK(describe(exact.passed_over()) == "1 with several edits");
}

TEST_CASE("damaged rows are named and not trained on") {
  const auto sound = row_of(kBuggy, kFixed);
  DatasetSamples samples("validation", 400, *kTokenizer);
  auto id_out_of_range = sound;
  (*id_out_of_range.mutable_buggy_grid())[3] = '\x7F';
  auto other_edit = sound;
  other_edit.mutable_edits(0)->set_tokens(0, encoder::kByteFirst);
  auto outside = sound;
  outside.mutable_edits(0)->set_end(3000);
  auto short_grid = sound;
  short_grid.mutable_fixed_grid()->resize(10);
  for (const auto& row : {id_out_of_range, other_edit, outside, short_grid, sound}) samples.add(row);
  CHECK(samples.size() == 1);
  CHECK(samples.passed_over().damaged == 4);
  CHECK(samples.passed_over().damaged_rows.at(0).starts_with("validation row 1 (" + sound.id() + "): buggy_grid"));
  CHECK(samples.passed_over().damaged_rows.at(1).find("edits") != std::string::npos);
}
