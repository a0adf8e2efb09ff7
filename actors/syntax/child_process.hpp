// Runs a program of others with bounded time and output: linters, git helpers, interpreters.
// (Here and not in runtime/, because pure files may not include runtime/.)
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace mendel::syntax {

struct ChildOptions {
  std::vector<std::string> argv;  // argv[0] looked up on PATH unless it holds a '/'
  std::string folder;  // working folder; empty: ours
  std::vector<std::string> environment;  // NAME=value; the child sees nothing else
  std::string_view input;  // fed to stdin, then closed
  std::chrono::milliseconds timeout{60000};
  std::size_t output_bytes_max = 64u << 20;  // more kills the child: too_large
};

struct ChildResult {
  int exit_status = 0;  // 128 + signal if killed by one
  std::string output;
  std::string error_output;  // last 64 KiB
};

// From now on every run_child asks `stopped`, about ten times a second, and ends its child with the error `interrupted`
// once the answer is true. For commands that Ctrl-C ends at once; a plant drains instead and sets nothing. Null: never.
// May be called from any thread; `stopped` is.
void stop_children_when(bool (*stopped)());

// Blocks. Own process group, killed whole on timeout (too_complex); PR_SET_PDEATHSIG so that nothing
// outlives us; no descriptor but 0, 1, 2 is inherited. Error: not_found (no such program), io_error.
Result<ChildResult> run_child(const ChildOptions& options);

// Absolute path of `program` in PATH or, before it, beside our own executable, in .venv/bin of the checkout or in
// lib/mendel/{venv/,}bin of the prefix that holds it; empty if nowhere.
std::string find_program(std::string_view program);

}  // namespace mendel::syntax
