// The rows of the table, in files by class; operators() puts them together.
#pragma once

#include <span>

#include "actors/mutator/operators.hpp"

namespace mendel::mutator {

std::span<const Operator> syntax_rows();
std::span<const Operator> logic_rows();
std::span<const Operator> style_rows();
std::span<const Operator> security_rows();
std::span<const Operator> framework_rows();  // and async

}  // namespace mendel::mutator
