// Samples chosen by hash, gates placed by shares.
#include "actors/trainer/curriculum.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "model/loader.hpp"

namespace mendel::trainer {
namespace {

using Json = nlohmann::ordered_json;
using Indices = std::vector<std::uint64_t>;

constexpr std::uint64_t kChoiceStream = 0x636c6173;  // of the hash

std::string key(std::size_t stage, const char* field) { return "train.stages[" + std::to_string(stage + 1) + "]" + (*field ? "." : "") + field; }

template <typename Names>
bool names(const Names& list, std::string_view one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

bool takes(const TrainStage& stage, const SampleKinds& train, std::uint64_t bug) {
  if (train.difficulty(bug) < stage.difficulty_min() || train.difficulty(bug) > stage.difficulty_max()) return false;
  const auto& kind = train.kind(bug);
  if (stage.sources_size() > 0 && !names(stage.sources(), kind.source)) return false;
  return stage.classes_size() + stage.types_size() == 0 || names(stage.classes(), kind.bug_class) || names(stage.types(), kind.bug_type);
}

// The `count` of them with the smallest hash.
void choose(Indices& indices, std::uint64_t count, std::uint64_t seed) {
  if (indices.size() <= count) return;
  const auto before = [&](std::uint64_t a, std::uint64_t b) {
    return std::pair(model::mix_hash(seed, kChoiceStream, a), a) < std::pair(model::mix_hash(seed, kChoiceStream, b), b);
  };
  std::nth_element(indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(count), indices.end(), before);
  indices.resize(count);
}

struct Kinds {
  Indices bugs, clean;
};

Kinds sort_out(const TrainStage& stage, const SampleKinds& train) {
  Kinds out;
  for (std::uint64_t i = 0; i < train.size(); ++i) {
    if (!train.has_bug(i)) out.clean.push_back(i);
    else if (takes(stage, train, i)) out.bugs.push_back(i);
  }
  return out;
}

Indices samples_of(const TrainStage& stage, const SampleKinds& train, std::uint64_t seed) {
  auto [bugs, clean] = sort_out(stage, train);
  const double clean_share = static_cast<double>(train.clean()) / static_cast<double>(train.size());
  if (bugs.empty()) return bugs;
  if (stage.samples() > 0) choose(bugs, static_cast<std::uint64_t>(std::llround(stage.samples() * (1 - clean_share))), seed);
  choose(clean, static_cast<std::uint64_t>(std::llround(static_cast<double>(bugs.size()) * clean_share / (1 - clean_share))), seed);
  bugs.insert(bugs.end(), clean.begin(), clean.end());
  std::sort(bugs.begin(), bugs.end());
  return bugs;
}

Result<model::PlacedGate> place(const std::string& text, const TrainStage& stage, const std::string& name) {
  auto gate = model::parse_gate(text);
  if (!gate) return Error{ErrorCode::invalid_input, name + ": " + gate.failure().what};
  model::PlacedGate out{std::move(*gate), 1, 0};
  using Place = model::Gate::Place;
  if (out.gate.place == Place::end) return out;
  std::uint64_t whole = stage.samples();
  if (out.gate.place == Place::samples && whole == 0)
    return Error{ErrorCode::invalid_input, name + ": gate \"" + text + "\" stands at a number of samples, but the stage says none; set samples, or use step"};
  if (out.gate.place == Place::step) {
    if (stage.samples() == 0 || stage.batch() == 0) {
      out.step = out.gate.at;
      return out;
    }
    const std::uint64_t step = std::uint64_t{stage.batch()} * stage.accumulation();
    whole = (stage.samples() + step - 1) / step * stage.epochs();
  }
  if (out.gate.at > whole)
    return Error{ErrorCode::invalid_input, name + ": gate \"" + text + "\" stands beyond the end of the stage, which is at " + std::to_string(whole)};
  out.share = static_cast<double>(out.gate.at) / static_cast<double>(whole);
  return out;
}

}  // namespace

Result<std::vector<model::StagePlan>> plan_stages(const Config& config, const SampleKinds& train, const std::function<void(std::string_view)>& note) {
  std::vector<model::StagePlan> out;
  for (std::size_t s = 0; s < static_cast<std::size_t>(config.train().stages_size()); ++s) {
    const auto& row = config.train().stages(static_cast<int>(s));
    const auto refused = [&](const char* field, const std::string& why) { return Error{ErrorCode::invalid_input, key(s, field) + ": " + why}; };
    if (row.accumulation() > 1 && row.batch() == 0) return refused("accumulation", "is " + std::to_string(row.accumulation()) + " without batch; set batch");
    if (row.difficulty_min() > row.difficulty_max()) return refused("difficulty_min", "is above difficulty_max");
    model::StagePlan plan;
    plan.name = "stage_" + std::to_string(s + 1);
    plan.samples = samples_of(row, train, config.seed());
    if (std::none_of(plan.samples.begin(), plan.samples.end(), [&](auto i) { return train.has_bug(i); }))
      return refused("", "no bug of the training split has this difficulty, these kinds and sources; widen difficulty_max, classes, types or sources, or build a larger dataset");
    if (note && row.samples() > plan.samples.size())
      note(stage_title(config.train(), s) + ": " + std::to_string(plan.samples.size()) + " samples fit, of " + std::to_string(row.samples()) + " asked for");
    plan.epochs = row.epochs();
    plan.batch_samples = row.batch() * row.accumulation();
    plan.learning_rate = row.learning_rate();
    plan.warmup_steps = row.warmup_steps();
    plan.cycles = row.cycles();
    plan.cycle_growth = row.cycle_growth();
    plan.ticks = row.ticks();
    plan.memory = row.memory();
    plan.checkpoint_steps = row.checkpoint_steps();
    for (const auto& text : row.gates()) {
      auto gate = place(text, row, key(s, "gates"));
      if (!gate) return gate.error();
      plan.gates.push_back(std::move(*gate));
    }
    out.push_back(std::move(plan));
  }
  return out;
}

std::string stage_title(const Train& train, std::size_t stage) {
  const auto number = "stage " + std::to_string(stage + 1);
  if (stage >= static_cast<std::size_t>(train.stages_size()) || train.stages(static_cast<int>(stage)).name().empty()) return number;
  return number + " (" + train.stages(static_cast<int>(stage)).name() + ")";
}

namespace {

std::size_t stage_index(const std::string& name) { return static_cast<std::size_t>(std::strtoul(name.c_str() + std::string("stage_").size(), nullptr, 10)) - 1; }

}  // namespace

std::string measured_text(const model::GateResult& gate) {
  char out[64] = "not measurable";
  if (gate.measured) std::snprintf(out, sizeof out, "%.4f", *gate.measured);
  return out;
}

std::string gate_table(const Train& train, const std::vector<model::GateResult>& gates) {
  std::string out;
  for (const auto& g : gates) {
    const char* const verdict = g.met ? "met" : g.step == 0 ? "not reached" : "missed";
    char line[400];
    std::snprintf(line, sizeof line, "%-28s %-40s %14s  %s\n", stage_title(train, stage_index(g.stage)).c_str(), g.text.c_str(), g.step == 0 ? "-" : measured_text(g).c_str(), verdict);
    out += line;
  }
  return out;
}

std::string gates_json(const Train& train, const std::vector<model::GateResult>& gates) {
  Json out = Json::array();
  for (const auto& g : gates)
    out.push_back({{"stage", g.stage}, {"title", stage_title(train, stage_index(g.stage))}, {"gate", g.text}, {"reached", g.step > 0}, {"step", g.step},
                   {"measured", g.measured ? Json(*g.measured) : Json()}, {"met", g.met}});
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

bool all_met(const std::vector<model::GateResult>& gates) {
  return std::all_of(gates.begin(), gates.end(), [](const auto& g) { return g.met; });
}

}  // namespace mendel::trainer
