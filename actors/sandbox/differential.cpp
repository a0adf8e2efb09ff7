// Two observations, their first differences, and a test from each until one holds.
#include "actors/sandbox/differential.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/sandbox/harness_text.hpp"

namespace mendel::sandbox {
namespace {

using nlohmann::json;

constexpr std::size_t kDifferencesTried = 3;
constexpr std::size_t kSeenShown = 120;
constexpr std::uint32_t kObserveCpu_s = 10, kWitnessCpu_s = 10;

struct Observation {
  json calls = json::array(), modules, ghosts, errors;
  std::string fault;  // why nothing was played
};

struct Observed {
  Observation observation;
  std::optional<std::string> in_the_way;  // a limit, or a process that ended
};

std::string word_of(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

Result<Observed> observe(Runner& runner, Sides sides, const char* side, const DifferentialOptions& options) {
  const auto request = json{{"fixed", sides.fixed}, {"buggy", sides.buggy}, {"side", side}, {"calls", options.calls}, {"seed", options.seed}}
                           .dump(-1, ' ', false, json::error_handler_t::replace);
  Run run{"observe", request, "", options.limits};
  run.limits.cpu_s = std::min(run.limits.cpu_s, kObserveCpu_s);
  auto result = runner.run(run);
  if (!result) return result.error();
  Observed out;
  if (result->ending != Ending::passed) {
    out.in_the_way = std::string(side) + " side " + name_of(result->ending) + (result->why.empty() ? "" : ": " + result->why);
    return out;
  }
  const auto said = json::parse(result->observation, nullptr, false);
  if (!said.is_object()) {
    out.in_the_way = std::string(side) + " side: no observation";
    return out;
  }
  out.observation.fault = word_of(said, "fault");
  if (said.contains("calls") && said["calls"].is_array()) out.observation.calls = said["calls"];
  if (said.contains("modules")) out.observation.modules = said["modules"];
  if (said.contains("errors")) out.observation.errors = said["errors"];
  if (said.contains("ghosts")) out.observation.ghosts = said["ghosts"];
  return out;
}

bool ends(const std::string& seen) { return !seen.starts_with("does not end"); }

struct Places {
  std::vector<std::size_t> telling;  // such with plain checks first, because people read them
  std::optional<std::size_t> endless;  // the first where the repair does not end: that proves no repair
};

// Where both saw something else.
Places differences(const Observation& fixed, const Observation& buggy) {
  Places out;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < fixed.calls.size(); ++i) {
    const auto theirs = i < buggy.calls.size() ? word_of(buggy.calls[i], "seen") : std::string(), ours = word_of(fixed.calls[i], "seen");
    if (ours == theirs) continue;
    if (!ends(ours)) {
      if (!out.endless) out.endless = i;
      continue;
    }
    const bool readable = ends(theirs) && buggy.fault.empty() && !word_of(fixed.calls[i], "plain").empty();
    (readable ? out.telling : others).push_back(i);
  }
  out.telling.insert(out.telling.end(), others.begin(), others.end());
  return out;
}

std::string head_of(const std::string& call) { return "# The call " + call.substr(0, 200) + " tells the two sides apart.\n"; }

// The calls first..last replayed on the stage; what is seen of the last must be what the fixed side showed.
std::string staged(const Observation& fixed, std::size_t first, std::size_t last) {
  auto calls = json::array();
  for (std::size_t i = first; i <= last; ++i) calls.push_back({fixed.calls[i]["seed"], fixed.calls[i]["call"]});
  const auto python = [](const json& value) { return value.dump(-1, ' ', true); };
  return stage_text() + "\n" + head_of(word_of(fixed.calls[last], "call")) + "CALLS = " + python(calls) + "\nMODULES, GHOSTS, ERRORS_NAMED = " + python(fixed.modules) + ", " +
         python(fixed.ghosts) + ", " + python(fixed.errors) + "\nEXPECTED = " + python(fixed.calls[last]["seen"]) +
         "\nwith open('subject.py', encoding='utf-8', newline='') as file:\n    SEEN = play(file.read(), CALLS, MODULES, GHOSTS, ERRORS_NAMED)[-1][1]\nassert SEEN == EXPECTED, SEEN\n";
}

std::vector<std::string> witnesses(const Observation& fixed, const Observation& buggy, std::size_t at) {
  std::vector<std::string> out;
  const auto plain = word_of(fixed.calls[at], "plain");
  if (!plain.empty() && at < buggy.calls.size() && ends(word_of(buggy.calls[at], "seen")) && buggy.fault.empty()) out.push_back(head_of(word_of(fixed.calls[at], "call")) + plain);
  out.push_back(staged(fixed, at, at));
  if (at > 0) out.push_back(staged(fixed, 0, at));
  return out;
}

std::string both_saw(const Observation& fixed, const Observation& buggy, std::size_t at) {
  const auto cut = [](std::string text) { return text.size() > kSeenShown ? text.substr(0, kSeenShown) + "…" : text; };
  const auto theirs = at < buggy.calls.size() ? word_of(buggy.calls[at], "seen") : std::string();
  return word_of(fixed.calls[at], "call").substr(0, kSeenShown) + ": fixed " + cut(word_of(fixed.calls[at], "seen")) + "; buggy " +
         (theirs.empty() ? "cannot be loaded: " + buggy.fault : cut(theirs));
}

Outcome prove(Runner& runner, Sides sides, const DifferentialOptions& options, const Observation& fixed, const Observation& buggy, Difference& out) {
  auto [places, endless] = differences(fixed, buggy);
  if (places.empty() && endless) {
    out.detail = "the fixed side does not end: " + both_saw(fixed, buggy, *endless);
    return Done{};
  }
  if (places.empty()) {
    out.found = Difference::Found::none;
    out.detail = "both sides behave alike in " + std::to_string(out.calls) + " calls";
    return Done{};
  }
  if (places.size() > kDifferencesTried) places.resize(kDifferencesTried);
  auto limits = options.limits;
  limits.cpu_s = std::min(limits.cpu_s, kWitnessCpu_s);
  for (const auto at : places) {
    for (auto& code : witnesses(fixed, buggy, at)) {
      mendel::Test test;
      test.set_kind(TestKind::script);
      test.set_timeout_ms(limits.cpu_s * 1000);
      test.set_code(std::move(code));
      auto verdict = judge(runner, test, sides, limits);
      if (!verdict) return verdict.error();
      out.runs += verdict->runs;
      if (verdict->standing != Standing::proves) continue;
      out.found = Difference::Found::witness;
      out.test = std::move(test);
      out.detail = both_saw(fixed, buggy, at);
      return Done{};
    }
  }
  out.detail = "a difference did not come again: " + both_saw(fixed, buggy, places.front());
  return Done{};
}

}  // namespace

Result<Difference> differ(Runner& runner, Sides sides, const DifferentialOptions& options) {
  Difference out;
  out.runs = 2;
  auto fixed = observe(runner, sides, "fixed", options), buggy = observe(runner, sides, "buggy", options);
  if (!fixed) return fixed.error();
  if (!buggy) return buggy.error();
  for (const auto* side : {&*fixed, &*buggy})
    if (side->in_the_way) {
      out.detail = *side->in_the_way;
      return out;
    }
  out.calls = static_cast<std::uint32_t>(fixed->observation.calls.size());
  if (!fixed->observation.fault.empty()) {
    out.found = Difference::Found::not_runnable;
    out.detail = fixed->observation.fault;
    return out;
  }
  if (auto proved = prove(runner, sides, options, fixed->observation, buggy->observation, out); !proved) return proved.error();
  return out;
}

}  // namespace mendel::sandbox
