// mendel mutate PATH...: pairs of mutated and clean functions as JSON lines, in the order of the files.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "actors/cleaner/cleaning.hpp"
#include "actors/cli/calibration.hpp"
#include "actors/cli/commands.hpp"
#include "actors/mutator/mutator_stage.hpp"
#include "actors/mutator/operators.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {
namespace {

struct MutateOptions {
  std::vector<std::string> paths, operators;
  std::optional<std::uint32_t> seed, per_function;
  std::optional<double> clean_share;
  std::uint32_t jobs = 1;
  std::string out, calibrate;
  bool list = false;
};

constexpr std::string_view kRejected = "mutate.rejected.";

struct Answer {
  std::string lines;  // JSON, each with its line feed
  std::map<std::string, std::uint64_t> funnel;
  std::string left_out;  // "PATH: reason"
  std::optional<Error> failure;
};

// As many mutators as files are worked on at once.
class Mutators {
 public:
  explicit Mutators(const Config& config) : config_(config) {}

  // Calls `use` with a mutator that no other thread has meanwhile.
  template <class Use>
  auto with(const Use& use) -> Result<decltype(use(std::declval<mutator::MutatorStage&>()))> {
    auto mutator = take();
    if (!mutator) return mutator.error();
    auto result = use(**mutator);
    const std::lock_guard lock(mutex_);
    idle_.push_back(*std::move(mutator));
    return result;
  }

 private:
  using Mutator = std::unique_ptr<mutator::MutatorStage>;

  Result<Mutator> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto mutator = std::move(idle_.back());
        idle_.pop_back();
        return mutator;
      }
    }
    return mutator::MutatorStage::start(config_);
  }

  const Config& config_;
  std::mutex mutex_;
  std::vector<Mutator> idle_;
};

SourceFile source_of(const NamedFile& file, std::string text) {
  SourceFile out;
  out.set_repository(file.root);
  out.set_path(file.relative);
  out.set_text(std::move(text));
  return out;
}

// The weights that meet the wanted mix on these files, fitted to those of them that their hash chooses. Standard
// input can be read once only: alone it gets the usual ones.
Result<std::vector<double>> fitted_class_weights(Mutators& mutators, const Config& config, const std::vector<NamedFile>& files, std::uint32_t jobs) {
  std::vector<std::pair<ContentId, const NamedFile*>> keyed;
  for (const auto& file : files)
    if (file.path != "-") keyed.emplace_back(ContentHash().add(file.root).add(file.relative).finish<>(), &file);
  std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  keyed.resize(std::min(keyed.size(), mutator::kMixFilesMax));
  using Places = Result<std::vector<mutator::GroupPlaces>>;
  mutator::ClassMix mix;
  std::optional<Error> failure;
  in_order<std::optional<Places>>(
      keyed.size(), jobs,
      [&](std::uint64_t i) -> std::optional<Places> {
        auto text = read_file(keyed[i].second->path, config.sources().file_bytes_max());
        if (!text) return std::nullopt;  // will be named when it is mutated
        return mutators.with([&](mutator::MutatorStage& stage) { return stage.places(source_of(*keyed[i].second, *std::move(text))); });
      },
      [&](std::uint64_t, std::optional<Places> places) {
        if (!places) return;
        if (!*places) failure = places->error();
        else
          for (const auto& one : **places) mix.add(one);
      });
  if (failure) return *failure;
  std::vector<double> out;
  if (mix.empty()) return out;
  const auto weights = mutator::class_weights(config, mix);
  out.assign(weights.begin(), weights.end());
  return out;
}

Answer pairs_of(Mutators& mutators, const Config& config, const std::vector<double>& class_weights, const NamedFile& file) {
  Answer answer;
  auto text = read_file(file.path, config.sources().file_bytes_max());
  if (!text) {
    answer.left_out = text.error().what;
    ++answer.funnel[std::string(kRejected) + (text.error().code == ErrorCode::too_large ? "too_large" : "unreadable")];
    return answer;
  }
  WorkItem item;
  item.set_stage(Stage::mutate);
  *item.mutable_mutate()->add_files() = source_of(file, *std::move(text));
  item.mutable_mutate()->mutable_class_weights()->Assign(class_weights.begin(), class_weights.end());
  auto started = mutators.with([&](mutator::MutatorStage& stage) { return stage.run(item); });
  if (!started || !*started) {
    answer.failure = started ? started->error() : started.error();
    return answer;
  }
  auto& result = *started;
  cleaner::clean_result(*result, config.clean());
  for (const auto& pair : result->pairs()) answer.lines += to_json(pair) + "\n";
  for (const auto& [counter, n] : result->funnel()) answer.funnel[counter] = n;
  for (const auto& rejection : result->rejections()) {
    if (rejection.reason() == "empty_file") continue;  // there are many, the last line counts them
    answer.left_out = file.path + ": " + rejection.reason();
    if (!rejection.detail().empty()) answer.left_out += ": " + rejection.detail();
  }
  return answer;
}

