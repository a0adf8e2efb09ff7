// The mutation operators: one row each. An operator finds the places in a function where a person could
// have made this mistake, and says what would stand there instead.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "actors/mutator/splice.hpp"

namespace mendel::mutator {

enum class OperatorClass : std::uint8_t { syntax, logic, style, security, async, framework };
const char* name_of(OperatorClass value);

// What sets a row apart from the others.
enum OperatorTrait : std::uint8_t {
  kNoTrait = 0,
  kOnlyCpython = 1,  // the parse tree's grammar reads Python 2 too: only CPython sees the mistake, which is sure by construction
  kInStrings = 2,  // changes the inside of a string; no other row does
  kInComments = 4,  // changes a comment; no other row does
};

struct Operator {
  const char* name;  // also the bug type
  OperatorClass bug_class;
  const char* description;  // what a person does wrong
  const char* inverse;  // what the repair does
  const char* precondition;  // what makes a place one where the change is a real bug
  const char* before;  // example, correct
  const char* after;  // the same with the bug; one of the splices of `before` gives it
  double weight;  // how eagerly it is taken where it applies: rare kinds have more
  void (*find)(const FunctionView&, Splices&);
  std::uint8_t traits = kNoTrait;
};

// All rows by class; the order is part of the result of a mutation.
std::span<const Operator> operators();
const Operator* find_operator(std::string_view name);  // null if there is none
std::string_view nearest_operator(std::string_view name);  // by edit distance, for error messages

}  // namespace mendel::mutator
