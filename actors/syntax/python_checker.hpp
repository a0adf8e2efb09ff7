// Whether CPython accepts a text. The judge is CPython itself, in persistent helper processes of its
// own: a crash, a hang or too deep a nesting answers `too_complex` and costs one helper, never us.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace mendel::syntax {

struct Validity {
  enum class Kind : std::uint8_t { valid, syntax_error, too_complex, invalid_text } kind;  // invalid_text: NUL, bad UTF-8
  std::uint32_t line = 0;  // 1-based, of a syntax error
  std::string message;
};

struct CheckerOptions {
  std::string interpreter;  // empty: python3 on PATH
  std::uint32_t helpers = 2;  // processes
  std::uint32_t timeout_ms = 10000;  // for one batch
};

// Thread-safe: calls are spread over the helpers; each helper is restarted when it dies.
class PythonChecker {
 public:
  // unavailable if the interpreter cannot be started; the message names it and the remedy.
  static Result<std::unique_ptr<PythonChecker>> start(CheckerOptions options);
  virtual ~PythonChecker() = default;

  // One verdict a text, in order: ast.parse under `feature` of the running version, warnings off. A
  // helper that fails in a batch is retried text by text, so that only the culprit is `too_complex`.
  virtual std::vector<Validity> check(std::span<const std::string_view> texts) = 0;

  // e.g. "3.11.2"; part of the dataset's tool versions.
  virtual std::string version() const = 0;
};

}  // namespace mendel::syntax
