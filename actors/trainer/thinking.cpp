// The probes of a model that thinks in steps, each over all samples.
#include "actors/trainer/thinking.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "actors/trainer/evaluation_report.hpp"
#include "actors/trainer/model_failure.hpp"

namespace mendel::trainer {
namespace {

using Json = nlohmann::ordered_json;
using model::Probe;

constexpr std::size_t kSamplesAtOnce = 512;

struct Answers {
  std::vector<double> clean_margins, fixed_margins;  // of clean samples; of bugs that were mended
  std::uint64_t bugs = 0, all = 0, steps = 0;
};

ThinkingRow row_of(std::string name, const Answers& answers) {
  ThinkingRow row;
  row.name = std::move(name);
  row.exact = {answers.fixed_margins.size(), answers.bugs};
  for (const double share : kThinkingAlarms) {
    const double margin = model::threshold_at(answers.clean_margins, share);
    const auto count = std::count_if(answers.fixed_margins.begin(), answers.fixed_margins.end(), [&](double m) { return m <= margin; });
    row.exact_at.push_back({static_cast<std::uint64_t>(count), answers.bugs});
  }
  row.steps_mean = answers.all == 0 ? 0 : static_cast<double>(answers.steps) / static_cast<double>(answers.all);
  return row;
}

Result<Answers> ask(model::RepairModel& model, const model::SampleSet& samples, const Probe& probe, const std::function<bool()>& stop) {
  Answers out;
  for (std::uint64_t first = 0; first < samples.size(); first += kSamplesAtOnce) {
    if (stop && stop()) return Error{ErrorCode::interrupted, "interrupted"};
    std::vector<model::Sample> part;
    for (auto i = first; i < std::min<std::uint64_t>(samples.size(), first + kSamplesAtOnce); ++i) part.push_back(samples.sample(i));
    const auto answers = model.probe(part, probe);
    if (!answers) return error_of(answers.failure());
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto& best = (*answers)[i];
      ++out.all;
      out.steps += best.steps;
      if (!part[i].edit) {
        out.clean_margins.push_back(best.margin);
        continue;
      }
      ++out.bugs;
      if (model::same_repair(part[i].cells, best.edit, *part[i].edit)) out.fixed_margins.push_back(best.margin);
    }
  }
  return out;
}

}  // namespace

bool thinks(const model::ModelSettings& settings) { return settings.ctm.neurons > 0 || settings.supervision_steps > 1; }

Result<std::vector<ThinkingRow>> evaluate_thinking(model::RepairModel& model, const model::SampleSet& samples, const std::function<bool()>& stop) {
  std::vector<std::pair<std::string, Probe>> probes = {{"own", {}}};
  const bool machine = model.settings().ctm.neurons > 0;
  if (machine) {
    probes.push_back({"another", {Probe::Synchronisation::another, 0}});
    probes.push_back({"none", {Probe::Synchronisation::none, 0}});
  }
  const auto limit = machine ? model.settings().ctm.ticks : model.settings().supervision_steps;
  for (std::uint32_t steps = 1; steps <= 2 * limit; steps *= 2) probes.push_back({"steps_" + std::to_string(steps), {Probe::Synchronisation::own, steps}});
  std::vector<ThinkingRow> out;
  for (const auto& [name, probe] : probes) {
    const auto answers = ask(model, samples, probe, stop);
    if (!answers) return answers.error();
    out.push_back(row_of(name, *answers));
  }
  return out;
}

std::string thinking_json(const std::vector<ThinkingRow>& rows) {
  Json out = Json::array();
  for (const auto& row : rows) {
    Json one = {{"name", row.name}, {"exact_always", json_of(row.exact)}, {"steps_mean", row.steps_mean}};
    for (std::size_t i = 0; i < row.exact_at.size(); ++i)
      one["exact_at_" + std::to_string(static_cast<int>(100 * kThinkingAlarms[i] + 0.5))] = json_of(row.exact_at[i]);
    out.push_back(std::move(one));
  }
  return out.dump(1) + "\n";
}

std::string thinking_table(const std::vector<ThinkingRow>& rows) {
  std::string out = "thinking              steps   exact, %   at 5 / 10 / 20 % of the clean ones edited\n";
  for (const auto& row : rows) {
    char text[200];
    std::snprintf(text, sizeof text, "  %-18s %6.2f %10.1f   %5.1f / %5.1f / %5.1f\n", row.name.c_str(), row.steps_mean, 100 * row.exact.value(),
                  100 * row.exact_at[0].value(), 100 * row.exact_at[1].value(), 100 * row.exact_at[2].value());
    out += text;
  }
  return out + "own, another, none: whose synchronisation the head hears (another: of the neighbour in length). If another's\n"
               "mends as much as one's own, the machine carries nothing about the function.\n";
}

}  // namespace mendel::trainer
