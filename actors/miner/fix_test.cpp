// Everything is taken from the newer side of the commit; the older one only tells which tests are new.
#include "actors/miner/fix_test.hpp"

#include <algorithm>
#include <optional>

#include "actors/syntax/tokens.hpp"

namespace mendel::miner {
namespace {

using syntax::TokenKind;

constexpr std::uint32_t kTimeoutMs = 10'000;
constexpr std::size_t kTestsMax = 8;  // of one file

std::string_view last_part(std::string_view symbol) { return symbol.substr(symbol.rfind('.') + 1); }

// A test of the file: a function test… at the left edge, or right inside a class there.
struct TestFunction {
  std::string symbol;
  std::uint32_t begin = 0, definition = 0, end = 0;  // bytes, from the first decorator, from `def`
};

// Told from tokens, which takes a fifth of the time of a parse.
class TestFunctions {
 public:
  explicit TestFunctions(std::string_view text) : text_(text), tokens_(syntax::tokens(text)) {}

  std::vector<TestFunction> run() {
    int depth = 0;
    bool starts = true;
    std::uint32_t code_end = 0;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const auto& token = tokens_[i];
      if (token.kind == TokenKind::comment) continue;
      if (token.kind == TokenKind::newline) {
        starts = starts || depth == 0;
        continue;
      }
      if (starts) statement(i, code_end);
      starts = false;
      const auto here = word(i);
      if (here == "(" || here == "[" || here == "{") ++depth;
      if (here == ")" || here == "]" || here == "}") depth = std::max(0, depth - 1);
      code_end = token.bytes.end;
    }
    close(code_end);
    return std::move(out_);
  }

 private:
  std::string_view word(std::size_t i) const { return i < tokens_.size() ? text_.substr(tokens_[i].bytes.begin, tokens_[i].bytes.size()) : std::string_view(); }

  void close(std::uint32_t end) {
    if (open_) out_.back().end = end;
    open_ = false;
  }

  void statement(std::size_t i, std::uint32_t code_end) {
    const auto begin = tokens_[i].bytes.begin;
    const auto column = static_cast<std::uint32_t>(begin - (text_.rfind('\n', begin) + 1));
    if (open_ && column > column_) return;
    close(code_end);
    const auto here = word(i);
    if (column == 0) class_.clear();
    if (column == 0 && here == "class") {
      class_ = word(i + 1);
      body_.reset();
    } else if (column > 0 && !class_.empty() && !body_) {
      body_ = column;
    }
    if (here == "@") {
      if (!decorated_) decorated_ = begin;
      return;
    }
    const auto name = word(here == "async" ? i + 2 : i + 1);
    const bool defines = here == "def" || (here == "async" && word(i + 1) == "def");
    if (defines && name.starts_with("test") && (column == 0 || (!class_.empty() && body_ == column))) {
      out_.push_back({(class_.empty() ? "" : class_ + ".") + std::string(name), decorated_.value_or(begin), begin, 0});
      column_ = column;
      open_ = true;
    }
    decorated_.reset();
  }

