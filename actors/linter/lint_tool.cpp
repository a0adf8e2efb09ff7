// The table of linters, and several run as one.
#include "actors/linter/lint_tool.hpp"

#include <algorithm>
#include <tuple>

#include "actors/linter/python_linter.hpp"
#include "actors/linter/ruff.hpp"

namespace mendel::linter {
namespace {

template <class T>
Result<std::unique_ptr<LintTool>> boxed(Result<T> tool) {
  if (!tool) return tool.error();
  return std::unique_ptr<LintTool>(std::make_unique<T>(*std::move(tool)));
}

constexpr LintToolRow kTools[] = {
    {"ruff", "bugs and idioms, most of them with a fix", true, SIZE_MAX, [](const Config& config) { return boxed(Ruff::find(config)); }},
    {"pylint", "bugs that follow from what names and values are", false, 32, [](const Config& config) { return PythonLinter::start("pylint", config); }},
    {"mypy", "types that do not fit", false, 128, [](const Config& config) { return PythonLinter::start("mypy", config); }},
    {"bandit", "weaknesses that an attacker can use", false, 128, [](const Config& config) { return PythonLinter::start("bandit", config); }},
};

// Halves the batch until what fails stands alone.
Outcome check_isolating(LintTool& tool, std::span<const LintedText> texts, std::vector<Linted>& out) {
  if (texts.empty()) return Done{};
  auto found = tool.check(texts);
  if (found) {
    std::move(found->begin(), found->end(), std::back_inserter(out));
    return Done{};
  }
  if (found.error().code == ErrorCode::io_error) return found.error();
  if (texts.size() == 1) {
    out.push_back({{}, found.error().what});
    return Done{};
  }
  const auto half = texts.size() / 2;
  if (auto first = check_isolating(tool, texts.first(half), out); !first) return first;
  return check_isolating(tool, texts.subspan(half), out);
}

bool comes_before(const Diagnostic& a, const Diagnostic& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); }

}  // namespace

std::span<const LintToolRow> lint_tools() { return kTools; }

Result<std::vector<const LintToolRow*>> lint_tools_named(std::span<const std::string> names) {
  std::string known;
  for (const auto& row : kTools) known += (known.empty() ? "" : ", ") + std::string(row.name);
  for (const auto& name : names)
    if (std::none_of(std::begin(kTools), std::end(kTools), [&](const auto& row) { return name == row.name; }))
      return Error{ErrorCode::invalid_input, "unknown linter \"" + name + "\"; known: " + known};
  std::vector<const LintToolRow*> out;
  for (const auto& row : kTools)
    if (std::find(names.begin(), names.end(), row.name) != names.end()) out.push_back(&row);
  return out;
}

Result<Linters> Linters::start(std::span<const LintToolRow* const> tools, const Config& config) {
  Linters out;
  for (const auto* row : tools) {
    auto tool = row->start(config);
    if (!tool) return tool.error();
    out.tools_.push_back({row, *std::move(tool)});
  }
  return out;
}

Outcome Linters::ask(const Running& running, std::span<const LintedText> texts, std::vector<Answer>& out) {
  const auto& [row, tool] = running;
  for (std::size_t first = 0; first < texts.size(); first += std::min(row->files_per_run, texts.size())) {
    std::vector<Linted> found;
    if (auto done = check_isolating(*tool, texts.subspan(first, std::min(row->files_per_run, texts.size() - first)), found); !done) return done;
    for (std::size_t i = 0; i < found.size(); ++i) {
      auto& answer = out[first + i];
      std::move(found[i].diagnostics.begin(), found[i].diagnostics.end(), std::back_inserter(answer.diagnostics));
      if (!found[i].failure.empty()) answer.failures.push_back(std::string(row->name) + ": " + found[i].failure);
    }
  }
  return Done{};
}

Result<std::vector<Linters::Answer>> Linters::check(std::span<const LintedText> texts) {
  std::vector<Answer> out(texts.size());
  for (const auto& running : tools_)
    if (auto asked = ask(running, texts, out); !asked) return asked.error();
  if (tools_.size() > 1)
    for (auto& answer : out) std::stable_sort(answer.diagnostics.begin(), answer.diagnostics.end(), comes_before);
  return out;
}

Result<std::vector<Linters::Answer>> Linters::check(std::span<const LintedText> texts, std::string_view tool) {
  std::vector<Answer> out(texts.size());
  for (const auto& running : tools_)
    if (running.row->name == tool)
      if (auto asked = ask(running, texts, out); !asked) return asked.error();
  return out;
}

std::vector<std::string> Linters::names() const {
  std::vector<std::string> out;
  for (const auto& running : tools_) out.emplace_back(running.row->name);
  return out;
}

}  // namespace mendel::linter
