// Asks once a process: the answer is the sandbox's own.
#include "actors/cli/sandbox_note.hpp"

#include "actors/sandbox/control_group.hpp"

namespace mendel::cli {

void note_missing_group(const Config& config) {
  const auto& missing = sandbox::delegated_group().missing;
  if (config.sandbox().backend() == "bwrap" && !missing.empty()) note("tests of pairs run without a cgroup, limits of processes alone: " + missing);
}

}  // namespace mendel::cli
