// A function without what only type checkers read, so that a change of annotations is told from a change of what runs.
#pragma once

#include <string>
#include <string_view>

namespace mendel::miner {

// The tokens of `function`, one space between two, without annotations of parameters, results and variables, comments,
// line ends, and commas in front of a closing bracket. Not Python any more: made to be compared. Linear time, any text.
std::string without_annotations(std::string_view function);

}  // namespace mendel::miner
