// mendel lint PATH...: what the linters say, or the pairs that their own fixes give, as JSON lines.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>

#include "actors/cleaner/cleaning.hpp"
#include "actors/cli/commands.hpp"
#include "actors/linter/linter_stage.hpp"
#include "actors/linter/ruff.hpp"
#include "actors/syntax/source_origin.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {
namespace {

struct LintOptions {
  std::vector<std::string> paths;
  bool pairs = false;
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

// Halves the batch until the file on which the linter fails stands alone.
void diagnose(const linter::Ruff& ruff, std::span<const linter::LintedText> texts, Answer& answer) {
  if (texts.empty() || answer.failure) return;
  const auto found = ruff.check(texts);
  if (!found && found.error().code == ErrorCode::io_error) {
    answer.failure = found.error();
  } else if (!found && texts.size() == 1) {
    answer.left_out.push_back(std::string(texts[0].path) + ": linter_gave_up: " + found.error().what);
  } else if (!found) {
    diagnose(ruff, texts.first(texts.size() / 2), answer);
    diagnose(ruff, texts.subspan(texts.size() / 2), answer);
  } else {
    for (const auto& list : *found)
      for (const auto& diagnostic : list) {
        answer.lines += linter::to_json(diagnostic) + "\n";
        ++answer.results;
      }
  }
}

Answer diagnostics_of(const Context& context, const linter::Ruff& ruff, Files files) {
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
  diagnose(ruff, texts, answer);
  return answer;
}

Answer pairs_of(const Context& context, Files files) {
  Answer answer;
  WorkItem item;
  item.set_stage(Stage::lint);
  for (auto& file : read_batch(context, files, answer)) {
    auto& source = *item.mutable_lint()->add_files();
    source.set_repository(file.named->root);
    source.set_path(file.named->relative);
    source.set_text(std::move(file.text));
  }
  const auto linter = linter::LinterStage::start(context.config);
  if (!linter) {
    answer.failure = linter.error();
    return answer;
  }
  auto result = (*linter)->run(item);
  if (!result) {
    answer.failure = result.error();
    return answer;
  }
  cleaner::clean_result(*result, context.config.clean());
  for (const auto& pair : result->pairs()) answer.lines += to_json(pair) + "\n";
  answer.results = static_cast<std::uint64_t>(result->pairs_size());
  for (const auto& rejection : result->rejections())
    if (rejection.reason() != "empty_file") answer.left_out.push_back(rejection.subject() + ": " + rejection.reason());
  return answer;
}

// Starting the linter costs as much as a dozen files. Pairs keep to the plant's items; diagnostics go in
// runs up to kRunFactor times as long, as long as every job has one.
std::uint64_t files_per_run(const Context& context, const LintOptions& options, std::uint64_t files) {
  constexpr std::uint64_t kRunFactor = 8;
  const std::uint64_t item = context.config.lint().files_per_item();
  if (options.pairs) return item;
  return std::clamp((files + options.jobs - 1) / options.jobs, item, item * kRunFactor);
}

int lint(const Context& context, const LintOptions& options) {
  const auto files = python_files(options.paths);
  if (!files) return fail(files.error());
  const auto ruff = linter::Ruff::find(context.config);
  if (!ruff) return fail(ruff.error());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(options.out.empty() ? nullptr : std::fopen(options.out.c_str(), "wb"),
                                                             [](std::FILE* f) { return std::fclose(f); });
  if (!options.out.empty() && !file) return fail({ErrorCode::io_error, options.out + ": cannot be written"});
  std::FILE* out = file ? file.get() : stdout;
  const auto batch = files_per_run(context, options, files->size());
  const auto batches = (files->size() + batch - 1) / batch;
  const auto batch_of = [&](std::uint64_t i) { return Files(*files).subspan(i * batch, std::min<std::uint64_t>(batch, files->size() - i * batch)); };
  Progress progress(context, "lint", files->size(), "files");
  std::optional<Error> failure;
  std::uint64_t results = 0, left_out = 0;
  bool written = true;
  in_order<Answer>(
      batches, options.jobs,
      [&](std::uint64_t i) { return options.pairs ? pairs_of(context, batch_of(i)) : diagnostics_of(context, *ruff, batch_of(i)); },
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
  app.add_option("PATH", options->paths, "files or folders of Python code, - for stdin")->required();
  app.add_flag("--pairs", options->pairs, "pairs of functions before and after each fix, instead of diagnostics");
  app.add_option("--jobs", options->jobs, "linters run at once (default: all cores); the output does not depend on it")->check(CLI::Range(1u, 1024u));
  app.add_option("--out", options->out, "file to write to (default: stdout)");
  app.add_option("--seed", options->seed, "accepted everywhere; linting makes no random choice");
  return [options, &context] { return lint(context, *options); };
}

}  // namespace

const Subcommand kLintCommand = {"lint", "say what the linters find, or make pairs of their fixes",
                                 "  mendel lint src\n  mendel lint src --pairs --out pairs.jsonl", declare};

}  // namespace mendel::cli
