// Gates against numbers.
#include "gate_book.hpp"

#include <algorithm>
#include <cmath>

namespace mendel::model {
namespace {

constexpr double kRounding = 1e-9;

const GateResult* find(const std::vector<GateResult>& results, const std::string& stage, const std::string& text) {
  const auto at = std::find_if(results.begin(), results.end(), [&](const auto& r) { return r.stage == stage && r.text == text; });
  return at == results.end() ? nullptr : &*at;
}

std::optional<double> forgotten(const GateView& view) {
  std::optional<double> out;
  for (const auto& [name, own] : view.point->classes) {
    const auto before = view.exact_before->find(name);
    if (before != view.exact_before->end()) out = std::max(out.value_or(before->second - own.exact), before->second - own.exact);
  }
  return out;
}

}  // namespace

std::optional<double> measured(const std::string& measure, const GateView& view) {
  if (measure == "loss") return view.loss_mean;
  if (!view.point) return std::nullopt;
  if (measure == "validation_loss") return view.point->validation_loss;
  if (measure == "exact") return view.point->exact_always;
  if (measure == "ece") return view.point->calibration_error;
  if (measure == "overfit") return view.point->validation_loss - view.validation_loss_lowest;
  if (measure == "forgotten") return forgotten(view);
  for (const auto prefix : kClassMeasures) {
    if (!measure.starts_with(prefix)) continue;
    const auto own = view.point->classes.find(measure.substr(prefix.size()));
    if (own == view.point->classes.end()) return std::nullopt;
    return prefix == "exact_" ? own->second.exact : own->second.detected;
  }
  return std::nullopt;
}

bool needs_evaluation(const PlacedGate& gate) { return gate.gate.measure != "loss"; }

std::vector<const PlacedGate*> GateBook::due(double share, std::uint64_t stage_step, bool end) const {
  std::vector<const PlacedGate*> out;
  for (const auto& gate : stage_.gates) {
    const bool reached = gate.step > 0 ? stage_step >= gate.step : share >= gate.share - kRounding;
    if ((reached || end) && !find(results_, stage_.name, gate.gate.text)) out.push_back(&gate);
  }
  return out;
}

const GateResult& GateBook::measure(const PlacedGate& gate, std::uint64_t run_step, const GateView& view) {
  GateResult r{stage_.name, gate.gate.text, run_step, measured(gate.gate.measure, view), false};
  if (r.measured && !std::isfinite(*r.measured)) r.measured.reset();
  r.met = r.measured && (gate.gate.below ? *r.measured < gate.gate.bound : *r.measured > gate.gate.bound);
  results_.push_back(std::move(r));
  return results_.back();
}

std::vector<GateResult> all_gates(const std::vector<StagePlan>& stages, const std::vector<GateResult>& results) {
  std::vector<GateResult> out;
  for (const auto& stage : stages)
    for (const auto& gate : stage.gates) {
      const auto* known = find(results, stage.name, gate.gate.text);
      out.push_back(known ? *known : GateResult{stage.name, gate.gate.text, 0, std::nullopt, false});
    }
  return out;
}

}  // namespace mendel::model
