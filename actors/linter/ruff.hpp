// Runs ruff over texts and reads its answer. The texts lie in a private folder of our own while ruff
// looks at them, and ruff runs isolated, so that no configuration of the linted tree is ever read.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/linter/lint_tool.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::linter {

class Ruff final : public LintTool {
 public:
  // Lint.ruff, else the one beside the program, in .venv/bin or on PATH. unavailable with the remedy.
  static Result<Ruff> find(const Config& config);

  // Diagnostics of the rules in rule_table.hpp and of texts that do not parse. One thread of CPU.
  // too_complex (timeout), too_large, or unavailable with what ruff said.
  Result<std::vector<Linted>> check(std::span<const LintedText> texts) override;

  const std::string& program() const { return program_; }

 private:
  std::string program_;
  std::chrono::milliseconds timeout_{0};
};

}  // namespace mendel::linter
