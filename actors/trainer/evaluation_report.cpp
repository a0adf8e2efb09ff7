// Outcomes grouped by source, class, type and length, as JSON, CSV and a table for people.
#include "actors/trainer/evaluation_report.hpp"

#include <cstdarg>
#include <cstdio>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "actors/trainer/targets.hpp"

namespace mendel::trainer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Outcomes = std::vector<SampleOutcome>;
using Levels = std::vector<AlarmLevel>;
using Group = std::vector<const SampleOutcome*>;

constexpr const char* kSourceGroups[] = {"all", "mutation", "mined", "release", "linter"};
constexpr int kNameWidth = 26;

struct Split {
  Group bugs, clean;
};

Split of_source(const Outcomes& outcomes, const std::string& source) {
  Split out;
  for (const auto& outcome : outcomes)
    if (source == "all" || source == source_group(outcome.labels.source)) (outcome.has_bug ? out.bugs : out.clean).push_back(&outcome);
  return out;
}

template <class Key>
std::map<std::string, Group> grouped(const Group& group, const Key& key) {
  std::map<std::string, Group> out;
  for (const auto* outcome : group) out[key(*outcome)].push_back(outcome);
  return out;
}

const std::string& class_of(const SampleOutcome& outcome) { return outcome.labels.bug_class; }
const std::string& type_of(const SampleOutcome& outcome) { return outcome.labels.bug_type; }

bool edited(const SampleOutcome& outcome, double margin) { return outcome.margin <= margin && outcome.margin < std::numeric_limits<double>::infinity(); }

Share false_alarms(const Group& clean, double margin) {
  Share out;
  for (const auto* outcome : clean) out.add(edited(*outcome, margin));
  return out;
}

Json json_of(const Group& bugs, const Levels& levels) {
  const auto metrics = bug_metrics(bugs, levels);
  Json out = {{"n", metrics.n}};
  out["identity"] = {{"exact", json_of(metrics.identity_exact)}, {"parses", json_of(metrics.identity_parses)}};
  out["always"] = {{"exact", json_of(metrics.exact)}, {"parses", json_of(metrics.parses)}, {"row", json_of(metrics.row)}, {"cell", json_of(metrics.cell)},
                   {"repaired", json_of(metrics.repaired)}};
  for (std::size_t k = 0; k < levels.size(); ++k) {
    const auto& level = metrics.levels[k];
    out[levels[k].name()] = {{"exact", json_of(level.exact)}, {"edited", json_of(level.edited)}, {"parses", json_of(level.parses)},
                              {"repaired", json_of(level.repaired)}};
  }
  return out;
}

// Of the dataset's difficulty with how far off the best edit was.
std::optional<double> difficulty_correlation(const Group& bugs) {
  std::vector<double> difficulty, misses;
  for (const auto* bug : bugs) {
    difficulty.push_back(bug->labels.difficulty);
    misses.push_back(static_cast<double>(bug->hit));
  }
  return rank_correlation(difficulty, misses);
}

Json json_of_split(const Split& split, const Levels& levels, std::uint32_t cells_max_trained) {
  Json out = {{"bugs", json_of(split.bugs, levels)}, {"clean", {{"n", split.clean.size()}}}};
  for (const auto& level : levels) out["clean"]["false_alarms_" + level.name()] = json_of(false_alarms(split.clean, level.margin));
  const auto add = [&](const char* name, const std::map<std::string, Group>& groups) {
    out[name] = Json::object();
    for (const auto& [key, group] : groups) out[name][key] = json_of(group, levels);
  };
  add("by_class", grouped(split.bugs, class_of));
  add("by_type", grouped(split.bugs, type_of));
  add("by_level", grouped(split.bugs, [](const SampleOutcome& o) { return std::to_string(o.labels.level); }));
  const auto correlation = difficulty_correlation(split.bugs);
  out["difficulty"] = {{"n", split.bugs.size()}, {"rank_correlation", correlation ? Json(*correlation) : Json()}};
  const auto limit = std::to_string(cells_max_trained);
  add("by_length", grouped(split.bugs, [&](const SampleOutcome& o) { return (o.cells <= cells_max_trained ? "up to " : "over ") + limit + " cells"; }));
  return out;
}

