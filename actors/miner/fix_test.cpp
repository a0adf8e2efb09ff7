// Everything is taken from the newer side of the commit; the older one only tells which tests are new.
#include "actors/miner/fix_test.hpp"

#include <algorithm>

namespace mendel::miner {
namespace {

constexpr std::uint32_t kTimeoutMs = 10'000;
constexpr std::size_t kTestsMax = 8;  // of one file

std::string_view last_part(std::string_view symbol) { return symbol.substr(symbol.rfind('.') + 1); }

bool is_test(const syntax::Function& function) {
  return function.depth == 0 && !function.has_error && last_part(function.symbol).starts_with("test") && std::count(function.symbol.begin(), function.symbol.end(), '.') <= 1;
}

struct Selection {
  std::vector<std::string> names;
  std::string text;  // of the file, other tests taken out
  bool asks = false;  // for fixtures, or to be called otherwise: by parameters or decorators
};

// Parameters besides self; a decorator.
bool asks_for_more(const syntax::Function& function, std::string_view text) {
  const auto head = text.substr(function.definition.begin, text.find(':', function.definition.begin) - function.definition.begin);
  const auto open = head.find('(');
  auto inside = open == std::string_view::npos ? std::string_view() : head.substr(open + 1);
  inside = inside.substr(0, inside.find_last_of(')'));
  if (inside.starts_with("self")) inside.remove_prefix(4);
  return function.bytes != function.definition || inside.find_first_not_of(" \t\r\n,") != std::string_view::npos;
}

// Those that the commit adds or changes; where these are many, first those that name the function.
Selection select(syntax::Parser& parser, const ChangedTest& file, std::string_view called) {
  Selection out;
  const auto tree = parser.parse(file.after);
  if (!tree) return out;
  const std::string_view text = file.after;
  const auto functions = syntax::functions(*tree);
  std::vector<const syntax::Function*> touched;
  for (const auto& function : functions)
    if (is_test(function) && file.before.find(text.substr(function.bytes.begin, function.bytes.size())) == std::string::npos) touched.push_back(&function);
  std::stable_partition(touched.begin(), touched.end(), [&](const auto* function) { return text.substr(function->bytes.begin, function->bytes.size()).find(called) != std::string_view::npos; });
  if (touched.size() > kTestsMax) touched.resize(kTestsMax);
  std::sort(touched.begin(), touched.end());
  std::size_t copied = 0;
  for (const auto& function : functions) {
    if (!is_test(function)) continue;
    const bool chosen = std::find(touched.begin(), touched.end(), &function) != touched.end();
    if (chosen) out.names.push_back(function.symbol);
    out.asks = out.asks || (chosen && asks_for_more(function, text));
    if (chosen || function.bytes.begin < copied) continue;
    out.text.append(text.substr(copied, function.bytes.begin - copied)).append("pass");
    copied = function.bytes.end;
  }
  out.text = without_prose(out.text.append(text.substr(copied)));
  return out;
}

// The file of the function around the place for either side.
bool cut_out(syntax::Parser& parser, const FixedFunction& function, Project& project) {
  const auto tree = parser.parse(function.after);
  if (!tree) return false;
  for (const auto& found : syntax::functions(*tree)) {
    if (found.symbol != function.symbol) continue;
    const auto cut = syntax::cut_function(*tree, found);
    if (!cut || cut->text != function.fixed) continue;
    project.set_subject_path(std::string(function.path));
    project.set_subject_before(without_prose(function.after.substr(0, cut->bytes.begin)));
    project.set_subject_indent(cut->indent);
    project.set_subject_after(without_prose(function.after.substr(cut->bytes.end)));
    return true;
  }
  return false;
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
  std::size_t bytes = 0;
  for (const auto& file : files) {
    auto chosen = select(parser, file, last_part(function.symbol));
    if (chosen.names.empty()) continue;
    Test test;
    auto& project = *test.mutable_project();
    if (!cut_out(parser, function, project)) {
      out.reason = "not_found";
      break;
    }
    const auto own = chosen.text.size() + project.subject_before().size() + project.subject_after().size();
    ProjectFiles needed(read, bytes_max - std::min(bytes_max, bytes + own));
    needed.start(std::string(function.path));
    needed.start(file.path);
    needed.follow(file.path, imports_of(chosen.text));
    needed.follow(std::string(function.path), imports_of_sides(function));
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
