// Gates read from text, rates inside a stage, and what a curriculum may not be.
#include "curriculum.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <set>

#include "json.hpp"

namespace mendel::model {
namespace {

constexpr double kWarmupShare = 0.1, kRateFloor = 0.03;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || at != text.data() + text.size()) return std::nullopt;
  return value;
}

bool known_measure(std::string_view name) {
  if (std::find(std::begin(kMeasures), std::end(kMeasures), name) != std::end(kMeasures)) return true;
  return std::any_of(std::begin(kClassMeasures), std::end(kClassMeasures),
                     [&](auto prefix) { return name.starts_with(prefix) && name.size() > prefix.size(); });
}

std::string measures_text() {
  std::string out;
  for (const auto name : kMeasures) out += (out.empty() ? "" : ", ") + std::string(name);
  for (const auto prefix : kClassMeasures) out += ", " + std::string(prefix) + "CLASS";
  return out;
}

// FNV-1a over the indices: a short name for a choice of samples.
std::uint64_t digest(const std::vector<std::uint64_t>& values) {
  std::uint64_t h = 0xcbf29ce484222325ull;
  for (const auto v : values) h = (h ^ v) * 0x100000001b3ull;
  return h;
}

}  // namespace

Expected<Gate> parse_gate(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    return Failure{Fault::invalid, "gate \"" + std::string(text) + "\": " + why + "; a gate reads like \"step 50: loss < 5\", \"samples 75000: exact_logic > 0.4\" or \"end: loss < 2.5\""};
  };
  Gate out;
  out.text = std::string(text);
  const auto colon = text.find(':');
  if (colon == text.npos) return wrong("names no place before a colon");
  const auto place = trimmed(text.substr(0, colon));
  if (place != "end") {
    const auto space = place.find(' ');
    const auto word = place.substr(0, space);
    if (word != "step" && word != "samples") return wrong("the place is not step N, samples N or end");
    const auto at = space == place.npos ? std::nullopt : number<std::uint64_t>(trimmed(place.substr(space)));
    if (!at || *at == 0) return wrong("the place has no number above 0");
    out.place = word == "step" ? Gate::Place::step : Gate::Place::samples;
    out.at = *at;
  }
  const auto promise = trimmed(text.substr(colon + 1));
  const auto sign = promise.find_first_of("<>");
  if (sign == promise.npos) return wrong("has no < or >");
  out.measure = std::string(trimmed(promise.substr(0, sign)));
  if (!known_measure(out.measure)) return wrong("unknown measure \"" + out.measure + "\", known are " + measures_text());
  out.below = promise[sign] == '<';
  const auto bound = number<double>(trimmed(promise.substr(sign + 1)));
  if (!bound || !std::isfinite(*bound)) return wrong("the bound is no number");
  out.bound = *bound;
  return out;
}

std::string curriculum_fault(const std::vector<StagePlan>& stages, std::uint32_t ticks, std::uint32_t memory, std::uint64_t set_size) {
  std::uint32_t memory_before = 0;
  std::set<std::string> names;
  for (const auto& stage : stages) {
    const auto wrong = [&](const std::string& why) { return "stage " + stage.name + ": " + why; };
    if (stage.name.empty() || std::any_of(stage.name.begin(), stage.name.end(), [](unsigned char c) { return c < ' ' || c == '/'; }))
      return wrong("a name is needed, without control characters and /");
    if (!names.insert(stage.name).second) return wrong("two stages have this name; give each its own");
    if (stage.epochs == 0) return wrong("epochs is 0; it must be above 0");
    if (!std::is_sorted(stage.samples.begin(), stage.samples.end()) || (!stage.samples.empty() && stage.samples.back() >= set_size))
      return wrong("names samples that the training set does not have");
    if ((stage.ticks > 0 || stage.memory > 0) && ticks == 0) return wrong("ticks and memory are of a CTM; leave them 0, or train a ctm model");
    if (stage.ticks > ticks) return wrong("ticks is " + std::to_string(stage.ticks) + "; allowed is at most the model's " + std::to_string(ticks));
    if (stage.memory > memory) return wrong("memory is " + std::to_string(stage.memory) + "; allowed is at most the model's " + std::to_string(memory));
    const auto own = stage.memory > 0 ? stage.memory : memory;
    if (own < memory_before)
      return wrong("memory is " + std::to_string(own) + " after " + std::to_string(memory_before) + "; a memory only grows from stage to stage");
    memory_before = own;
    if (stage.cycles == 0 || !(stage.cycle_growth >= 1)) return wrong("cycles must be above 0 and cycle_growth at least 1");
    if (!(stage.learning_rate >= 0)) return wrong("learning_rate must not be below 0");
  }
  return {};
}

double stage_rate_factor(const StagePlan& stage, std::uint64_t step, double share) {
  const double by_steps = stage.warmup_steps == 0 ? 1 : static_cast<double>(step + 1) / stage.warmup_steps;
  const double up = std::min(1.0, std::max(by_steps, share / kWarmupShare));
  double length = 1, sum = 0;
  for (std::uint32_t c = 0; c < stage.cycles; ++c, length *= stage.cycle_growth) sum += length;
  double left = std::min(share, 1.0) * sum;
  length = 1;
  for (std::uint32_t c = 1; c < stage.cycles && left >= length; ++c, length *= stage.cycle_growth) left -= length;
  const double down = kRateFloor + (1 - kRateFloor) * (1 + std::cos(std::numbers::pi * std::min(1.0, left / length))) / 2;
  return up * down;
}

std::string curriculum_identity(const std::vector<StagePlan>& stages) {
  std::string out;
  for (const auto& s : stages) {
    out += json_string(s.name) + " " + std::to_string(s.samples.size()) + "/" + std::to_string(digest(s.samples));
    for (const std::uint64_t n : {s.epochs, s.batch_samples, s.warmup_steps, s.cycles, s.ticks, s.memory}) out += " " + std::to_string(n);
    out += " " + json_number(s.learning_rate) + " " + json_number(s.cycle_growth) + ";";
  }
  return out;
}

}  // namespace mendel::model
