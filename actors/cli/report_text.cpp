// One table of rows; the numbers beside them are the specifications' targets.
#include "actors/cli/report_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace mendel::cli {
namespace {

constexpr const char* kNotStarted = "Not started";
constexpr const char* kPhases[] = {"PHASE 1: DATA COLLECTION", "PHASE 2: DATA PROCESSING", "PHASE 3: MODEL TRAINING", "PHASE 4: EVALUATION"};
constexpr int kWidth = 77;  // of the box, inside
constexpr int kBar = 20;
constexpr int kDays = 10;

std::string printed(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char text[300];
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

// ---- rows that count: the counters of the plan that add up to it
struct CountRow {
  const char* id;
  const char* title;
  std::array<const char*, 3> counters;  // null: none
  double target;
  const char* target_text;
  const char* unit;
};
constexpr CountRow kCounts[] = {
    {"P1.1", "GitHub Mining", {"mine.pairs", "github.pairs", "release.pairs"}, 500e3, "500K", "pairs"},
    {"P1.2", "Stack Overflow", {"stackoverflow.pairs", nullptr, nullptr}, 100e3, "100K", "pairs"},
    {"P1.3", "Synthetic Gen", {"mutate.pairs", nullptr, nullptr}, 500e3, "500K", "pairs"},
    {"P1.4", "Linter Execution", {"lint.pairs", nullptr, nullptr}, 300e3, "300K", "pairs"},
    {"P2.1", "Vocabulary", {nullptr, nullptr, nullptr}, 32768, "32K", "tokens"},
    {"P2.2", "Tokenization", {"encode.rows", nullptr, nullptr}, 1.4e6, "1.4M", "samples"},
    {"P2.3", "Validation", {"validate.pairs", nullptr, nullptr}, 1.4e6, "1.4M", "samples"},
    {"P2.4", "Grid Encoding", {"encode.rows", nullptr, nullptr}, 1.2e6, "1.2M", "grids"},
};

// ---- stages of training: steps as the specification plans them, and the loss that ends each
struct StageRow {
  const char* id;
  const char* title;
  double steps, loss;
};
constexpr StageRow kStages[] = {{"P3.1", "Stage 1 (Syntax)", 196, 2.5}, {"P3.2", "Stage 2 (Logic)", 326, 1.8}, {"P3.3", "Stage 3 (Complex)", 456, 1.4},
                                {"P3.4", "Stage 4 (Advanced)", 652, 1.1}, {"P3.5", "Stage 5 (Full)", 1406, 0.8}};

std::string short_count(double value) {
  if (value < 1e4) return printed("%.0f", value);
  return value < 1e6 ? printed("%.1fK", value / 1e3) : printed("%.2fM", value / 1e6);
}

std::optional<double> counted(const ReportFacts& facts, const CountRow& row) {
  if (std::string_view(row.unit) == "tokens") return facts.vocabulary ? std::optional(static_cast<double>(*facts.vocabulary)) : std::nullopt;
  std::optional<double> sum;
  for (const auto* name : row.counters)
    if (const auto at = name == nullptr ? facts.funnel.end() : facts.funnel.find(name); at != facts.funnel.end()) sum = sum.value_or(0) + static_cast<double>(at->second);
  return sum;
}

ReportRow count_row(const ReportFacts& facts, const CountRow& row) {
  ReportRow out{row.id, row.title, kPhases[row.id[1] - '1'], counted(facts, row), row.target, row.unit, {}, {}};
  out.percent = std::min(100.0, 100 * out.done.value_or(0) / row.target);
  out.text = out.done ? short_count(*out.done) + "/" + row.target_text + " " + row.unit : kNotStarted;
  return out;
}

ReportRow stage_row(const ReportFacts& facts, int number) {
  const auto& row = kStages[number - 1];
  ReportRow out{row.id, row.title, kPhases[2], {}, row.loss, "loss", 0, kNotStarted};
  const auto at = facts.stages.find(number);
  if (at == facts.stages.end()) return out;
  const bool over = facts.run_finished || std::any_of(facts.stages.begin(), facts.stages.end(), [&](const auto& other) { return other.first > number; });
  out.done = at->second.loss;
  out.percent = over ? 100 : std::min(99.0, 100 * at->second.step / row.steps);
  out.text = printed("Loss: %.2f", at->second.loss);
  return out;
}

ReportRow state_row(const char* id, const char* title, const char* phase, std::optional<double> done, const std::string& text) {
  return {id, title, phase, done, 1, "", done ? 100 : 0, done ? text : kNotStarted};
}

std::string bar_of(double percent) {
  std::string out;
  const auto filled = static_cast<int>(kBar * percent / 100 + 1e-9);
  for (int i = 0; i < kBar; ++i) out += i < filled ? "█" : "░";
  return out;
}

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string boxed(const std::string& text) {
  const auto width = width_of(text);
  return "│" + text + std::string(width < kWidth ? kWidth - width : 0, ' ') + "│\n";
}

std::string rule() {
  std::string out = "  ";
  for (int i = 0; i < 72; ++i) out += "═";
  return boxed(out);
}

std::string edge(const char* left, const char* right) {
  std::string out = left;
  for (int i = 0; i < kWidth; ++i) out += "─";
  return out + right + "\n";
}

const char* mark_of(double percent) { return percent >= 100 ? "■" : percent > 0 ? "▣" : "□"; }

// ---- the daily template
constexpr const char* kNothing = "not started";

std::string verdict(bool good) { return good ? "✓" : "✗"; }

std::optional<double> sample(const ReportFacts& facts, const char* name) {
  const auto at = facts.training.find(name);
  return at == facts.training.end() ? std::nullopt : std::optional(at->second);
}

DailyRow absent(const char* table, const char* metric, const char* target) { return {table, metric, kNothing, target, "–"}; }

void add_resources(const ReportFacts& facts, std::vector<DailyRow>& out) {
  const auto& [b, a] = std::pair(facts.before, facts.after);
  const bool training = facts.status.phase() == "train";
  const double gib = 1u << 30, busy = a.cpu_busy_s - b.cpu_busy_s, idle = a.cpu_idle_s - b.cpu_idle_s;
  if (a.gpus.empty()) {
    out.push_back({"resources", "GPU Utilization", "no GPU", "90% in training", "–"});
    out.push_back({"resources", "VRAM Usage", "no GPU", "80GB in training", "–"});
  } else {
    const auto& gpu = a.gpus.front();
    out.push_back({"resources", "GPU Utilization", printed("%.0f%%", 100 * gpu.busy), training ? "90%" : "0%", verdict(!training || gpu.busy >= 0.9)});
    out.push_back({"resources", "VRAM Usage", printed("%.1fGB", static_cast<double>(gpu.memory_used) / gib), training ? "80GB" : "0GB",
                   verdict(static_cast<double>(gpu.memory_used) <= 0.95 * static_cast<double>(gpu.memory_total))});
  }
  const double cpu = busy + idle > 0 ? busy / (busy + idle) : 0;
  const double least = training ? 0.3 : 0.6;
  out.push_back({"resources", "CPU Utilization", printed("%.0f%%", 100 * cpu), printed("%.0f%%", 100 * least), facts.running ? verdict(cpu >= least) : "–"});
  const double used = static_cast<double>(a.memory_total - std::min(a.memory_total, a.memory_available));
  out.push_back({"resources", "RAM Usage", printed("%.1fGB", used / gib), printed("<%.0fGB", 0.9 * static_cast<double>(a.memory_total) / gib),
                 verdict(used < 0.9 * static_cast<double>(a.memory_total))});
  const double bytes = static_cast<double>(a.disk_read - std::min(a.disk_read, b.disk_read) + a.disk_written - std::min(a.disk_written, b.disk_written));
  out.push_back({"resources", "Disk I/O", printed("%.1fMB/s", facts.seconds > 0 ? bytes / facts.seconds / 1e6 : 0), "no limit", "–"});
}

void add_training(const ReportFacts& facts, std::vector<DailyRow>& out) {
  const int stage = facts.stages.empty() ? 0 : facts.stages.rbegin()->first;
  const double gate = stage > 0 && stage <= 5 ? kStages[stage - 1].loss : 0;
  const auto samples = sample(facts, "training_samples"), loss = sample(facts, "training_loss"), rate = sample(facts, "training_samples_per_s");
  const auto accuracy = sample(facts, "training_exact_always"), ticks = sample(facts, "training_iterations_per_sample");
  const auto add = [&](const char* metric, const std::optional<double>& value, const char* format, double scale, const std::string& target, bool good) {
    if (!value) out.push_back(absent("training", metric, target.c_str()));
    else out.push_back({"training", metric, printed(format, *value * scale), target, target == "none" ? "–" : verdict(good)});
  };
  add("Samples Processed", samples, "%.0f", 1, "none", true);
  add("Training Loss", loss, "%.4f", 1, gate > 0 ? printed("<%.1f", gate) : "none", loss && *loss < gate);
  add("Validation Accuracy", accuracy, "%.1f%%", 100, ">75%", accuracy && *accuracy > 0.75);
  add("Throughput", rate, "%.1f/s", 1, "3.5/s", rate && *rate >= 3.5);
  add("Iterations/sample", ticks, "%.1f", 1, "none", true);
}

struct CtmRow {
  const char* metric;
  const char* sample;
  const char* note;
};
constexpr CtmRow kCtm[] = {{"Sync Variance", "training_sync_variance", "Higher = more differentiated"},
                           {"Certainty Mean", "training_certainty_mean", "Should increase over training"},
                           {"Iteration Efficiency", "training_iteration_efficiency", "Accuracy gain per iteration"},
                           {"NLM Activation Stats", "training_nlm_activation_mean", "Distribution check"}};

std::string table_text(const std::vector<DailyRow>& rows, const std::string& table) {
  std::string out;
  for (const auto& row : rows)
    if (row.table == table) out += "| " + row.metric + " | " + row.current + " | " + row.target + " |" + (table == "ctm" ? "" : " " + row.status + " |") + "\n";
  return out;
}

std::string issues_of(const ReportFacts& facts) {
  std::string out;
  std::uint64_t dead = 0;
  for (const auto& stage : facts.status.stages()) dead += stage.dead();
  if (dead > 0) out += "- " + std::to_string(dead) + " items are in the dead letters: mendel dead list\n";
  for (const auto& node : facts.status.nodes())
    if (node.draining()) out += "- node " + node.name() + " is draining\n";
  if (facts.running && facts.status.nodes_size() == 0) out += "- no node is joined\n";
  if (facts.after.data_total > 0 && facts.after.data_free < facts.after.data_total / 10) out += "- the disk with the data is over 90 % full\n";
  return out.empty() ? "- none\n" : out;
}

}  // namespace

std::vector<ReportRow> report_rows(const ReportFacts& facts) {
  std::vector<ReportRow> out;
  for (const auto& row : kCounts) out.push_back(count_row(facts, row));
  out.push_back(state_row("P2.5", "Finalization", kPhases[1], facts.rows ? std::optional<double>(1) : std::nullopt,
                          facts.rows ? short_count(static_cast<double>(*facts.rows)) + " rows" : ""));
  for (int number = 1; number <= 5; ++number) out.push_back(stage_row(facts, number));
  out.push_back(state_row("P4.1", "Benchmarking", kPhases[3], facts.accuracy, facts.accuracy ? printed("Accuracy: %.1f%%", 100 * *facts.accuracy) : ""));
  out.push_back(state_row("P4.2", "Error Analysis", kPhases[3], facts.analysed ? std::optional<double>(1) : std::nullopt, "Done"));
  auto tuning = state_row("P4.3", "Fine-tuning", kPhases[3], facts.fine_tuned ? std::optional<double>(1) : std::nullopt, "Done");
  if (!facts.fine_tuned) tuning.text = "Conditional", tuning.percent.reset();
  out.push_back(std::move(tuning));
  out.push_back(state_row("P4.4", "Export", kPhases[3], facts.exported > 0 ? std::optional(static_cast<double>(facts.exported)) : std::nullopt,
                          std::to_string(facts.exported) + " models"));
  return out;
}

double overall_percent(const std::vector<ReportRow>& rows) {
  double sum = 0;
  int count = 0;
  for (const auto& row : rows)
    if (row.percent) sum += *row.percent, ++count;
  return count == 0 ? 0 : sum / count;
}

std::string time_left(double seconds) {
  if (seconds < 0) return "unknown";
  const auto minutes = static_cast<long>(seconds / 60);
  return minutes >= 60 ? printed("%ldh %02ldm", minutes / 60, minutes % 60) : minutes > 0 ? printed("%ldm", minutes) : printed("%.0fs", seconds);
}

std::string progress_box(const ReportFacts& facts) {
  const auto rows = report_rows(facts);
  std::string out = edge("┌", "┐") + boxed("                     Mendel Training Progress Dashboard") + edge("├", "┤"), phase;
  for (const auto& row : rows) {
    if (row.phase != phase) {
      phase = row.phase;
      out += boxed("") + boxed("  " + phase) + rule();
    }
    const double percent = row.percent.value_or(0);
    out += boxed(printed("  %s %s %-18s [%s] %3.0f%%   %s", mark_of(percent), row.id.c_str(), row.title.c_str(), bar_of(percent).c_str(), std::floor(percent), row.text.c_str()));
  }
  const auto day = facts.days ? static_cast<int>(std::floor(*facts.days)) + 1 : 0;
  const auto left = facts.running ? time_left(facts.status.eta_s()) + (facts.status.eta_s() < 0 ? "" : " (" + facts.status.phase() + ")") : std::string("no plant runs");
  out += boxed("") + rule() + boxed(printed("  OVERALL: %.0f%% Complete      Time: Day %d/%d      ETA: %s", overall_percent(rows), day, kDays, left.c_str())) + boxed("") + edge("└", "┘");
  if (!facts.run.empty() && facts.stages.empty()) {
    const auto step = sample(facts, "training_step"), loss = sample(facts, "training_loss");
    out += "Run " + facts.run + " (outside the curriculum's stages)" + (step ? printed(": step %.0f", *step) : "") + (loss ? printed(", loss %.3f", *loss) : "") + "\n";
  }
  return out;
}

std::vector<DailyRow> daily_rows(const ReportFacts& facts) {
  std::vector<DailyRow> out;
  add_resources(facts, out);
  add_training(facts, out);
  for (const auto& row : kCtm) {
    const auto value = sample(facts, row.sample);
    out.push_back({"ctm", row.metric, value ? printed("%.4f", *value) : kNothing, row.note, "–"});
  }
  return out;
}

std::string daily_report(const ReportFacts& facts) {
  const auto rows = daily_rows(facts);
  const int day = facts.days ? static_cast<int>(std::floor(*facts.days)) + 1 : 0;
  const int stage = facts.stages.empty() ? 0 : facts.stages.rbegin()->first;
  std::string out = "## Mendel Training Progress - Day " + std::to_string(day) + "\n\n### Current Phase: " + (facts.status.phase().empty() ? "none" : facts.status.phase()) + "\n\n";
  out += "#### Resource Utilization\n| Metric | Current | Target | Status |\n|--------|---------|--------|--------|\n" + table_text(rows, "resources");
  out += "\n#### Training Metrics\n| Metric | Current | Checkpoint Target | Status |\n|--------|---------|-------------------|--------|\n" + table_text(rows, "training");
  out += "\n#### CTM-Specific Metrics\n| Metric | Value | Notes |\n|--------|-------|-------|\n" + table_text(rows, "ctm");
  out += "\n#### Issues/Notes\n" + issues_of(facts) + "\n#### Next Checkpoint\n- Target: ";
  out += stage > 0 && stage <= 5 ? printed("stage %d, loss < %.1f", stage, kStages[stage - 1].loss) : facts.running ? "end of the phase " + facts.status.phase() : std::string("none: no plant runs");
  return out + "\n- ETA: " + (facts.running ? time_left(facts.status.eta_s()) : "none") + "\n";
}

}  // namespace mendel::cli
