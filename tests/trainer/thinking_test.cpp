// The probes of thinking: which are asked, at equal false alarms, and what the table says of them.
#include "actors/trainer/thinking.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace mendel;
using namespace mendel::trainer;
using model::Probe;

namespace {

// Twenty bugs and ten clean functions of one cell; bug i wants token i + 10.
class Twenty final : public model::SampleSet {
 public:
  std::uint64_t size() const override { return 30; }
  std::uint32_t cells(std::uint64_t) const override { return 1; }
  model::Sample sample(std::uint64_t i) const override {
    model::Sample s;
    s.cells = {static_cast<std::int16_t>(i + 10)};
    s.rows = s.columns = {0};
    if (i < 20) s.edit = model::SpanEdit{0, 1, {static_cast<std::int32_t>(i + 50)}};
    return s;
  }
};

// Mends all with its own synchronisation, half with another's, none without; clean functions get margins 0..9.
class Thinker final : public model::RepairModel {
 public:
  model::Expected<std::vector<std::vector<model::Proposal>>> propose(std::span<const model::Sample>, std::uint32_t) override {
    return model::Failure{model::Fault::invalid, "not asked here"};
  }
  model::Expected<std::vector<model::Proposal>> probe(std::span<const model::Sample> samples, const Probe& probe) override {
    asked.push_back(probe);
    std::vector<model::Proposal> out;
    for (const auto& s : samples) {
      const auto i = s.cells[0] - 10;
      const bool mends = probe.synchronisation == Probe::Synchronisation::own || (probe.synchronisation == Probe::Synchronisation::another && i % 2 == 0);
      model::Proposal p;
      p.edit = {0, 1, {s.edit && mends ? i + 50 : 49}};
      p.margin = s.edit ? i - 10.5 : i - 20;
      p.steps = probe.steps > 0 ? probe.steps : 3;
      out.push_back(p);
    }
    return out;
  }
  const model::ModelSettings& settings() const override { return settings_; }
  const model::Thresholds& thresholds() const override { return thresholds_; }
  const std::map<std::string, std::string>& facts() const override { return facts_; }
  std::uint64_t parameters() const override { return 1; }

  std::vector<Probe> asked;
  model::ModelSettings settings_;

 private:
  model::Thresholds thresholds_;
  std::map<std::string, std::string> facts_;
};

}  // namespace

TEST_CASE("a CTM is asked with its own, another's and no synchronisation, and with one to twice its ticks") {
  Thinker thinker;
  thinker.settings_.ctm.neurons = 16;
  thinker.settings_.ctm.ticks = 4;
  const auto rows = evaluate_thinking(thinker, Twenty{}, {});
  REQUIRE(rows);
  std::vector<std::string> names;
  for (const auto& row : *rows) names.push_back(row.name);
  CHECK(names == std::vector<std::string>{"own", "another", "none", "steps_1", "steps_2", "steps_4", "steps_8"});
  CHECK((*rows)[0].exact.count == 20);
  CHECK((*rows)[1].exact.count == 10);
  CHECK((*rows)[2].exact.count == 0);
  CHECK((*rows)[0].exact.n == 20);
  CHECK((*rows)[0].steps_mean == 3);
  CHECK((*rows)[6].steps_mean == 8);
  // Of ten clean functions with margins 0 .. 9 one may be edited at 10 %: below margin 1 lie the bugs 0 .. 11.
  CHECK((*rows)[0].exact_at[1].count == 12);
  CHECK((*rows)[0].exact_at[0].count == 11);
  CHECK(thinking_table(*rows).find("another") != std::string::npos);
  CHECK(thinking_json(*rows).find("\"exact_at_10\"") != std::string::npos);
}

TEST_CASE("a recursion is asked for its steps only, and a model without steps not at all") {
  Thinker thinker;
  thinker.settings_.supervision_steps = 2;
  const auto rows = evaluate_thinking(thinker, Twenty{}, {});
  REQUIRE(rows);
  CHECK(rows->size() == 4);  // own, 1, 2, 4
  CHECK(thinks(thinker.settings_));
  CHECK_FALSE(thinks(model::ModelSettings{}));
  CHECK(evaluate_thinking(thinker, Twenty{}, [] { return true; }).error().code == ErrorCode::interrupted);
}
