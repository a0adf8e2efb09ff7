// mendel grid show|check: what the models see of a file, and the proof that nothing is lost on the way.
#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "actors/cli/commands.hpp"
#include "actors/cli/grid_drawing.hpp"
#include "actors/cli/vocabulary.hpp"
#include "actors/encoder/grid.hpp"
#include "actors/syntax/tree.hpp"

namespace mendel::cli {
namespace {

using encoder::Tokenizer;

struct Options {
  std::vector<std::string> paths;
  std::string tokenizer;
  bool map = false;
  std::uint32_t jobs = 1;
};

// What became of the functions of some files. `counts` adds up; `problems` are for people.
struct Tally {
  std::uint64_t files = 0, functions = 0, exact = 0, windowed = 0, windows = 0, mismatches = 0;
  std::map<std::string, std::uint64_t> left_out;  // by reason: functions, or whole files
  std::vector<std::string> problems;  // mismatches and files that were left out, one line each

  void add(Tally other) {
    files += other.files;
    functions += other.functions;
    exact += other.exact;
    windowed += other.windowed;
    windows += other.windows;
    mismatches += other.mismatches;
    for (const auto& [reason, count] : other.left_out) left_out[reason] += count;
    problems.insert(problems.end(), other.problems.begin(), other.problems.end());
  }
};

// The text that the windows of a function give back.
Result<std::string> text_of(const Tokenizer& tokenizer, const std::vector<encoder::Window>& windows) {
  std::string text;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto cells = encoder::grid_to_cells(windows[i].grid.ids, tokenizer.size());
    if (!cells) return cells.error();
    const auto part = encoder::cells_to_text(tokenizer, *cells);
    if (!part) return part.error();
    if (i) text.push_back('\n');
    text.append(*part);
  }
  return text;
}

void check_function(const Tokenizer& tokenizer, const std::string& name, std::string_view text, Tally& tally) {
  ++tally.functions;
  const auto windows = encoder::windows_of(encoder::text_to_cells(tokenizer, text));
  if (!windows) {
    ++tally.left_out["does_not_fit"];
    tally.problems.push_back(name + ": does not fit: " + windows.error().what);
    return;
  }
  const auto back = text_of(tokenizer, *windows);
  if (!back || *back != text) {
    ++tally.mismatches;
    tally.problems.push_back(name + ": MISMATCH: " + (back ? "other text came back" : back.error().what));
    return;
  }
  ++tally.exact;
  if (windows->size() > 1) {
    ++tally.windowed;
    tally.windows += windows->size();
  }
}

Tally check_file(const Context& context, const Tokenizer& tokenizer, const NamedFile& file) {
  Tally tally;
  ++tally.files;
  const auto leave_out = [&](const char* reason, const std::string& detail) {
    ++tally.left_out[reason];
    tally.problems.push_back(detail);
    return tally;
  };
  const auto text = read_file(file.path, context.config.sources().file_bytes_max());
  if (!text) return leave_out("file_unreadable", text.error().what);
  syntax::Parser parser;
  const auto tree = parser.parse(*text);
  if (!tree) return leave_out("file_not_parsed", file.path + ": " + tree.error().what);
  for (const auto& function : syntax::functions(*tree)) {
    const std::string name = file.path + ":" + std::to_string(function.line_begin + 1) + " " + function.symbol;
    const auto cut = syntax::cut_function(*tree, function);
    if (cut) {
      check_function(tokenizer, name, cut->text, tally);
    } else {
      ++tally.functions;
      ++tally.left_out["not_cut"];
      tally.problems.push_back(name + ": its lines cannot be cut out on their own");
    }
  }
  return tally;
}

void print_tally(const Context& context, const Tally& tally) {
  if (context.json) {
    const nlohmann::ordered_json out = {{"files", tally.files},           {"functions", tally.functions}, {"byte_for_byte", tally.exact},
                                        {"windowed", tally.windowed},     {"windows", tally.windows},     {"left_out", tally.left_out},
                                        {"mismatches", tally.mismatches}, {"problems", tally.problems}};
    std::printf("%s\n", out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return;
  }
  for (const auto& problem : tally.problems) note(problem);
  const auto line = [](const char* what, std::uint64_t count) {
    std::printf("%-38s %10llu\n", what, static_cast<unsigned long long>(count));
  };
  line("files", tally.files);
  line("functions", tally.functions);
  line("came back byte for byte", tally.exact);
  line("  of these in windows (over 64 rows)", tally.windowed);
  line("  windows of them", tally.windows);
  for (const auto& [reason, count] : tally.left_out) line(("left out: " + reason).c_str(), count);
  line("mismatches", tally.mismatches);
}

int check(const Context& context, const Options& options) {
  const auto files = python_files(options.paths);
  if (!files) return fail(files.error());
  const auto tokenizer = tokenizer_for(context, options.tokenizer, *files);
  if (!tokenizer) return fail(tokenizer.error());
  Tally total;
  Progress progress(context, "checking", files->size(), "files");
  in_order<Tally>(
      files->size(), options.jobs, [&](std::uint64_t i) { return check_file(context, *tokenizer, (*files)[i]); },
      [&](std::uint64_t, Tally tally) {
        total.add(std::move(tally));
        progress.add();
      });
  progress.finish();
  if (interrupted()) return fail({ErrorCode::interrupted, "interrupted"});
  print_tally(context, total);
  return total.mismatches ? kFailed : kDone;
}

// One function, or a file without any, as the grids that the models would see.
struct Shown {
  std::string title;
  std::string symbol;
  std::uint32_t first_line;  // 0-based, in the file
  std::string text;
};

Result<std::vector<Shown>> parts_of(std::string_view text) {
  std::vector<Shown> out;
  syntax::Parser parser;
  const auto tree = parser.parse(text);
  if (!tree) return tree.error();
  for (const auto& function : syntax::functions(*tree)) {
    auto cut = syntax::cut_function(*tree, function);
    if (!cut) {
      warn(function.symbol + ": its lines cannot be cut out on their own");
      continue;
    }
    out.push_back({function.symbol, function.symbol, function.line_begin, std::move(cut->text)});
  }
  if (out.empty()) out.push_back({"(no function: the whole text)", "", 0, std::string(text)});
  return out;
}

nlohmann::ordered_json json_of(const Shown& part, const encoder::Window& window) {
  auto rows = nlohmann::ordered_json::array();
  for (std::uint32_t row = 0; row < window.grid.rows; ++row) {
    const auto begin = window.grid.ids.begin() + row * encoder::kGridColumns;
    rows.push_back(std::vector<std::int16_t>(begin, begin + encoder::kGridColumns));
  }
  return {{"symbol", part.symbol}, {"first_line", part.first_line + window.first_line + 1}, {"lines", window.line_count},
          {"rows", window.grid.rows}, {"grid", std::move(rows)}};
}

Outcome show_part(const Context& context, const Options& options, const Tokenizer& tokenizer, const Shown& part) {
  const auto windows = encoder::windows_of(encoder::text_to_cells(tokenizer, part.text));
  if (!windows) return windows.error();
  for (std::size_t i = 0; i < windows->size(); ++i) {
    const auto& window = (*windows)[i];
    if (context.json) {
      std::printf("%s\n", json_of(part, window).dump().c_str());
      continue;
    }
    const std::uint32_t first = part.first_line + window.first_line + 1;
    std::printf("%s%s, lines %u-%u, %u of %u rows%s\n", part.title.c_str(), windows->size() > 1 ? " (window)" : "", first,
                first + window.line_count - 1, window.grid.rows, encoder::kGridRows, i + 1 < windows->size() ? ", goes on below" : "");
    const auto draw = options.map ? draw_map : draw_tokens;
    std::fputs(draw(tokenizer, window.grid, context.colour_out).c_str(), stdout);
    std::fputc('\n', stdout);
  }
  return Done{};
}

int show(const Context& context, const Options& options) {
  const std::string& path = options.paths.front();
  const auto text = read_file(path, context.config.sources().file_bytes_max());
  if (!text) return fail(text.error());
  auto tokenizer = [&]() -> Result<Tokenizer> {
    if (!options.tokenizer.empty()) return Tokenizer::load(options.tokenizer);
    const std::string_view views[] = {*text};
    return Tokenizer::train(views, train_options(context));
  }();
  if (!tokenizer) return fail(tokenizer.error());
  if (options.tokenizer.empty()) note("no --tokenizer given: learned " + std::to_string(tokenizer->size()) + " tokens of the file itself");
  const auto parts = parts_of(*text);
  if (!parts) return fail({parts.error().code, path + ": " + parts.error().what});
  if (!context.json) std::fputs(legend(options.map).c_str(), stdout);
  for (const auto& part : *parts) {
    if (interrupted()) return fail({ErrorCode::interrupted, "interrupted"});
    if (auto shown = show_part(context, options, *tokenizer, part); !shown) warn(path + ": " + part.title + ": " + shown.error().what);
  }
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  app.require_subcommand(1);
  auto options = std::make_shared<Options>();
  options->jobs = std::max(1u, std::thread::hardware_concurrency());
  auto* show_app = app.add_subcommand("show", "the 64x48 grid of each function of a file, a row a line")->fallthrough();
  show_app->add_option("FILE", options->paths, "a file of Python code, - for stdin")->required()->expected(1);
  show_app->add_flag("--map", options->map, "the layout itself: 48 cells of two characters a row");
  auto* check_app = app.add_subcommand("check", "encode and decode every function; status 1 if one does not come back byte for byte")->fallthrough();
  check_app->add_option("PATH", options->paths, "files or folders of Python code, - for stdin")->required();
  check_app->add_option("--jobs", options->jobs, "threads (default: all cores)")->check(CLI::Range(1u, 1024u));
  for (auto* part : {show_app, check_app})
    part->add_option("--tokenizer", options->tokenizer, "folder that `tokenizer train` wrote (default: learn of the given files)");
  return [=, &context] { return show_app->parsed() ? show(context, *options) : check(context, *options); };
}

}  // namespace

const Subcommand kGridCommand = {"grid", "show code as 64x48 grids, or check that grids give it back",
                                 "  mendel grid show src/shop.py --tokenizer vocabulary\n"
                                 "  mendel grid show src/shop.py --map\n"
                                 "  mendel grid check src --jobs 4",
                                 declare};

}  // namespace mendel::cli
