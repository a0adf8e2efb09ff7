// Whether this machine can run code of others safely: tried, not assumed. Fails closed.
#pragma once

#include <string>

#include "actors/sandbox/runner.hpp"

namespace mendel::sandbox {

// Runs a script in a one-shot sandbox that tries what must not work, and starts a fork-server for one run.
// Answers a line for people. unavailable says what is missing and names the remedy; nothing may be run then.
Result<std::string> probe(const mendel::Sandbox& config);

// The remedy for what bubblewrap or the kernel said; a table of phrases, the settings of the machine behind it.
std::string remedy_for(std::string_view said);

}  // namespace mendel::sandbox
