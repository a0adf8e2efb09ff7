// pylint, mypy and bandit in a persistent process of ours that has loaded the tool once and lints every batch
// in a child of its own (python_linter_script.hpp).
#pragma once

#include <memory>
#include <string>

#include "actors/linter/lint_tool.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::linter {

class PythonLinter : public LintTool {
 public:
  // `tool`: pylint, mypy or bandit. Started by lint.python, else by the interpreter beside the installed tool.
  // unavailable with the remedy. The process is started again after it dies.
  static Result<std::unique_ptr<LintTool>> start(const std::string& tool, const Config& config);
};

}  // namespace mendel::linter
