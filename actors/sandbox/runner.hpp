// Runs code of others where it can do no harm, and says what happened. Two ways, one interface: one_shot
// starts bubblewrap (or podman, docker) for each run; fork_server forks each run off a warm interpreter.
//
// On the data's way: the judge (judge.hpp) and the differential (differential.hpp) ask this; nothing else
// in Mendel runs a line of a pair.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/config.pb.h"
#include "proto/pair.pb.h"
#include "proto/result.hpp"

namespace mendel::sandbox {

struct Limits {
  std::uint32_t cpu_s = 10;  // of one process
  std::uint32_t wall_ms = 30000;
  std::uint32_t memory_mib = 1024;  // address space of one process; under the fork-server also what all hold together
  std::uint32_t disk_mib = 16;  // of each of the two empty folders
  std::uint32_t processes = 32;
  std::uint32_t descriptors = 64;
  std::uint64_t output_bytes = 1u << 20;  // stdout and stderr together
};

// What does not change from run to run.
struct Settings {
  std::string backend = "bwrap";
  std::string program;  // absolute path of the backend
  std::string image;  // podman, docker
  std::string interpreter;  // absolute path, no link
  std::string prefix;  // folder tree the interpreter needs besides /usr; empty: none
  std::vector<std::string> packages;
  std::string group;  // bwrap: folder of the control group below which each run gets its own; empty: none (control_group.hpp)
  Limits limits;
};

// Fills in what the configuration leaves open and checks that it is there. unavailable names the remedy.
Result<Settings> settings_from(const mendel::Sandbox& config);

struct Run {
  std::string_view kind;  // script, unittest, pytest, command; observe
  std::string_view code;  // observe: the request for observer.py
  std::string_view subject;  // subject.py, or what stands in its place in `project`
  Limits limits;
  const mendel::Project* project = nullptr;  // pytest only: laid down as in a checkout; without pytest what unittest can run is run
  std::string_view only = {};  // one of its tests; empty: all
};

enum class Ending : std::uint8_t {
  passed,  // ended normally, and what was planted after it failed as it must
  failed,  // the harness said so: `why` tells it
  ended_early,  // the process ended without the end of the test: exit, a signal, a crash
  faked,  // said it had passed, but what must fail did not fail
  cpu_limit,  // used up its processor time
  timed_out,  // the wall clock's limit: says nothing about the code
  memory_limit,  // all its processes together held more than memory_mib (fork-server only)
  flooded,  // wrote more than output_bytes
};
const char* name_of(Ending ending);

struct RunResult {
  Ending ending = Ending::ended_early;
  std::string why;  // one sentence
  std::string observation;  // observe: what observer.py said
  std::string output, error_output;  // the last 16 KiB of each
  std::uint64_t cpu_us = 0;  // of the run's processes; a one-shot run only knows a bound: the time that passed
};

// Thread-safe. An Error means that the run did not take place: the sandbox failed, not the code.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual Result<RunResult> run(const Run& run) = 0;
};

// No process is started yet; see probe.hpp for what to check first.
std::unique_ptr<Runner> one_shot(Settings settings);

// Starts the server; it is started anew if it dies. Needs the backend bwrap.
Result<std::unique_ptr<Runner>> fork_server(Settings settings);

}  // namespace mendel::sandbox
