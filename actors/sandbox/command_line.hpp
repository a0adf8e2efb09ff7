// How each backend is started: command lines as values, so that they can be read and tested.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/sandbox/runner.hpp"

namespace mendel::sandbox {

// Where the packages lie inside, in their order.
std::vector<std::string> inner_packages(const Settings& settings);

// bubblewrap with everything unshared (user, mount, process, IPC, host name, cgroup, network), no
// capability, only the interpreter and the packages to read, and two empty folders (/box, /tmp) to write.
// `tail` is what runs inside, after the interpreter. `filter_descriptor` < 0: the fork-server,
// which installs the filter in each run, because it must make namespaces itself, and which ends when its
// socket does, not with the thread that started it.
std::vector<std::string> bwrap_command(const Settings& settings, const Limits& limits, int filter_descriptor, const std::vector<std::string>& tail);

// The same promises in the words of podman and docker. The container is named `name`, so that it can be
// killed; its own init reaps. Their own system call filter is the backend's default.
std::vector<std::string> container_command(const Settings& settings, const Limits& limits, std::string_view name, const std::vector<std::string>& tail);

}  // namespace mendel::sandbox
