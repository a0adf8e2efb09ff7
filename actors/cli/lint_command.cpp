// mendel lint PATH...: what the linters say, or the pairs that their own fixes give, as JSON lines.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>

#include "actors/cleaner/cleaning.hpp"
#include "actors/cli/commands.hpp"
#include "actors/cli/lint_history.hpp"
#include "actors/linter/lint_tool.hpp"
#include "actors/linter/linter_stage.hpp"
#include "actors/syntax/source_origin.hpp"
#include "actors/syntax/source_text.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {
namespace {

struct LintOptions {
  std::vector<std::string> paths;
  std::vector<std::string> tools;
  bool pairs = false, unsafe_fixes = false, history = false;
  std::uint32_t jobs = 1;
  std::string out;
  std::uint32_t seed = 0;
};

struct Answer {
  std::string lines;  // JSON, each with its line feed
  std::uint64_t results = 0;
  std::vector<std::string> left_out;  // "PATH: reason"
  std::optional<Error> failure;
};

using Files = std::span<const NamedFile>;

struct ReadFile {
  const NamedFile* named;
  std::string text;
};

std::vector<ReadFile> read_batch(const Context& context, Files files, Answer& answer) {
  std::vector<ReadFile> out;
  out.reserve(files.size());
  for (const auto& file : files) {
    auto text = read_file(file.path, context.config.sources().file_bytes_max());
    if (!text) {
      answer.left_out.push_back(text.error().what);
      continue;
    }
    out.push_back({&file, *std::move(text)});
  }
  return out;
}

// As many as batches are linted at once: starting a linter costs more than a dozen files.
template <class T>
class Pool {
 public:
  using Make = std::function<Result<T>()>;
  explicit Pool(Make make) : make_(std::move(make)) {}

  Result<T> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        T out = std::move(idle_.back());
        idle_.pop_back();
        return out;
      }
    }
    return make_();
  }

  void give_back(T used) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(used));
  }

 private:
  Make make_;
  std::mutex mutex_;
  std::vector<T> idle_;
};

using Tools = std::vector<const linter::LintToolRow*>;
using LinterPool = Pool<linter::Linters>;
using StagePool = Pool<std::unique_ptr<linter::LinterStage>>;

void diagnose(LinterPool& pool, std::span<const linter::LintedText> texts, Answer& answer) {
  auto linters = pool.take();
  if (!linters) {
    answer.failure = linters.error();
    return;
  }
  const auto found = linters->check(texts);
  if (!found) {
    answer.failure = found.error();
    return;
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (const auto& failure : (*found)[i].failures) answer.left_out.push_back(std::string(texts[i].path) + ": linter_gave_up: " + failure);
    for (const auto& diagnostic : (*found)[i].diagnostics) {
      answer.lines += linter::to_json(diagnostic) + "\n";
      ++answer.results;
    }
  }
  pool.give_back(*std::move(linters));
}

Answer diagnostics_of(const Context& context, LinterPool& pool, Files files) {
  Answer answer;
  const auto read = read_batch(context, files, answer);
  std::vector<linter::LintedText> texts;
  for (const auto& file : read) {
    const char* reason = syntax::why_not_source(file.named->relative, file.text, context.config.sources().file_bytes_max());
    if (*reason == '\0') {
      texts.push_back({file.named->path, file.text});
    } else if (!file.text.empty()) {
      answer.left_out.push_back(file.named->path + ": " + reason);
    }
  }
  diagnose(pool, texts, answer);
  return answer;
}

Answer pairs_of(const Context& context, StagePool& pool, Files files) {
  Answer answer;
  WorkItem item;
  item.set_stage(Stage::lint);
  for (auto& file : read_batch(context, files, answer)) {
    auto& source = *item.mutable_lint()->add_files();
    source.set_repository(file.named->root);
    source.set_path(file.named->relative);
    source.set_text(std::move(file.text));
  }
  auto linter = pool.take();
  if (!linter) {
    answer.failure = linter.error();
    return answer;
  }
  auto result = (*linter)->run(item);
  if (!result) {
    answer.failure = result.error();
    return answer;
  }
  pool.give_back(*std::move(linter));
  cleaner::clean_result(*result, context.config.clean());
  for (const auto& pair : result->pairs()) answer.lines += to_json(pair) + "\n";
  answer.results = static_cast<std::uint64_t>(result->pairs_size());
  for (const auto& rejection : result->rejections())
    if (rejection.reason() != "empty_file") answer.left_out.push_back(rejection.subject() + ": " + rejection.reason());
  return answer;
}

// Starting a linter costs as much as a dozen files, so runs are longer than the plant's items as long as every job has
// one. Tools that may say of a file what they know from others of its run find it among the same others whatever the
// jobs are: runs are cut into theirs without a rest.
std::uint64_t files_per_run(const Context& context, const LintOptions& options, const Tools& tools, std::uint64_t files) {
  constexpr std::uint64_t kRunFactor = 64, kBoundRunFactor = 2;
  const std::uint64_t item = context.config.lint().files_per_item();
  if (options.pairs) return item;
  const auto shortest = (*std::min_element(tools.begin(), tools.end(), [](const auto* a, const auto* b) { return a->files_per_run < b->files_per_run; }))->files_per_run;
  const bool bound = shortest != SIZE_MAX;
  const auto run = std::clamp((files + options.jobs - 1) / options.jobs, item, item * (bound ? kBoundRunFactor : kRunFactor));
  return bound ? (run + shortest - 1) / shortest * shortest : run;
}

