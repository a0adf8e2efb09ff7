// What every linter is to the stage: texts in, for each of them what the tool says or why it said nothing.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/linter/diagnostic.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::linter {

struct LintedText {
  std::string_view path;  // its file name decides a few rules: __init__.py
  std::string_view text;  // UTF-8 without NUL, not empty
};

struct Linted {
  std::vector<Diagnostic> diagnostics;  // in order of place, then rule
  std::string failure;  // not empty: the tool gave this text up
};

// Not thread-safe. Nothing that lies beside the linted texts is ever read or run.
class LintTool {
 public:
  virtual ~LintTool() = default;

  // One answer a text. Blocks. io_error: try again later; any other error means that the tool failed on the
  // batch (it crashed, or ran out of time), and a smaller batch may do.
  virtual Result<std::vector<Linted>> check(std::span<const LintedText> texts) = 0;
};

// One row a linter.
struct LintToolRow {
  const char* name;
  const char* description;
  bool fixes;  // its diagnostics carry fixes
  std::size_t files_per_run;  // at most so many texts at once; what it says of one may depend on the others
  // unavailable if the tool is not there; the message names the remedy.
  Result<std::unique_ptr<LintTool>> (*start)(const Config& config);
};

std::span<const LintToolRow> lint_tools();  // in the order in which their diagnostics of one place are told

// The rows of `names`, each once, in the order of the table. invalid_input names the unknown one.
Result<std::vector<const LintToolRow*>> lint_tools_named(std::span<const std::string> names);

// Several tools as one: runs each over the texts, halves a batch on which one fails until the text that
// does it stands alone, and puts the diagnostics of all in order of place.
class Linters {
 public:
  static Result<Linters> start(std::span<const LintToolRow* const> tools, const Config& config);

  struct Answer {
    std::vector<Diagnostic> diagnostics;
    std::vector<std::string> failures;  // "TOOL: why", one for each tool that gave the text up
  };
  Result<std::vector<Answer>> check(std::span<const LintedText> texts);

  // Asks one of the tools alone, by its name.
  Result<std::vector<Answer>> check(std::span<const LintedText> texts, std::string_view tool);

  std::vector<std::string> names() const;  // of the tools, in the order of the table

 private:
  struct Running {
    const LintToolRow* row;
    std::unique_ptr<LintTool> tool;
  };
  static Outcome ask(const Running& running, std::span<const LintedText> texts, std::vector<Answer>& out);
  std::vector<Running> tools_;
};

}  // namespace mendel::linter
