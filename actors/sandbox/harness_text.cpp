// A JSON string is a Python string too, as long as it is ASCII.
#include "actors/sandbox/harness_text.hpp"

#include <nlohmann/json.hpp>

#include "actors/sandbox/python_texts.hpp"

namespace mendel::sandbox {
namespace {

std::string constants() {
  const auto quoted = [](const char* text) { return nlohmann::json(text).dump(-1, ' ', true); };
  return std::string("\nOBSERVER = ") + quoted(kObserverText) + "\nSTAGE = " + quoted(kStageText) + "\n";
}

}  // namespace

std::string harness_text() { return kHarnessText + constants() + "main()\n"; }
std::string server_text() { return kHarnessText + constants() + kServerText + "main()\n"; }
std::string stage_text() { return kStageText; }

}  // namespace mendel::sandbox
