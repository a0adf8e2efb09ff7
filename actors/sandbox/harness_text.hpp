// The Python texts that run inside, put together.
#pragma once

#include <string>

namespace mendel::sandbox {

// harness.py with the observer and the stage as constants; its arguments say how it runs.
std::string harness_text();
// The same with server.py: the fork-server.
std::string server_text();
// stage.py: what an executable witness brings along.
std::string stage_text();

}  // namespace mendel::sandbox
