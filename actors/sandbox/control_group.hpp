// Control groups (version 2) of single runs: memory, processes and processor of all that a run starts, and one word that
// ends them all. Only below a group that is ours alone, as systemd gives it with Delegate=yes; the limits of launch and
// harness hold with and without.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "actors/sandbox/runner.hpp"
#include "actors/syntax/descriptor.hpp"

namespace mendel::sandbox {

// The group below which runs get theirs, or why there is none, with the remedy.
struct Delegated {
  std::string folder;  // empty: none
  std::string missing;
};

// Asks once a process. Where its group is ours alone, we move into a group below it and hand the controllers down:
// a group with processes may not limit those below it.
const Delegated& delegated_group();

// The same for one group: `own` is its folder (empty: there is none).
Delegated take_over(const std::string& own);

// One run's group. Its end is the end of all processes in it.
class ControlGroup {
 public:
  // In `parent`, as far as that hands controllers down: memory.max (what all processes hold and their two folders),
  // memory.swap.max, memory.oom.group, pids.max, cpu.max. `user`: who may start processes in it, where that is not us.
  static Result<ControlGroup> make(const std::string& parent, const Limits& limits, std::optional<uid_t> user = {});
  ~ControlGroup();
  ControlGroup(ControlGroup&& other) noexcept;
  ControlGroup& operator=(ControlGroup&&) = delete;

  // Of the folder: for clone3 with CLONE_INTO_CGROUP.
  int descriptor() const { return folder_.get(); }
  void kill() const;
  // Whether the kernel ended a process in it for want of memory.
  bool ran_out_of_memory() const;
  // What its processes used, ended ones too; nothing if it does not say.
  std::optional<std::uint64_t> cpu_us() const;

 private:
  ControlGroup(std::string path, syntax::Descriptor folder) : path_(std::move(path)), folder_(std::move(folder)) {}

  std::string path_;
  syntax::Descriptor folder_;
};

}  // namespace mendel::sandbox
