// The mutation operators: one row each. An operator finds the places in a function where a person could
// have made this mistake, and says what would stand there instead.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/mutator/function_view.hpp"

namespace mendel::mutator {

// Replaces the bytes of `range` by `text`; everything outside stays as it is.
struct Splice {
  syntax::Range range;
  std::string text;
};

enum class OperatorClass : std::uint8_t { syntax, logic, style, security, async, framework };
const char* name_of(OperatorClass value);

struct Operator {
  const char* name;  // also the bug type
  OperatorClass bug_class;
  const char* description;  // what a person does wrong
  const char* before;  // example, correct
  const char* after;  // the same with the bug; one of the splices of `before` gives it
  double weight;  // how eagerly it is taken where it applies: rare kinds have more
  void (*find)(const FunctionView&, std::vector<Splice>&);
};

std::span<const Operator> operators();
const Operator* find_operator(std::string_view name);  // null if there is none
std::string_view nearest_operator(std::string_view name);  // by edit distance, for error messages

std::string spliced(std::string_view text, const Splice& splice);

// Each appends its splices. Rows of the table; grouped by file.
void find_missing_colon(const FunctionView&, std::vector<Splice>&);
void find_missing_parenthesis(const FunctionView&, std::vector<Splice>&);
void find_missing_bracket(const FunctionView&, std::vector<Splice>&);
void find_missing_comma(const FunctionView&, std::vector<Splice>&);
void find_indentation_error(const FunctionView&, std::vector<Splice>&);

void find_off_by_one(const FunctionView&, std::vector<Splice>&);
void find_wrong_operator(const FunctionView&, std::vector<Splice>&);
void find_wrong_comparison(const FunctionView&, std::vector<Splice>&);
void find_and_or_swap(const FunctionView&, std::vector<Splice>&);
void find_missing_return(const FunctionView&, std::vector<Splice>&);
void find_mutable_default(const FunctionView&, std::vector<Splice>&);
void find_none_check_missing(const FunctionView&, std::vector<Splice>&);
void find_variable_misuse(const FunctionView&, std::vector<Splice>&);

void find_shallow_copy(const FunctionView&, std::vector<Splice>&);
void find_wrong_exception(const FunctionView&, std::vector<Splice>&);
void find_bare_except(const FunctionView&, std::vector<Splice>&);
void find_sql_injection(const FunctionView&, std::vector<Splice>&);
void find_async_not_awaited(const FunctionView&, std::vector<Splice>&);
void find_pandas_settingwithcopy(const FunctionView&, std::vector<Splice>&);
void find_framework_specific(const FunctionView&, std::vector<Splice>&);

}  // namespace mendel::mutator
