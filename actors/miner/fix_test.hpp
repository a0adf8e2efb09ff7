// The test that a fix brings along, where it can stand alone beside the one function of a pair.
//
// The rule, strict because a test that fails for want of something else would condemn a good pair: a function
// test_… of a test file that the commit adds or changes; at the left edge, without decorators, parameters,
// f-strings or await; it calls the mended function by its name; and every other name that it or the mended
// function uses is a builtin, is bound inside, or comes by an import of the standard library at the top of the
// test file. The mended function must be no method. Most tests of projects do not fit, and then there is none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/syntax/tree.hpp"

namespace mendel::miner {

// `before` is empty if the test file is new; `symbol` and `fixed` are the pair's. The answer is a script:
// imports, the tests, and a call of each.
std::optional<std::string> standalone_test(syntax::Parser& parser, std::string_view before, std::string_view after, std::string_view symbol, std::string_view fixed);

}  // namespace mendel::miner
