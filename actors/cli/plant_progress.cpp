// Views of the plant as text.
#include "actors/cli/plant_progress.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "actors/runtime/planning.hpp"
#include "actors/validator/reasons.hpp"
#include "storage/dataset_manifest.hpp"

namespace mendel::cli {
namespace {

// A node asks for work or renews its leases about every second; one that was not heard for so long is lost or cut
// off. Its leases go to others when they end.
constexpr double kSilent = 5;

struct PhaseRow {
  const char* phase;
  const char* title;
  const char* unit;
  std::vector<std::string> stages;  // whose items the bar counts
};

const std::vector<PhaseRow>& phases() {
  static const std::vector<PhaseRow> kPhases = {
      {"collect", "collecting and proving", "items", {"mine", "mine_stackoverflow", "mutate", "lint", "validate"}},
      {"reduce", "near-duplicates, splits, vocabulary", "", {}},
      {"encode", "encoding", "items", {"encode"}},
      {"finalise", "writing the dataset", "", {}},
      {"train", "training", "%", {}},
  };
  return kPhases;
}

const PhaseRow* phase_row(const std::string& phase) {
  for (const auto& row : phases())
    if (phase == row.phase) return &row;
  return nullptr;
}

double sample(const runtime::PlantView& view, const std::string& name) {
  const auto at = view.training.find(name);
  return at == view.training.end() ? 0 : at->second;
}

void show_training(const runtime::PlantView& view, Progress& progress) {
  const auto total = sample(view, "training_minutes_total"), minutes = sample(view, "training_minutes");
  if (total <= 0) return progress.tell("waiting for the training node");
  char words[160];
  std::snprintf(words, sizeof words, "step %.0f, mean loss %.2f, %.1f of %.1f CPU minutes", sample(view, "training_step"), sample(view, "training_loss"), minutes, total);
  progress.tell(words);
  progress.set(static_cast<std::uint64_t>(100 * std::min(1.0, minutes / total)), 100);
}

std::string number(std::uint64_t value) {
  auto digits = std::to_string(value);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

// "rejected:STAGE:REASON" → REASON, if it is of that stage.
std::optional<std::string> reason_of(const std::string& counter, const std::string& stage) {
  const auto prefix = "rejected:" + stage + ":";
  if (!counter.starts_with(prefix)) return std::nullopt;
  return counter.substr(prefix.size());
}

// "STAGE.NAME" → NAME, where a stage mine_SOURCE counts as SOURCE; finer ones (by operator, by reason) are left to
// `mendel status --json`.
std::optional<std::string> counter_of(const std::string& counter, const std::string& stage) {
  const auto prefix = (stage.starts_with("mine_") ? stage.substr(5) : stage) + ".";
  if (!counter.starts_with(prefix)) return std::nullopt;
  auto name = counter.substr(prefix.size());
  if (name.starts_with("pairs.") || name.starts_with("rejected.") || name.starts_with("left_out.")) return std::nullopt;
  if (name.starts_with("skipped.")) return "passed over as " + name.substr(8);
  return name;
}

void append_counts(const std::string& head, const std::vector<std::pair<std::string, std::uint64_t>>& counts, std::string& out) {
  constexpr std::size_t kWidth = 100;
  std::string line = "    " + head;
  for (const auto& [name, count] : counts) {
    const auto word = " " + name + " " + number(count) + ",";
    if (line.size() + word.size() > kWidth) {
      out += line + "\n";
      line = "     ";
    }
    line += word;
  }
  if (counts.empty()) return;
  line.pop_back();
  out += line + "\n";
}

std::string funnel_text(const Status& status) {
  std::string out;
  for (const auto& stage : status.stages()) {
    if (stage.done() + stage.dead() + stage.pending() + stage.leased() == 0 || stage.stage() == "train") continue;
    std::vector<std::pair<std::string, std::uint64_t>> counts, reasons;
    for (const auto& [name, count] : std::map<std::string, std::uint64_t>(status.funnel().begin(), status.funnel().end())) {
      if (const auto counter = counter_of(name, stage.stage())) counts.emplace_back(*counter, count);
      if (const auto reason = reason_of(name, stage.stage())) reasons.emplace_back(*reason, count);
    }
    out += "  " + stage.stage() + ": " + number(stage.done()) + " items" + (stage.dead() > 0 ? ", " + number(stage.dead()) + " dead" : "") + "\n";
    append_counts("counted:", counts, out);
    append_counts("left out:", reasons, out);
  }
  std::vector<std::pair<std::string, std::uint64_t>> unusable;
  for (const auto& [name, count] : std::map<std::string, std::uint64_t>(status.funnel().begin(), status.funnel().end()))
    if (const auto reason = reason_of(name, "source")) unusable.emplace_back(*reason, count);
  if (!unusable.empty()) out += "  sources:\n";
  append_counts("left out:", unusable, out);
  return out;
}

using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

std::string named(const Counts& counts) {
  std::string out;
  for (const auto& [name, count] : counts) out += (out.empty() ? "" : ", ") + name + " " + number(count);
  return out;
}

// What each stage of the proof left of the pairs, in the order in which they are asked; near-duplicates are the last because
// they need all pairs. `rejected` is by reason; what is no stage's reason is the encoder's.
std::string proof_text(const Status& status, std::uint64_t rows, const Counts& rejected) {
  static constexpr const char* kStages[] = {"syntax", "difference", "tests", "quality", "near_duplicate", "encoding"};
  std::map<std::string_view, Counts> by_stage;
  std::uint64_t left = rows;
  for (const auto& [reason, count] : rejected) {
    const auto* row = validator::find_reason(reason);
    by_stage[row == nullptr ? "encoding" : row->stage].emplace_back(reason, count);
    left += count;
  }
  Counts ran;
  for (const auto& [name, count] : std::map<std::string, std::uint64_t>(status.funnel().begin(), status.funnel().end()))
    if (name.starts_with("tests.")) ran.emplace_back(name.substr(6), count);
  char line[120];
  std::snprintf(line, sizeof line, "  %12s          pairs to prove\n", number(left).c_str());
  std::string out = line;
  for (const char* stage : kStages) {
    const auto before = left;
    for (const auto& [reason, count] : by_stage[stage]) left -= count;
    std::snprintf(line, sizeof line, "  %12s  %5.1f %%  %s", number(left).c_str(), before == 0 ? 0.0 : 100.0 * static_cast<double>(left) / static_cast<double>(before), stage);
    out += line;
    if (!by_stage[stage].empty()) out += ": without " + named(by_stage[stage]);
    if (std::string_view(stage) == "tests") out += ran.empty() ? " (no code is run; sandbox.plant = true does)" : " (" + named(ran) + ")";
    out += "\n";
  }
  return out;
}

std::string dataset_text(const Context& context, const Status& status) {
  const auto folder = context.data / "dataset";
  const auto manifest = storage::Manifest::read(folder);
  if (!manifest || manifest->digest != status.dataset_digest()) return {};
  std::string out = "Dataset " + folder.string() + ":";
  for (int split = 0; split < storage::kSplitCount; ++split)
    out += std::string(split == 0 ? " " : ", ") + number(manifest->counts[split].rows) + " " + storage::name_of(static_cast<storage::SplitName>(split));
  out += " rows, vocabulary " + number(manifest->vocabulary) + "\n";
  const auto parsed = nlohmann::json::parse(manifest->text, nullptr, false);
  Counts reasons;
  if (const auto rejected = parsed.is_object() ? parsed.value("rejected_by_reason", nlohmann::json()) : nlohmann::json(); rejected.is_object())
    for (const auto& [reason, count] : rejected.items())
      if (count.is_number_unsigned()) reasons.emplace_back(reason, count.get<std::uint64_t>());
  std::uint64_t rows = 0;
  for (const auto& counts : manifest->counts) rows += counts.rows;
  return out + proof_text(status, rows, reasons) + "digest " + manifest->digest + "\n";
}

nlohmann::ordered_json as_json(const Status& status) {
  nlohmann::ordered_json out;
  out["phase"] = status.phase();
  for (const auto& stage : status.stages())
    out["stages"][stage.stage()] = {{"pending", stage.pending()}, {"leased", stage.leased()}, {"done", stage.done()}, {"dead", stage.dead()}};
  for (const auto& [name, count] : std::map<std::string, std::uint64_t>(status.funnel().begin(), status.funnel().end())) out["funnel"][name] = count;
  out["dataset_digest"] = status.dataset_digest();
  const auto training = nlohmann::ordered_json::parse(status.training_json(), nullptr, false);
  if (training.is_object()) out["training"] = training;
  return out;
}

}  // namespace

void PlantProgress::show(const runtime::PlantView& view) {
  const auto& status = view.status;
  update(view);  // the phase that was shown gets its last numbers before it goes
  if (phase_ == status.phase()) return;
  progress_.reset();
  phase_ = status.phase();
  const auto* row = phase_row(phase_);
  if (row == nullptr) return;
  progress_ = std::make_unique<Progress>(context_, row->title, 0, row->unit);
  update(view);
}

void PlantProgress::update(const runtime::PlantView& view) {
  const auto* row = phase_row(phase_);
  if (!progress_ || row == nullptr) return;
  if (phase_ == "train") return show_training(view, *progress_);
  std::uint64_t done = 0, all = 0;
  for (const auto& stage : view.status.stages()) {
    if (std::find(row->stages.begin(), row->stages.end(), stage.stage()) == row->stages.end()) continue;
    done += stage.done() + stage.dead();
    all += stage.done() + stage.dead() + stage.pending() + stage.leased();
  }
  progress_->set(done, all);
}

void print_plant(const Context& context, const runtime::PlantView& view) {
  const auto& status = view.status;
  if (context.json) {
    auto out = as_json(status);
    out["dataset_reused"] = view.reused;
    out["dead_letters"] = view.dead;
    std::printf("%s\n", out.dump().c_str());
    return;
  }
  std::string out = "What went in, what came out, what was left out and why:\n" + funnel_text(status);
  if (!status.dataset_digest().empty()) out += dataset_text(context, status);
  if (view.reused)
    out += std::string(view.stored == 0 ? "Nothing to do" : "Dataset of an earlier run") + ": sources, configuration and seed are those that this dataset was made of.\n";
  if (const auto training = nlohmann::ordered_json::parse(status.training_json(), nullptr, false); training.is_object())
    out += "Training: " + training.dump(2) + "\n";
  if (view.dead > 0) out += number(view.dead) + " items are in the dead letters: see `mendel --data " + context.data.string() + " dead list`\n";
  if (!status.dataset_digest().empty()) out += "Next: mendel dataset info --dataset " + (context.data / "dataset").string() + "\n";
  std::fputs(out.c_str(), stdout);
}

int plant_status(const runtime::PlantView& view) {
  const bool stopped = view.status.funnel().contains(std::string("rejected:source:") + runtime::kSourceStopped);
  return view.dead > 0 || stopped ? kLeftovers : kDone;
}

std::string describe(const Status& status, bool running) {
  char line[200];
  std::snprintf(line, sizeof line, "phase %s%s%s\n", status.phase().c_str(), running ? ", running for " : "",
                running ? (std::to_string(static_cast<long>(status.elapsed_s())) + " s").c_str() : "");
  std::string out = line;
  std::snprintf(line, sizeof line, "  %-10s %10s %8s %10s %6s\n", "stage", "pending", "leased", "done", "dead");
  out += line;
  for (const auto& stage : status.stages()) {
    std::snprintf(line, sizeof line, "  %-10s %10s %8s %10s %6s%s\n", stage.stage().c_str(), number(stage.pending()).c_str(), number(stage.leased()).c_str(),
                  number(stage.done()).c_str(), number(stage.dead()).c_str(), stage.paused() ? "  paused" : "");
    out += line;
  }
  for (const auto& node : status.nodes()) {
    std::string roles;
    for (const auto& role : node.roles()) roles += (roles.empty() ? "" : ",") + role;
    std::snprintf(line, sizeof line, "  node %-16s %s: %s done, %s leased, seen %.1f s ago%s\n", node.name().c_str(), roles.c_str(), number(node.done()).c_str(),
                  number(node.leased()).c_str(), node.seen_s_ago(), node.draining() ? ", draining" : node.seen_s_ago() > kSilent ? ", SILENT" : "");
    out += line;
  }
  if (!status.intake_paused().empty()) out += "  intake is paused: " + status.intake_paused() + "\n";
  if (status.eta_s() >= 0 && running) out += "  about " + std::to_string(static_cast<long>(status.eta_s())) + " s left in this phase\n";
  if (!status.dataset_digest().empty()) out += "  dataset digest " + status.dataset_digest() + "\n";
  if (!status.training_json().empty()) out += "  training " + status.training_json() + "\n";
  return out;
}

}  // namespace mendel::cli
