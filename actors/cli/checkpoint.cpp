// Checkpoints as commands name them: found, loaded, checked against the vocabulary inside.
#include "actors/cli/checkpoint.hpp"

#include <limits>

#include "actors/trainer/model_failure.hpp"

namespace mendel::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kSurerAgain = 5;
constexpr char kFileName[] = "checkpoint.safetensors";

Result<fs::path> newest_in(const fs::path& runs) {
  fs::path newest;
  fs::file_time_type time;
  std::error_code error;
  for (fs::directory_iterator at(runs, error), end; !error && at != end; at.increment(error)) {
    const auto path = at->path() / kFileName;
    std::error_code none;
    const auto written = fs::last_write_time(path, none);
    if (none || (!newest.empty() && (written < time || (written == time && path < newest)))) continue;
    newest = path;
    time = written;
  }
  if (newest.empty())
    return Error{ErrorCode::not_found, runs.string() + ": no checkpoint there; train one with `mendel train`, or name one with --checkpoint"};
  return newest;
}

Result<fs::path> find(const Context& context, const std::string& named) {
  if (named.empty()) return newest_in(context.data / "runs");
  std::error_code error;
  if (!fs::exists(named, error)) return Error{ErrorCode::not_found, named + ": no such checkpoint"};
  if (!fs::is_directory(named, error)) return fs::path(named);
  if (const auto inside = fs::path(named) / kFileName; fs::exists(inside, error)) return inside;
  return Error{ErrorCode::not_found, named + ": no " + kFileName + " in this folder: name the folder of a run, or the file"};
}

}  // namespace

std::string LoadedCheckpoint::fact(const std::string& name) const {
  const auto at = model->facts().find(name);
  return at == model->facts().end() ? std::string() : at->second;
}

double LoadedCheckpoint::margin(double false_alarms) const {
  return false_alarms >= 1 ? std::numeric_limits<double>::max() : model->threshold(false_alarms);
}

double LoadedCheckpoint::margin_again(double false_alarms) const { return margin(false_alarms / kSurerAgain); }

std::vector<trainer::AlarmLevel> LoadedCheckpoint::levels() const {
  std::vector<trainer::AlarmLevel> out;
  for (const double share : {0.05, 0.1, 0.2}) out.push_back({share, margin(share)});
  return out;
}

Result<LoadedCheckpoint> load_checkpoint(const Context& context, const std::string& named) {
  const auto path = find(context, named);
  if (!path) return path.error();
  auto loaded = model::RepairModel::load(*path, context.config.train().device());
  if (!loaded) return trainer::error_of(loaded.failure());
  const auto corrupt = [&](const std::string& what) {
    return Error{ErrorCode::corrupt, path->string() + ": " + what + "; use a checkpoint that `mendel train` wrote"};
  };
  const auto& facts = (*loaded)->facts();
  const auto merges = facts.find("merges"), hash = facts.find("vocabulary_hash");
  if (merges == facts.end() || hash == facts.end()) return corrupt("carries no vocabulary");
  auto tokenizer = encoder::Tokenizer::from_merges(merges->second);
  if (!tokenizer) return corrupt("merges: " + tokenizer.error().what);
  if (tokenizer->hash() != hash->second || tokenizer->size() != (*loaded)->settings().vocabulary)
    return corrupt("the vocabulary inside is not the one that the model was trained on");
  return LoadedCheckpoint{*path, std::move(*loaded), std::move(*tokenizer)};
}

Result<std::unique_ptr<syntax::PythonChecker>> start_checker(const Context& context) {
  const auto& python = context.config.python();
  return syntax::PythonChecker::start({python.interpreter(), python.helpers(), python.check_timeout_ms()});
}

}  // namespace mendel::cli
