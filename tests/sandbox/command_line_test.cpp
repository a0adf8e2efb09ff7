// The command lines of the backends, as values; and what the probe says where something is missing.
#include "actors/sandbox/command_line.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "actors/sandbox/probe.hpp"
#include "actors/sandbox/system_call_filter.hpp"

using namespace mendel;
using namespace mendel::sandbox;

namespace {

Settings settings_for(const char* backend) {
  Settings out;
  out.backend = backend;
  out.program = std::string("/usr/bin/") + backend;
  out.image = "python:3";
  out.interpreter = "/usr/bin/python3";
  out.packages = {"/somewhere/site-packages"};
  return out;
}

// Whether `words` stand in `line` one after the other.
bool holds(const std::vector<std::string>& line, const std::vector<std::string>& words) {
  return std::search(line.begin(), line.end(), words.begin(), words.end()) != line.end();
}

}  // namespace

TEST_CASE("bubblewrap gets namespaces, no capability, no environment and two bounded folders") {
  const auto line = bwrap_command(settings_for("bwrap"), Limits{}, 4, {"text", "once"});
  for (const char* flag : {"--unshare-user", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--new-session", "--clearenv"})
    CHECK(holds(line, {flag}));
  CHECK(holds(line, {"--cap-drop", "ALL"}));
  CHECK(holds(line, {"--seccomp", "4"}));
  CHECK(holds(line, {"--size", "16777216", "--tmpfs", "/box"}));
  CHECK(holds(line, {"--ro-bind", "/somewhere/site-packages", "/packages/0"}));
  CHECK(holds(line, {"--remount-ro", "/"}));
  CHECK(holds(line, {"--", "/usr/bin/python3", "-s", "-c", "text", "once"}));
  CHECK_FALSE(holds(line, {"--bind"}));
  CHECK_FALSE(holds(bwrap_command(settings_for("bwrap"), Limits{}, -1, {}), {"--seccomp"}));
}

TEST_CASE("podman and docker get the same promises in their words") {
  for (const char* backend : {"podman", "docker"}) {
    const auto line = container_command(settings_for(backend), Limits{}, "mendel-1", {"text", "piped"});
    CHECK(line.front() == std::string("/usr/bin/") + backend);
    CHECK(holds(line, {"--network", "none"}));
    CHECK(holds(line, {"--read-only"}));
    CHECK(holds(line, {"--cap-drop", "ALL", "--security-opt", "no-new-privileges"}));
    CHECK(holds(line, {"--user", "65534:65534"}));
    CHECK(holds(line, {"--memory", "1024m", "--memory-swap", "1024m", "--pids-limit", "34"}));
    CHECK(holds(line, {"--tmpfs", "/box:rw,nosuid,nodev,mode=1777,size=16m"}));
    CHECK(holds(line, {"--volume", "/somewhere/site-packages:/packages/0:ro"}));
    CHECK(holds(line, {"--pull", "never"}));
    CHECK(holds(line, {"python:3", "/usr/bin/python3", "-s", "-c", "text", "piped"}));
  }
}

TEST_CASE("the filter is a BPF program") {
  const auto filter = system_call_filter();
  REQUIRE(filter);
  CHECK(filter->size() % 8 == 0);
  CHECK(filter->size() > 400);
}

TEST_CASE("a backend that is not there fails closed and names the remedy") {
  mendel::Sandbox config;
  config.set_program("/no/such/bwrap");
  const auto probed = probe(config);
  REQUIRE_FALSE(probed);
  CHECK(probed.error().code == ErrorCode::unavailable);
  CHECK(probed.error().what.find("install bubblewrap") != std::string::npos);
  config.set_program("/bin/false");
  CHECK_FALSE(probe(config));
  config.set_program("/bin/true");  // ends well, and never started a run
  CHECK_FALSE(probe(config));
}

TEST_CASE("an interpreter that is not there is named") {
  mendel::Sandbox config;
  config.set_program("/bin/true");
  config.set_interpreter("/no/such/python");
  const auto settings = settings_from(config);
  REQUIRE_FALSE(settings);
  CHECK(settings.error().what.find("/no/such/python") != std::string::npos);
  CHECK(settings.error().what.find("sandbox.interpreter") != std::string::npos);
}

TEST_CASE("what bubblewrap says leads to a remedy") {
  CHECK(remedy_for("bwrap: Creating new namespace failed: Operation not permitted").find("namespaces") != std::string::npos);
  CHECK(remedy_for("bwrap: Unknown option --size").find("too old") != std::string::npos);
  CHECK(remedy_for("something else").find("mendel doctor") != std::string::npos);
}
