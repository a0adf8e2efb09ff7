// Programs of others: bounded in time and output, nothing left behind.
#include "actors/syntax/child_process.hpp"

#include <doctest/doctest.h>
#include <signal.h>

using namespace mendel;
using namespace mendel::syntax;

namespace {

ChildOptions shell(const char* script) {
  ChildOptions options;
  options.argv = {"/bin/sh", "-c", script};
  options.environment = {"PATH=/usr/bin:/bin"};
  return options;
}

}  // namespace

TEST_CASE("output, error output and status come back") {
  const auto done = run_child(shell("echo out; echo err >&2; exit 3"));
  REQUIRE(done);
  CHECK(done->output == "out\n");
  CHECK(done->error_output == "err\n");
  CHECK(done->exit_status == 3);
}

TEST_CASE("input of any size is fed while output is read") {
  const std::string input(3u << 20, 'x');
  auto options = shell("cat");
  options.input = input;
  const auto done = run_child(options);
  REQUIRE(done);
  CHECK(done->output == input);
}

TEST_CASE("a child that reads nothing does no harm") {
  const std::string input(3u << 20, 'x');
  auto options = shell("exit 0");
  options.input = input;
  CHECK(run_child(options));
}

TEST_CASE("a child that hangs is killed with its children") {
  auto options = shell("sleep 1000 & echo $!; wait");
  options.timeout = std::chrono::milliseconds(300);
  const auto done = run_child(options);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == ErrorCode::too_complex);
}

TEST_CASE("children end at once when the command is told to stop") {
  stop_children_when([] { return true; });
  const auto begun = std::chrono::steady_clock::now();
  const auto done = run_child(shell("sleep 1000 & wait"));
  stop_children_when(nullptr);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == ErrorCode::interrupted);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(30));
  CHECK(run_child(shell("exit 0")));
}

TEST_CASE("a flood of output is cut off") {
  auto options = shell("yes");
  options.output_bytes_max = 1 << 20;
  const auto done = run_child(options);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == ErrorCode::too_large);
}

TEST_CASE("the child sees no environment but what it is given") {
  setenv("MENDEL_TEST_SECRET", "x", 1);
  const auto done = run_child(shell("env"));
  REQUIRE(done);
  CHECK(done->output.find("MENDEL_TEST_SECRET") == std::string::npos);
}

TEST_CASE("a program that is not there is an error") {
  ChildOptions options;
  options.argv = {"no-such-program-here"};
  const auto done = run_child(options);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == ErrorCode::not_found);
  CHECK(find_program("no-such-program-here").empty());
  CHECK_FALSE(find_program("sh").empty());
}