// --tools, else lint.tools, else all that can answer what is asked.
Result<Tools> tools_for(const Config& config, const LintOptions& options) {
  auto names = options.tools;
  if (names.empty()) names.assign(config.lint().tools().begin(), config.lint().tools().end());
  if (names.empty())
    for (const auto& row : linter::lint_tools())
      if (row.fixes || !options.pairs) names.push_back(row.name);
  auto tools = linter::lint_tools_named(names);
  if (tools && options.pairs && std::none_of(tools->begin(), tools->end(), [](const auto* tool) { return tool->fixes; }))
    return Error{ErrorCode::invalid_input, "none of these linters fixes what it finds; --pairs needs ruff"};
  return tools;
}

int lint(Context context, const LintOptions& options) {
  const auto tools = tools_for(context.config, options);
  if (!tools) return fail(tools.error()), kWrongUse;
  context.config.mutable_lint()->clear_tools();
  for (const auto* tool : *tools) context.config.mutable_lint()->add_tools(tool->name);
  if (options.unsafe_fixes) context.config.mutable_lint()->set_unsafe_fixes(true);
  LinterPool linters([&] { return linter::Linters::start(*tools, context.config); });
  StagePool stages([&] { return linter::LinterStage::start(context.config); });
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(options.out.empty() ? nullptr : std::fopen(options.out.c_str(), "wb"),
                                                             [](std::FILE* f) { return std::fclose(f); });
  if (!options.out.empty() && !file) return fail({ErrorCode::io_error, options.out + ": cannot be written"});
  std::FILE* out = file ? file.get() : stdout;
  if (options.history) return lint_history(context, options.paths, options.jobs, out);
  const auto files = python_files(options.paths);
  if (!files) return fail(files.error());
  const auto batch = files_per_run(context, options, *tools, files->size());
  const auto batches = (files->size() + batch - 1) / batch;
  const auto batch_of = [&](std::uint64_t i) { return Files(*files).subspan(i * batch, std::min<std::uint64_t>(batch, files->size() - i * batch)); };
  Progress progress(context, "lint", files->size(), "files");
  std::optional<Error> failure;
  std::uint64_t results = 0, left_out = 0;
  bool written = true;
  in_order<Answer>(
      batches, options.jobs,
      [&](std::uint64_t i) { return options.pairs ? pairs_of(context, stages, batch_of(i)) : diagnostics_of(context, linters, batch_of(i)); },
      [&](std::uint64_t i, Answer answer) {
        progress.add(batch_of(i).size());
        if (answer.failure && !failure) failure = answer.failure;
        for (const auto& line : answer.left_out) warn(line);
        left_out += answer.left_out.size();
        results += answer.results;
        if (!failure) written = std::fputs(answer.lines.c_str(), out) >= 0 && written;
      });
  progress.finish();
  if (failure) return fail(*failure);
  if (interrupted()) return kInterrupted;
  if (!written || std::fflush(out) != 0) return fail({ErrorCode::io_error, "the results could not be written"});
  note(std::to_string(results) + (options.pairs ? " pairs" : " diagnostics") + " from " + std::to_string(files->size()) + " files, " +
       std::to_string(left_out) + " files left out");
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto options = std::make_shared<LintOptions>();
  options->jobs = std::max(1u, std::thread::hardware_concurrency());
  app.add_option("PATH", options->paths, "files or folders of Python code, - for stdin; with --history: repositories")->required();
  app.add_option("--tools", options->tools, "linters to ask, of ruff, pylint, mypy, bandit (default: lint.tools, else all)")->delimiter(',')->allow_extra_args(false);
  app.add_flag("--pairs", options->pairs, "pairs of functions before and after each fix, instead of diagnostics");
  app.add_flag("--unsafe-fixes", options->unsafe_fixes, "with --pairs: also the fixes that may change what the code does");
  app.add_flag("--history", options->history, "PATHs are git repositories: pairs of the changes by which a diagnostic disappears");
  app.add_option("--jobs", options->jobs, "linters run at once (default: all cores); the output does not depend on it")->check(CLI::Range(1u, 1024u));
  app.add_option("--out", options->out, "file to write to (default: stdout)");
  app.add_option("--seed", options->seed, "accepted everywhere; linting makes no random choice");
  return [options, &context] { return lint(context, *options); };
}

}  // namespace

const Subcommand kLintCommand = {"lint", "say what the linters find, or make pairs of their fixes",
                                 "  mendel lint src --tools ruff,bandit\n  mendel lint src --pairs --out pairs.jsonl\n  mendel lint --history ~/src/flask --tools ruff,mypy", declare};

}  // namespace mendel::cli