std::string printed(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string printed(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

void put_csv(std::string& out, const Share& share) {
  const auto [low, high] = share.interval();
  out += printed(",%.6f,%.6f,%.6f", share.value(), low, high);
}

// A name as it may stand in a table of commas.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string cell_of(const Share& share) {
  const auto [low, high] = share.interval();
  if (share.n == 0) return printed("%15s", "-");
  return printed("%5.1f (%3.0f-%3.0f)", 100 * share.value(), 100 * low, 100 * high);
}

void put_row(std::string& out, const std::string& name, const Group& bugs, const Levels& levels) {
  const auto metrics = bug_metrics(bugs, levels);
  out += printed("%-*.*s %6llu %9.1f  %s", kNameWidth, kNameWidth, name.c_str(), static_cast<unsigned long long>(metrics.n),
                 100 * metrics.identity_exact.value(), cell_of(metrics.exact).c_str());
  for (const auto& level : metrics.levels) out += "  " + cell_of(level.exact);
  out += "\n";
}

void put_head(std::string& out, const Levels& levels) {
  out += printed("%-*s %6s %9s  %15s", kNameWidth, "exact repairs, %", "n", "unchanged", "always");
  for (const auto& level : levels) out += printed("  %11g%% FA", 100 * level.share);
  out += "\n";
}

void put_other_measures(std::string& out, const Split& split, const Levels& levels) {
  const auto metrics = bug_metrics(split.bugs, levels);
  const auto line = [&](const char* name, const Share* identity, const Share& always, const std::function<std::string(std::size_t)>& at) {
    out += printed("%-*s %6llu %9s  %s", kNameWidth, name, static_cast<unsigned long long>(always.n),
                   identity ? printed("%.1f", 100 * identity->value()).c_str() : "-", cell_of(always).c_str());
    for (std::size_t k = 0; k < levels.size(); ++k) out += "  " + at(k);
    out += "\n";
  };
  line("  as `mendel repair` does", nullptr, metrics.repaired, [&](std::size_t k) { return cell_of(metrics.levels[k].repaired); });
  const auto nothing = [](std::size_t) { return printed("%15s", "-"); };
  line("  starts in the right row", nullptr, metrics.row, nothing);
  line("  starts at the right cell", nullptr, metrics.cell, nothing);
  line("  parses", &metrics.identity_parses, metrics.parses, [&](std::size_t k) { return cell_of(metrics.levels[k].parses); });
}

}  // namespace

