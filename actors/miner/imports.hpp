// What a Python file imports, told from flat tokens, and the same file without its prose.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mendel::miner {

struct Import {
  std::uint32_t dots = 0;  // in front of a relative one
  std::string module;  // dotted; empty after `from . import`
  std::vector<std::string> names;  // after `from … import`, as the module calls them
  auto operator<=>(const Import&) const = default;
};

// Sorted, each once, those inside functions and `try` too. A string that reads like a dotted name counts as an import of it
// (lazy imports, the targets of mock.patch): whoever asks passes over what is no module. Python 2 and broken files are read
// as far as they go.
std::vector<Import> imports_of(std::string_view text);

// Comments are taken out, and long strings that stand alone in an indented line become "". Runs the same unless it reads
// its own docstrings.
std::string without_prose(std::string_view text);

}  // namespace mendel::miner