  std::string_view text_;
  std::vector<syntax::Token> tokens_;
  std::vector<TestFunction> out_;
  std::string class_;  // at the left edge, around where we are
  std::optional<std::uint32_t> body_, decorated_;  // column of its statements; begin of decorators in front
  std::uint32_t column_ = 0;  // of the open test
  bool open_ = false;
};

struct Selection {
  std::vector<std::string> names;
  std::string text;  // of the file, other tests taken out
  bool asks = false;  // for fixtures, or to be called otherwise: by parameters or decorators
};

// Parameters besides self; a decorator.
bool asks_for_more(const TestFunction& function, std::string_view text) {
  const auto head = text.substr(function.definition, text.find(':', function.definition) - function.definition);
  const auto open = head.find('(');
  auto inside = open == std::string_view::npos ? std::string_view() : head.substr(open + 1);
  inside = inside.substr(0, inside.find_last_of(')'));
  if (inside.starts_with("self")) inside.remove_prefix(4);
  return function.begin != function.definition || inside.find_first_not_of(" \t\r\n,") != std::string_view::npos;
}

// Those that the commit adds or changes; where these are many, first those that name the function.
Selection select(const ChangedTest& file, std::string_view called) {
  Selection out;
  const std::string_view text = file.after;
  const auto functions = TestFunctions(text).run();
  const auto text_of = [&](const TestFunction& function) { return text.substr(function.begin, function.end - function.begin); };
  std::vector<const TestFunction*> touched;
  for (const auto& function : functions)
    if (file.before.find(text_of(function)) == std::string::npos) touched.push_back(&function);
  std::stable_partition(touched.begin(), touched.end(), [&](const auto* function) { return text_of(*function).find(called) != std::string_view::npos; });
  if (touched.size() > kTestsMax) touched.resize(kTestsMax);
  std::size_t copied = 0;
  for (const auto& function : functions) {
    const bool chosen = std::find(touched.begin(), touched.end(), &function) != touched.end();
    if (chosen) out.names.push_back(function.symbol);
    out.asks = out.asks || (chosen && asks_for_more(function, text));
    if (chosen) continue;
    out.text.append(text.substr(copied, function.begin - copied)).append("pass");
    copied = function.end;
  }
  out.text = without_prose(out.text.append(text.substr(copied)));
  return out;
}

// Where the function stands in its file, by its text; a parse decides where that stands there more than once.
std::optional<syntax::Cut> find_function(syntax::Parser& parser, const FixedFunction& function) {
  std::optional<syntax::Cut> found;
  const auto first_line = function.fixed.substr(0, function.fixed.find('\n'));
  bool unique = true;
  for (auto at = function.after.find(first_line); at != std::string_view::npos && unique; at = function.after.find(first_line, at + 1)) {
    const auto line = function.after.rfind('\n', at) + 1;
    const auto indent = function.after.substr(line, at - line);
    if (indent.find_first_not_of(" \t") != std::string_view::npos) continue;
    const auto whole = syntax::paste_function(function.fixed, indent);
    const auto rest = function.after.substr(line);
    if (!rest.starts_with(whole) || (rest.size() > whole.size() && rest[whole.size()] != '\n' && rest[whole.size()] != '\r')) continue;
    unique = !found;
    found = syntax::Cut{{}, std::string(indent), {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(line + whole.size())}};
  }
  if (unique) return found;
  const auto tree = parser.parse(function.after);
  if (!tree) return std::nullopt;
  for (const auto& one : syntax::functions(*tree)) {
    if (one.symbol != function.symbol) continue;
    auto cut = syntax::cut_function(*tree, one);
    if (cut && cut->text == function.fixed) return cut;
  }
  return std::nullopt;
}

std::vector<Import> imports_of_sides(const FixedFunction& function) {
  auto out = imports_of(function.after);
  const auto more = imports_of(function.buggy);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace

FixTests fix_tests(syntax::Parser& parser, const FixedFunction& function, const std::vector<ChangedTest>& files, const ReadFile& read, std::size_t bytes_max) {
  FixTests out;
  out.reason = "no_changed_test";
  Project around;  // the function's own file, the same for every test; and what it imports
  std::vector<Import> imports;
  std::size_t bytes = 0;
  for (const auto& file : files) {
    auto chosen = select(file, last_part(function.symbol));
    if (chosen.names.empty()) continue;
    if (around.subject_path().empty()) {
      const auto place = find_function(parser, function);
      if (!place) {
        out.reason = "not_found";
        break;
      }
      around.set_subject_path(std::string(function.path));
      around.set_subject_before(without_prose(function.after.substr(0, place->bytes.begin)));
      around.set_subject_indent(place->indent);
      around.set_subject_after(without_prose(function.after.substr(place->bytes.end)));
      imports = imports_of_sides(function);
    }
    Test test;
    auto& project = *test.mutable_project() = around;
    const auto own = chosen.text.size() + project.subject_before().size() + project.subject_after().size();
    ProjectFiles needed(read, bytes_max - std::min(bytes_max, bytes + own));
    needed.start(std::string(function.path));
    needed.start(file.path);
    needed.follow(file.path, imports_of(chosen.text));
    needed.follow(std::string(function.path), imports);
    if (chosen.asks) needed.follow_conftest(file.path);
    if (needed.too_large() || bytes + own > bytes_max) {
      out.reason = "too_large";
      continue;
    }
    bytes += own + needed.bytes();
    test.set_kind(TestKind::pytest);
    test.set_code(std::move(chosen.text));
    test.set_timeout_ms(kTimeoutMs);
    project.set_test_path(file.path);
    for (auto& name : chosen.names) project.add_tests(std::move(name));
    for (const auto& [path, carried] : needed.files()) {
      auto& one = *project.add_files();
      one.set_path(path);
      one.set_text(carried->text);
    }
    out.tests.push_back(std::move(test));
  }
  if (!out.tests.empty()) out.reason = "";
  return out;
}

}  // namespace mendel::miner