std::string benchmark_report(const EvaluationFacts& facts, const Outcomes& outcomes, const Levels& levels) {
  Json out = {{"schema_version", 1}};
  out["model"] = {{"name", facts.model}, {"parameters", facts.parameters}, {"checkpoint", facts.checkpoint}, {"trained_on_digest", facts.trained_on_digest}};
  out["dataset"] = {{"folder", facts.dataset}, {"digest", facts.dataset_digest}, {"split", facts.split}, {"samples", outcomes.size()}};
  out["passed_over"] = {{"several_edits", facts.passed_over.several_edits}, {"documentation_only", facts.passed_over.documentation_only}, {"over_cells_max", facts.passed_over.over_cells_max},
                        {"damaged", facts.passed_over.damaged}, {"damaged_rows", facts.passed_over.damaged_rows}};
  out["terms"] = {{"exact", "all cells equal the fixed side; documentation is not shown to the model and not compared"},
                  {"identity", "the buggy text left as it is"},
                  {"always", "the best edit is taken whatever the model believes"},
                  {"at_N", "edited where the margin is at most the threshold for N % false alarms, calibrated on clean validation functions"},
                  {"repaired", "exact in the way of `mendel repair`: of five candidates the first that parses; code that does not parse is always edited"},
                  {"parses", "by CPython, of what the model sees; samples whose fixed side does not parse on its own (windows) are not counted"},
                  {"difficulty", "Spearman's rank correlation of the dataset's difficulty with how far off the best edit is: exact, right cell, right row, elsewhere"},
                  {"targets", "the specifications' minimum, target and stretch of accuracy as shares, 0: none stated; exact always, detected at_10"},
                  {"interval", "95 %, Wilson"}};
  out["thresholds"] = Json::object();
  for (const auto& level : levels) out["thresholds"][level.name()] = {{"false_alarms", level.share}, {"margin", level.margin}};
  out["targets"] = Json::array();
  for (const auto& t : against_targets(outcomes, levels))
    out["targets"].push_back({{"name", t.name}, {"measured", json_of(t.measured)}, {"minimum", t.minimum}, {"target", t.target}, {"stretch", t.stretch}, {"minimum_met", t.minimum_met()}});
  out["sources"] = Json::object();
  for (const auto* source : kSourceGroups) out["sources"][source] = json_of_split(of_source(outcomes, source), levels, facts.cells_max_trained);
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string per_bug_type_csv(const Outcomes& outcomes, const Levels& levels) {
  std::string out = "source,bug_class,bug_type,n,identity_exact,identity_parses,exact_always,exact_always_low,exact_always_high";
  for (const auto& level : levels)
    for (const auto* end : {"", "_low", "_high"}) out += ",exact_" + level.name() + end;
  for (const auto* name : {"row_always", "cell_always", "parses_always"})
    for (const auto* end : {"", "_low", "_high"}) out += "," + std::string(name) + end;
  out += "\n";
  for (const auto* source : kSourceGroups)
    for (const auto& [bug_class, of_class] : grouped(of_source(outcomes, source).bugs, class_of))
      for (const auto& [type, bugs] : grouped(of_class, type_of)) {
        const auto metrics = bug_metrics(bugs, levels);
        out += std::string(source) + "," + field(bug_class) + "," + field(type) +
               printed(",%llu,%.6f,%.6f", static_cast<unsigned long long>(metrics.n), metrics.identity_exact.value(), metrics.identity_parses.value());
        put_csv(out, metrics.exact);
        for (const auto& level : metrics.levels) put_csv(out, level.exact);
        for (const auto* share : {&metrics.row, &metrics.cell, &metrics.parses}) put_csv(out, *share);
        out += "\n";
      }
  return out;
}

std::string confusion_csv(const Outcomes& outcomes, double margin) {
  constexpr std::size_t kNoEdit = 4;
  std::map<std::string, std::array<std::uint64_t, 5>> counts;
  for (const auto& outcome : outcomes)
    ++counts[outcome.has_bug ? outcome.labels.bug_type : "no_bug"][edited(outcome, margin) ? static_cast<std::size_t>(outcome.hit) : kNoEdit];
  std::string out = "bug_type,exact,right_cell,right_row,elsewhere,no_edit\n";
  for (const auto& [type, row] : counts) {
    out += field(type);
    for (const auto count : row) out += "," + std::to_string(count);
    out += "\n";
  }
  return out;
}

namespace {

std::string title_of(std::string_view source) {
  if (source == "all") return "all bugs";
  if (source == "mined") return "mined from history";
  return source == "release" ? "changed from release to release" : std::string(source);
}

}  // namespace

std::string evaluation_table(const Outcomes& outcomes, const Levels& levels) {
  std::string out;
  put_head(out, levels);
  for (const auto* source : kSourceGroups) {
    const auto split = of_source(outcomes, source);
    const std::string title = title_of(source);
    if (split.bugs.empty()) {
      out += printed("\n%s: no bug of this source in the split\n", title.c_str());
      continue;
    }
    out += "\n";
    put_row(out, title, split.bugs, levels);
    put_other_measures(out, split, levels);
    for (const auto& [bug_class, of_class] : grouped(split.bugs, class_of)) {
      put_row(out, "  " + bug_class, of_class, levels);
      if (std::string(source) == "all") continue;
      for (const auto& [type, bugs] : grouped(of_class, type_of)) put_row(out, "    " + type, bugs, levels);
    }
  }
  const auto clean = of_source(outcomes, "all").clean;
  out += printed("\n%-*s %6zu %9.1f  %s", kNameWidth, "clean functions edited, %", clean.size(), 0.0, cell_of(false_alarms(clean, std::numeric_limits<double>::max())).c_str());
  for (const auto& level : levels) out += "  " + cell_of(false_alarms(clean, level.margin));
  out += "\n\nFA: share of clean functions that are edited, as calibrated on the validation split; in brackets 95 % intervals.\n"
         "unchanged: doing nothing. always: the best edit whatever the model believes. As `mendel repair` does: of five\n"
         "candidates the first that parses, and code that does not parse is edited whatever the threshold.\n";
  return out;
}

Json json_of(const Share& share) {
  const auto [low, high] = share.interval();
  return {{"count", share.count}, {"n", share.n}, {"share", share.value()}, {"low", low}, {"high", high}};
}

Outcome write_text(const fs::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (!file) return Error{ErrorCode::io_error, path.string() + ": cannot be written"};
  return Done{};
}

Outcome write_report(const fs::path& folder, const EvaluationFacts& facts, const Outcomes& outcomes, const Levels& levels) {
  std::error_code error;
  fs::create_directories(folder / "confusion_matrices", error);
  if (error) return Error{ErrorCode::io_error, folder.string() + ": " + error.message()};
  if (auto done = write_text(folder / "benchmark_report.json", benchmark_report(facts, outcomes, levels)); !done) return done;
  if (auto done = write_text(folder / "per_bug_type_metrics.csv", per_bug_type_csv(outcomes, levels)); !done) return done;
  if (auto done = write_text(folder / "confusion_matrices" / "always.csv", confusion_csv(outcomes, std::numeric_limits<double>::max())); !done) return done;
  for (const auto& level : levels)
    if (auto done = write_text(folder / "confusion_matrices" / (level.name() + ".csv"), confusion_csv(outcomes, level.margin)); !done) return done;
  return Done{};
}

}  // namespace mendel::trainer
