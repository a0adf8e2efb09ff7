// Functions with several bugs: what is put together, and what is said of a model that mends one a look.
#include "actors/trainer/several_bugs.hpp"

#include <set>

#include "actors/trainer/model_edit.hpp"
#include "tests/trainer/dataset_rows.hpp"

using namespace mendel;
using namespace mendel::trainer;

namespace {

const auto kTokenizer = std::make_shared<const encoder::Tokenizer>(small_tokenizer());
const std::string kSound = "def f(x, y):\n    a = x + 1\n    b = y * 2\n    return a - b";
const std::pair<std::string, std::string> kSlips[] = {{"x + 1", "x - 1"}, {"y * 2", "y / 2"}, {"a - b", "a + b"}};

std::string with(std::string text, const std::pair<std::string, std::string>& slip) { return text.replace(text.find(slip.first), slip.first.size(), slip.second); }

DatasetSamples samples_of(const std::vector<std::string>& buggy) {
  DatasetSamples out("train", 400, *kTokenizer);
  for (const auto& text : buggy) out.add(row_of(kTokenizer, text, kSound));
  return out;
}

std::string text_of(const std::vector<encoder::TokenId>& cells) { return *encoder::cells_to_text(*kTokenizer, cells, encoder::Spelling::any); }

std::string text_of(const model::Sample& sample) { return text_of({sample.cells.begin(), sample.cells.end()}); }

}  // namespace

TEST_CASE("two bugs of one function stand in it together, and the edit mends one of them") {
  const auto first = with(kSound, kSlips[0]), last = with(kSound, kSlips[2]);
  const auto samples = samples_of({last, kSound, first});
  const SeveralBugs several(samples, {});
  REQUIRE(several.size() == 1);
  CHECK(several.bugs(0) == 2);
  std::vector<std::uint64_t> all = {0, 1, 2}, some = {0, 1};
  several.add_to(all);
  several.add_to(some);
  CHECK(all == std::vector<std::uint64_t>{0, 1, 2, 3});
  CHECK(some == std::vector<std::uint64_t>{0, 1});
  const auto sample = several.sample(0);
  CHECK(text_of(sample) == with(first, kSlips[2]));
  CHECK(several.cells(0) == sample.cells.size());
  CHECK(sample.rows.size() == sample.cells.size());
  CHECK(sample.marks.size() == sample.cells.size());
  REQUIRE(sample.edit);
  const auto mended = text_of(applied(std::vector<encoder::TokenId>(sample.cells.begin(), sample.cells.end()), *sample.edit));
  CHECK((mended == first || mended == last));
  CHECK(text_of(several.fixed(0)) == kSound);
}

TEST_CASE("three bugs come as two and as three, and which is mended differs with the seed") {
  std::vector<std::string> buggy;
  for (const auto& slip : kSlips) buggy.push_back(with(kSound, slip));
  const auto samples = samples_of(buggy);
  std::set<std::string> mended;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const SeveralBugs several(samples, {.seed = seed});
    REQUIRE(several.size() == 2);
    CHECK(several.bugs(0) == 2);
    REQUIRE(several.bugs(1) == 3);
    const auto sample = several.sample(1);
    CHECK(text_of(sample) == with(with(buggy[0], kSlips[1]), kSlips[2]));
    mended.insert(text_of(applied(std::vector<encoder::TokenId>(sample.cells.begin(), sample.cells.end()), *sample.edit)));
    CHECK(SeveralBugs(samples, {.seed = seed}).sample(1).edit == sample.edit);
  }
  CHECK(mended.size() == 3);
}

TEST_CASE("bugs that touch, of different functions, or too long together are not put together") {
  const auto twice = with(kSound, {"x + 1", "x * 1"});
  CHECK(SeveralBugs(samples_of({with(kSound, kSlips[0]), twice}), {}).size() == 0);
  DatasetSamples apart("train", 400, *kTokenizer);
  apart.add(row_of(kTokenizer, with(kSound, kSlips[0]), kSound));
  apart.add(row_of(kTokenizer, "def g(x):\n    return x + 1", "def g(x):\n    return x"));
  CHECK(SeveralBugs(apart, {}).size() == 0);
  const auto samples = samples_of({with(kSound, kSlips[0]), with(kSound, kSlips[2])});
  CHECK(SeveralBugs(samples, {.cells_max = samples.cells(0) - 1}).size() == 0);
}

TEST_CASE("no more of them than the share asked for") {
  DatasetSamples samples("train", 400, *kTokenizer);
  for (int i = 0; i < 200; ++i) {
    const auto sound = "def f" + std::to_string(i) + kSound.substr(5);
    samples.add(row_of(kTokenizer, with(sound, kSlips[0]), sound));
    samples.add(row_of(kTokenizer, with(sound, kSlips[2]), sound));
  }
  CHECK(SeveralBugs(samples, {}).size() == 200);
  const SeveralBugs some(samples, {.share = 0.1});
  CHECK(some.size() > 20);
  CHECK(some.size() < 65);
  CHECK(SeveralBugs(samples, {.share = 0}).size() == 0);
  const JoinedSamples joined(samples, some);
  CHECK(joined.size() == 400 + some.size());
  CHECK(text_of(joined.sample(399)) == text_of(samples.sample(399)));
  CHECK(text_of(joined.sample(400)) == text_of(some.sample(0)));
  CHECK(joined.cells(400) == some.cells(0));
}

TEST_CASE("a model that knows every slip mends functions of one, two and three bugs and leaves sound ones alone") {
  std::vector<std::string> buggy = {kSound};
  std::vector<KnownFix> fixes;
  for (const auto& slip : kSlips) {
    buggy.push_back(with(kSound, slip));
    fixes.push_back({slip.second, slip.first});
  }
  const auto samples = samples_of(buggy);
  FakeModel model(*kTokenizer, fixes);
  const std::vector<SeveralLevel> levels = {{0.05, 0, 0}, {0.1, 0, -3}, {1, 9, 9}};
  const auto rows = evaluate_several(model, samples, levels, 100, {});
  REQUIRE(rows);
  REQUIRE(rows->size() == 4);
  const std::uint64_t counts[] = {1, 3, 1, 1};
  for (std::uint32_t bugs = 0; bugs < 4; ++bugs) {
    const auto& row = (*rows)[bugs];
    CHECK(row.bugs == bugs);
    CHECK(row.given.n == counts[bugs]);
    CHECK(row.given.value() == 1);
    CHECK(row.mended[0].value() == 1);
    CHECK(row.mended[1].value() == (bugs < 2 ? 1 : 0));  // surer about further edits than the model is
    CHECK(row.mended[2].value() == 0);  // never stops
  }
  CHECK(several_table(*rows, levels).find("at_5") != std::string::npos);
  CHECK(several_json(*rows, levels).find("\"number_given\"") != std::string::npos);
  CHECK(evaluate_several(model, samples, levels, 100, [] { return true; }).error().code == ErrorCode::interrupted);
}
