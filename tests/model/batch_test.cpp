// Batches, their segments, the order of training.
#include "torch_doctest.hpp"

#include <set>

#include "model/batch.hpp"
#include "model/loader.hpp"
#include "samples.hpp"

using namespace mendel::model;

TEST_CASE("row segments hold the cells of one row of one sample, function segments all of a sample") {
  const std::vector<Sample> samples = {laid_out({6, 21, 3, 7, 3}), laid_out({6, 3})};
  const auto batch = make_batch(samples);
  CHECK(batch->columns == 5);
  CHECK(batch->rows == 64);
  CHECK(batch->row_segments.offsets == std::vector<std::int32_t>{0, 3, 5, 7});
  CHECK(batch->row_segments.order == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6});
  CHECK(batch->function_segments.offsets == std::vector<std::int32_t>{0, 5, 7});
  CHECK(batch->column_segments.offsets == std::vector<std::int32_t>{0, 2, 4, 5, 6, 7});
  CHECK(batch->column_segments.order == std::vector<std::int32_t>{0, 3, 1, 4, 2, 5, 6});
  CHECK(batch->row_segments.cells_max == 3);
  CHECK(batch->mask_bt.sum().item<float>() == 7);
}

TEST_CASE("a cell knows how far away its token stands again, and whether it has the same neighbour there") {
  // Rows: 21 22 | 30 | 21 22 | 21 | 31 31 | . . . . | 31, each with its <eol>.
  std::vector<std::int16_t> cells = {21, 22, 3, 30, 3, 21, 22, 3, 21, 3, 31, 31, 3};
  for (int row = 0; row < 4; ++row) cells.push_back(3);
  cells.push_back(31);
  const auto batch = make_batch(std::vector<Sample>{laid_out(cells)});
  const auto repeat = [&](std::int64_t t) { return batch->places_bt[2][0][t].item<std::int64_t>(); };
  CHECK(repeat(0) == 4 * 0 + 2);  // first 21: again two rows on
  CHECK(repeat(1) == 16 + 4 * 0 + 2);  // 21 22 stands twice
  CHECK(repeat(3) == 0);  // 30 stands once
  CHECK(repeat(8) == 16 + 4 * 2 + 0);  // behind an <eol> as the 21 before it
  CHECK(repeat(10) == 16 + 4 * 0 + 1);  // 31 again in its row, and behind an <eol> once more
  CHECK(repeat(11) == 4 * 1 + 3);  // and far below
  CHECK(batch->places_bt[3].sum().item<std::int64_t>() == 0);  // no marks given
}

TEST_CASE("a sample that cannot be fed is named with its fault") {
  auto good = laid_out({6, 21, 3});
  CHECK(sample_fault(good, kTestVocabulary).empty());
  CHECK(sample_fault(Sample{}, kTestVocabulary) == "has 0 cells; 1 to 3072 are allowed");
  auto bad = good;
  bad.cells[1] = 40;
  CHECK(sample_fault(bad, kTestVocabulary) == "has token id 40 at cell 1, the vocabulary has 1 to 39");
  bad = good;
  bad.cells[2] = -7;
  CHECK_FALSE(sample_fault(bad, kTestVocabulary).empty());
  bad = good;
  bad.rows.pop_back();
  CHECK_FALSE(sample_fault(bad, kTestVocabulary).empty());
  bad = good;
  bad.marks = {0, 0};
  CHECK(sample_fault(bad, kTestVocabulary) == "has marks of another length than its cells");
  bad.marks = {0, 16, 0};
  CHECK(sample_fault(bad, kTestVocabulary) == "has mark 16 at cell 1; 0 to 15 are allowed");
  bad = good;
  bad.columns[0] = 48;
  CHECK_FALSE(sample_fault(bad, kTestVocabulary).empty());
  for (const auto& edit : {SpanEdit{2, 1, {9}}, SpanEdit{0, 4, {}}, SpanEdit{3, 3, {9}}, SpanEdit{1, 1, {}}, SpanEdit{0, 1, {kEosId}}, SpanEdit{0, 1, {99}}}) {
    bad = good;
    bad.edit = edit;
    CHECK_FALSE(sample_fault(bad, kTestVocabulary).empty());
  }
}

TEST_CASE("an edit beyond what the head can say is not learnable") {
  auto s = laid_out(std::vector<std::int16_t>(60, 21));
  s.edit = SpanEdit{0, 32, std::vector<std::int32_t>(48, 9)};
  CHECK(learnable(s));
  s.edit->end = 33;
  CHECK_FALSE(learnable(s));
  s.edit = SpanEdit{0, 1, std::vector<std::int32_t>(49, 9)};
  CHECK_FALSE(learnable(s));
}

TEST_CASE("edits are the same repair if they give the same cells") {
  const std::vector<std::int16_t> cells = {6, 21, 21, 3};
  CHECK(same_repair(cells, {1, 1, {21}}, {3, 3, {21}}));
  CHECK(same_repair(cells, {1, 2, {21, 9}}, {2, 2, {9}}));
  CHECK_FALSE(same_repair(cells, {1, 1, {9}}, {2, 2, {9}}));
  CHECK_FALSE(same_repair(cells, {1, 2, {}}, {0, 1, {}}));
}

TEST_CASE("an epoch brings every short enough sample once, in batches under the limit") {
  const MadeSet set(4000);
  Loader loader(set, 7, {100, 17});
  std::uint64_t wanted = 0;
  for (std::uint64_t i = 0; i < set.size(); ++i) wanted += set.cells(i) <= 17 ? 1 : 0;
  REQUIRE(wanted > 2048);
  std::set<std::uint64_t> seen;
  for (LoaderPosition at; seen.size() < wanted;) {
    const auto batch = *loader.next(at);
    REQUIRE(at.epoch == 0);
    std::uint32_t longest = 0;
    for (const auto i : batch) {
      CHECK(seen.insert(i).second);
      longest = std::max(longest, set.cells(i));
    }
    CHECK(longest <= 17);
    CHECK(longest * batch.size() <= 100);
  }
}

TEST_CASE("the order is that of the seed, another epoch has another, and any position can be gone back to") {
  const MadeSet set(500);
  Loader first(set, 7, {100, 400}), second(set, 7, {100, 400}), other(set, 8, {100, 400});
  std::vector<std::vector<std::uint64_t>> batches;
  LoaderPosition at, later;
  for (int i = 0; i < 150; ++i) {
    if (i == 120) later = at;
    batches.push_back(*first.next(at));
  }
  CHECK(at.epoch > 0);
  CHECK(*second.next(later) == batches[120]);
  LoaderPosition start;
  CHECK(*other.next(start) != batches[0]);
  LoaderPosition next_epoch{1, 0};
  CHECK(*second.next(next_epoch) != batches[0]);
}
