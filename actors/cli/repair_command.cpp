// mendel-trainer repair: a file in, a unified diff out that parses, or nothing; or JSON lines in and out.
#include <sys/stat.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "actors/cli/checkpoint.hpp"
#include "actors/cli/trainer_commands.hpp"
#include "actors/cli/trainer_options.hpp"
#include "actors/syntax/tokens.hpp"
#include "actors/trainer/repair.hpp"
#include "storage/durable_file.hpp"

namespace mendel::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr double kMarginShownMax = 1e6;  // beyond lie the thresholds of "always" and "never"

Json json_of(const trainer::AppliedEdit& edit) {
  return {{"symbol", edit.symbol}, {"line", edit.line},         {"column", edit.column},         {"row", edit.row},
          {"cell", edit.cell},     {"end", edit.end},           {"old", edit.old_text},          {"new", edit.new_text},
          {"rank", edit.rank},     {"probability", edit.probability}, {"bug_probability", edit.bug_probability}, {"steps", edit.steps}};
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

void print_diff(const Context& context, std::string_view diff) {
  while (!diff.empty()) {
    const auto line = diff.substr(0, diff.find('\n'));
    diff.remove_prefix(std::min(line.size() + 1, diff.size()));
    const char* colour = !context.colour_out || line.empty() ? "" : line[0] == '-' ? "\x1b[31m" : line[0] == '+' ? "\x1b[32m" : line[0] == '@' ? "\x1b[36m" : "";
    std::fputs(colour, stdout);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputs(*colour == '\0' ? "\n" : "\x1b[0m\n", stdout);
  }
}

// A piece of code in quotes, line feeds and tabs visible.
std::string quoted(const std::string& text) { return dumped(Json(text)); }

std::string place(std::uint32_t line, const std::string& symbol) { return "line " + std::to_string(line) + (symbol.empty() ? "" : " in " + symbol); }

void explain(const trainer::RepairResult& result, double margin) {
  for (const auto& edit : result.edits)
    std::fprintf(stderr, "%s, column %u: %s becomes %s (row %u, cell %u; bug %.1f %%, this edit %.1f %%, choice %u, steps %u)\n",
                 place(edit.line, edit.symbol).c_str(), edit.column, quoted(edit.old_text).c_str(), quoted(edit.new_text).c_str(), edit.row, edit.cell,
                 100 * edit.bug_probability, 100 * edit.probability, edit.rank, edit.steps);
  for (const auto& piece : result.untouched) {
    std::fprintf(stderr, "%s: left as it is, %s", place(piece.line, piece.symbol).c_str(), piece.reason.c_str());
    if (std::isfinite(piece.margin)) std::fprintf(stderr, " (bug %.1f %%, margin %.2f", 100 * piece.bug_probability, piece.margin);
    if (std::isfinite(piece.margin) && std::abs(margin) < kMarginShownMax) std::fprintf(stderr, ", threshold %.2f", margin);
    std::fputs(std::isfinite(piece.margin) ? ")" : "", stderr);
    std::fputc('\n', stderr);
  }
}

Outcome replace_file(const std::string& path, const std::string& content) {
  std::error_code error;
  const auto target = fs::canonical(path, error);  // a link stays a link
  if (error) return Error{ErrorCode::io_error, path + ": " + error.message()};
  struct stat before {};
  if (stat(target.c_str(), &before) != 0) return Error{ErrorCode::io_error, path + ": " + std::strerror(errno)};
  if (auto written = storage::write_durably(target, content); !written) return written;
  if (chmod(target.c_str(), before.st_mode & 07777) != 0) return Error{ErrorCode::io_error, path + ": " + std::strerror(errno)};
  return Done{};
}

int repair_file(const Context& context, const RepairArguments& arguments, trainer::Repairer& repairer, const trainer::RepairOptions& options) {
  const auto text = read_file(arguments.file, context.config.sources().file_bytes_max());
  if (!text) return fail(text.error());
  const auto name = arguments.file == "-" ? std::string("stdin.py") : fs::path(arguments.file).relative_path().string();
  const auto result = repairer.repair(*text, options);
  if (!result) return fail({result.error().code, arguments.file + ": " + result.error().what});
  if (arguments.explain) explain(*result, options.margin);
  if (!result->parses) note(arguments.file + ": " + (result->changed ? "still does not parse, " : "does not parse and no edit mends it, ") + result->problem);
  if (!result->changed) return kDone;
  if (arguments.write) {
    if (auto written = replace_file(arguments.file, result->text); !written) return fail(written.error());
    note(arguments.file + ": " + std::to_string(result->edits.size()) + (result->edits.size() == 1 ? " edit" : " edits"));
    return kDone;
  }
  print_diff(context, syntax::unified_diff(*text, result->text, name));
  return kDone;
}

Json answer_to(const Json& line, trainer::Repairer& repairer, const trainer::RepairOptions& options, const RepairArguments& arguments) {
  const auto id = line.contains("id") ? line["id"] : Json();
  const auto code = line["code"].get<std::string>();
  const auto result = repairer.repair(code, options);
  if (!result) return {{"id", id}, {"code", code}, {"changed", false}, {"probability", 0}, {"steps", 0}, {"edits", Json::array()}, {"error", result.error().what}};
  if (arguments.explain) explain(*result, options.margin);
  Json edits = Json::array();
  for (const auto& edit : result->edits) edits.push_back(json_of(edit));
  return {{"id", id}, {"code", result->text}, {"changed", result->changed}, {"probability", result->bug_probability}, {"steps", result->steps}, {"edits", std::move(edits)}};
}

// Each code as one text; a line that is no object gets an error and the rest goes on.
int repair_lines(const RepairArguments& arguments, trainer::Repairer& repairer, trainer::RepairOptions options) {
  options.whole = true;
  std::uint64_t wrong = 0;
  const auto read = each_line(arguments.file, [&](std::string_view line, std::uint64_t number) -> Outcome {
    if (interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
    if (line.find_first_not_of(" \t\r") == line.npos) return Done{};
    const auto json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("code") || !json["code"].is_string()) {
      warn(arguments.file + ":" + std::to_string(number) + ": no JSON object with a text \"code\"; passed over");
      ++wrong;
      return Done{};
    }
    if (std::printf("%s\n", dumped(answer_to(json, repairer, options, arguments)).c_str()) < 0 || std::fflush(stdout) != 0)
      return Error{ErrorCode::io_error, "the answers could not be written"};
    return Done{};
  });
  if (!read) return fail(read.error());
  return wrong > 0 ? kLeftovers : kDone;
}

int repair(const Context& context, const RepairArguments& arguments) {
  if (arguments.write && arguments.file == "-") return fail_use("repair: --write needs a file, not -");
  if (arguments.write && context.json) return fail_use("repair: --write and --json exclude each other");
  auto checkpoint = load_checkpoint(context, arguments.checkpoint);
  if (!checkpoint) return fail(checkpoint.error());
  const auto checker = start_checker(context);
  if (!checker) return fail(checker.error());
  trainer::Repairer repairer(*checkpoint->model, checkpoint->tokenizer, **checker);
  trainer::RepairOptions options;
  options.margin = checkpoint->margin(arguments.false_alarms);
  options.margin_again = checkpoint->margin_again(arguments.false_alarms);
  options.candidates = arguments.candidates;
  return context.json ? repair_lines(arguments, repairer, options) : repair_file(context, arguments, repairer, options);
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<RepairArguments>();
  declare_repair_options(app, *arguments);
  return [arguments, &context] { return repair(context, *arguments); };
}

}  // namespace

const Subcommand kRepairCommand = {kRepairText.name, kRepairText.summary, kRepairText.example, declare};

}  // namespace mendel::cli