int list_operators(const Context& context) {
  if (context.json) {
    auto out = nlohmann::ordered_json::array();
    for (const auto& row : mutator::operators())
      out.push_back({{"name", row.name}, {"class", mutator::name_of(row.bug_class)}, {"description", row.description},
                     {"inverse", row.inverse}, {"precondition", row.precondition}, {"before", row.before}, {"after", row.after}});
    std::printf("%s\n", out.dump().c_str());
  } else {
    const auto indented = [](const char* mark, std::string_view text) {
      std::string lines = std::string("    ") + mark + " ";
      for (const char c : text) lines += c == '\n' ? std::string("\n    ") + mark + " " : std::string(1, c);
      std::printf("%s\n", lines.c_str());
    };
    for (const auto& row : mutator::operators()) {
      std::printf("%s (%s): %s\n  repair: %s; where: %s\n", row.name, mutator::name_of(row.bug_class), row.description, row.inverse, row.precondition);
      indented("-", row.before);
      indented("+", row.after);
    }
  }
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

Config effective(const Context& context, const MutateOptions& options) {
  Config config = context.config;
  if (options.seed) config.set_seed(*options.seed);
  if (options.per_function) config.mutable_mutate()->set_per_function(*options.per_function);
  if (options.clean_share) config.mutable_mutate()->set_clean_share(*options.clean_share);
  if (!options.operators.empty()) config.mutable_mutate()->mutable_operators()->Assign(options.operators.begin(), options.operators.end());
  return config;
}

// ", 3 files left out (2 empty_file, 1 has_nul)", or nothing.
std::string left_out(const std::map<std::string, std::uint64_t>& funnel) {
  std::uint64_t total = 0;
  std::string reasons;
  for (const auto& [counter, n] : funnel) {
    if (!counter.starts_with(kRejected)) continue;
    total += n;
    reasons += (reasons.empty() ? "" : ", ") + std::to_string(n) + " " + counter.substr(kRejected.size());
  }
  return total == 0 ? "" : ", " + std::to_string(total) + " files left out (" + reasons + ")";
}

int mutate(const Context& context, const MutateOptions& options) {
  if (options.list) return list_operators(context);
  const auto config = effective(context, options);
  if (!options.calibrate.empty()) return calibrate(context, config, options.calibrate, options.out);
  if (options.paths.empty()) return fail_use("mutate: PATH is required (or --list, --calibrate)");
  if (const auto checked = mutator::MutatorStage::start(config); !checked) return fail_use("mutate: " + checked.error().what);
  const auto files = python_files(options.paths);
  if (!files) return fail(files.error());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(options.out.empty() ? nullptr : std::fopen(options.out.c_str(), "wb"),
                                                             [](std::FILE* f) { return std::fclose(f); });
  if (!options.out.empty() && !file) return fail({ErrorCode::io_error, options.out + ": cannot be written"});
  std::FILE* out = file ? file.get() : stdout;
  Progress progress(context, "mutate", files->size(), "files");
  Mutators mutators(config);
  std::vector<double> class_weights;
  if (mutator::wants_class_mix(config)) {
    auto fitted = fitted_class_weights(mutators, config, *files, options.jobs);
    if (!fitted) return fail(fitted.error());
    class_weights = *std::move(fitted);
  }
  std::map<std::string, std::uint64_t> funnel;
  std::optional<Error> failure;
  bool written = true;
  in_order<Answer>(
      files->size(), options.jobs, [&](std::uint64_t i) { return pairs_of(mutators, config, class_weights, (*files)[i]); },
      [&](std::uint64_t, Answer answer) {
        progress.add();
        if (answer.failure && !failure) failure = answer.failure;
        if (!answer.left_out.empty()) warn(answer.left_out);
        for (const auto& [counter, n] : answer.funnel) funnel[counter] += n;
        if (!failure) written = std::fwrite(answer.lines.data(), 1, answer.lines.size(), out) == answer.lines.size() && written;
      });
  progress.finish();
  if (failure) return fail(*failure);
  if (interrupted()) return kInterrupted;
  if (!written || std::fflush(out) != 0) return fail({ErrorCode::io_error, "the pairs could not be written"});
  note(std::to_string(funnel["mutate.pairs"]) + " pairs (" + std::to_string(funnel["mutate.pairs.no_bug"]) + " without a bug) from " +
       std::to_string(funnel["mutate.functions"]) + " functions in " + std::to_string(files->size()) + " files" + left_out(funnel));
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto options = std::make_shared<MutateOptions>();
  options->jobs = std::max(1u, std::thread::hardware_concurrency());
  app.add_option("PATH", options->paths, "files or folders of Python code, - for stdin");
  app.add_option("--seed", options->seed, "decides every random choice (default: seed of the configuration)");
  app.add_option("--per-function", options->per_function, "bugs made of each function at most (default: mutate.per_function)")
      ->check(CLI::Range(1u, 100u));
  app.add_option("--operators", options->operators, "operators to use, comma-separated (default: all)")->delimiter(',')->allow_extra_args(false);
  app.add_option("--clean-share", options->clean_share, "share of samples without a bug; bugs are left out where one clean sample a function is too few "
                 "(default: mutate.clean_share)")
      ->check(CLI::Range(0.0, 0.9));
  app.add_option("--jobs", options->jobs, "threads (default: all cores); the output does not depend on it")->check(CLI::Range(1u, 1024u));
  app.add_option("--out", options->out, "file to write to (default: stdout)");
  app.add_option("--calibrate", options->calibrate, "print weights (and write them to --out) under which the types of bugs come as in these mined pairs");
  app.add_flag("--list", options->list, "print the operators with what they do, before and after");
  return [options, &context] { return mutate(context, *options); };
}

}  // namespace

const Subcommand kMutateCommand = {"mutate", "put realistic bugs into clean functions",
                                   "  mendel mutate src --seed 7 --out pairs.jsonl\n"
                                   "  mendel mutate src --operators off_by_one,missing_colon --clean-share 0\n"
                                   "  mendel mine git REPO >mined.jsonl && mendel mutate --calibrate mined.jsonl --out weights.toml\n"
                                   "  mendel --json mutate --list",
                                   declare};

}  // namespace mendel::cli
