// The finders of all operators: each appends the splices by which its mistake can be made in a function.
// None reads more than the function; what one does and leaves out says its row of the table.
#pragma once

#include "actors/mutator/splice.hpp"

namespace mendel::mutator {

// syntax_slips.cpp
void find_missing_colon(const FunctionView&, Splices&);
void find_missing_parenthesis(const FunctionView&, Splices&);
void find_missing_bracket(const FunctionView&, Splices&);
void find_missing_comma(const FunctionView&, Splices&);
void find_indentation_error(const FunctionView&, Splices&);

// typing_slips.cpp
void find_extra_closer(const FunctionView&, Splices&);
void find_mismatched_closer(const FunctionView&, Splices&);
void find_unclosed_string(const FunctionView&, Splices&);
void find_tab_space_mix(const FunctionView&, Splices&);
void find_misspelt_keyword(const FunctionView&, Splices&);
void find_assignment_for_comparison(const FunctionView&, Splices&);
void find_python2_print(const FunctionView&, Splices&);
void find_python2_except(const FunctionView&, Splices&);
void find_python2_syntax(const FunctionView&, Splices&);
void find_illegal_comment(const FunctionView&, Splices&);
void find_wrong_punctuation(const FunctionView&, Splices&);
void find_else_if(const FunctionView&, Splices&);
void find_foreign_operator(const FunctionView&, Splices&);
void find_positional_after_keyword(const FunctionView&, Splices&);
void find_missing_keyword(const FunctionView&, Splices&);

// arithmetic_slips.cpp
void find_off_by_one(const FunctionView&, Splices&);
void find_wrong_operator(const FunctionView&, Splices&);
void find_wrong_comparison(const FunctionView&, Splices&);

// logic_slips.cpp
void find_and_or_swap(const FunctionView&, Splices&);
void find_missing_return(const FunctionView&, Splices&);
void find_mutable_default(const FunctionView&, Splices&);
void find_none_check_missing(const FunctionView&, Splices&);
void find_variable_misuse(const FunctionView&, Splices&);

// flow_slips.cpp
void find_wrong_negation(const FunctionView&, Splices&);
void find_missing_condition(const FunctionView&, Splices&);
void find_truthy_alternative(const FunctionView&, Splices&);
void find_missing_guard(const FunctionView&, Splices&);
void find_missing_branch(const FunctionView&, Splices&);
void find_missing_call(const FunctionView&, Splices&);
void find_missing_super_call(const FunctionView&, Splices&);
void find_missing_assignment(const FunctionView&, Splices&);
void find_missing_jump(const FunctionView&, Splices&);
void find_break_continue(const FunctionView&, Splices&);
void find_early_return(const FunctionView&, Splices&);
void find_statement_order(const FunctionView&, Splices&);
void find_lost_accumulation(const FunctionView&, Splices&);
void find_missing_raise(const FunctionView&, Splices&);
void find_return_none(const FunctionView&, Splices&);
void find_missing_global(const FunctionView&, Splices&);
void find_swapped_ternary(const FunctionView&, Splices&);

// block_slips.cpp
void find_missing_handler(const FunctionView&, Splices&);
void find_wrong_block(const FunctionView&, Splices&);

// call_slips.cpp
void find_argument_swap(const FunctionView&, Splices&);
void find_missing_argument(const FunctionView&, Splices&);
void find_wrong_attribute(const FunctionView&, Splices&);
void find_wrong_function(const FunctionView&, Splices&);
void find_wrong_literal(const FunctionView&, Splices&);
void find_wrong_identity(const FunctionView&, Splices&);
void find_wrong_membership(const FunctionView&, Splices&);
void find_wrong_slice(const FunctionView&, Splices&);
void find_missing_conversion(const FunctionView&, Splices&);
void find_missing_call_parentheses(const FunctionView&, Splices&);
void find_missing_self(const FunctionView&, Splices&);
void find_missing_default(const FunctionView&, Splices&);
void find_late_binding(const FunctionView&, Splices&);
void find_inplace_result(const FunctionView&, Splices&);
void find_return_for_yield(const FunctionView&, Splices&);
void find_assert_on_tuple(const FunctionView&, Splices&);

// style_slips.cpp
void find_none_comparison(const FunctionView&, Splices&);
void find_bool_comparison(const FunctionView&, Splices&);
void find_type_comparison(const FunctionView&, Splices&);
void find_unused_import(const FunctionView&, Splices&);
void find_unused_variable(const FunctionView&, Splices&);
void find_shadowed_builtin(const FunctionView&, Splices&);
void find_ambiguous_name(const FunctionView&, Splices&);
void find_fstring_without_placeholder(const FunctionView&, Splices&);
void find_negated_membership(const FunctionView&, Splices&);
void find_superfluous_parentheses(const FunctionView&, Splices&);
void find_trailing_semicolon(const FunctionView&, Splices&);
void find_yoda_condition(const FunctionView&, Splices&);
void find_needless_keys(const FunctionView&, Splices&);
void find_needless_ternary(const FunctionView&, Splices&);
void find_raise_without_from(const FunctionView&, Splices&);
void find_needless_comprehension(const FunctionView&, Splices&);
void find_negated_comparison(const FunctionView&, Splices&);

// library_slips.cpp
void find_shallow_copy(const FunctionView&, Splices&);
void find_wrong_exception(const FunctionView&, Splices&);
void find_bare_except(const FunctionView&, Splices&);
void find_sql_injection(const FunctionView&, Splices&);
void find_async_not_awaited(const FunctionView&, Splices&);
void find_pandas_settingwithcopy(const FunctionView&, Splices&);
void find_framework_specific(const FunctionView&, Splices&);

// security_slips.cpp
void find_shell_injection(const FunctionView&, Splices&);
void find_unsafe_load(const FunctionView&, Splices&);
void find_certificate_unchecked(const FunctionView&, Splices&);
void find_weak_hash(const FunctionView&, Splices&);
void find_hardcoded_secret(const FunctionView&, Splices&);
void find_eval_injection(const FunctionView&, Splices&);
void find_missing_escape(const FunctionView&, Splices&);
void find_path_traversal(const FunctionView&, Splices&);
void find_insecure_temporary(const FunctionView&, Splices&);
void find_weak_random(const FunctionView&, Splices&);
void find_loose_permissions(const FunctionView&, Splices&);
void find_timing_attack(const FunctionView&, Splices&);
void find_assert_for_check(const FunctionView&, Splices&);
void find_swallowed_exception(const FunctionView&, Splices&);
void find_missing_timeout(const FunctionView&, Splices&);
void find_open_to_all(const FunctionView&, Splices&);

// framework_slips.cpp
void find_blocking_call(const FunctionView&, Splices&);
void find_unkept_task(const FunctionView&, Splices&);
void find_sync_context(const FunctionView&, Splices&);
void find_nested_event_loop(const FunctionView&, Splices&);
void find_unbounded_wait(const FunctionView&, Splices&);
void find_django_get_uncaught(const FunctionView&, Splices&);
void find_django_n_plus_one(const FunctionView&, Splices&);
void find_flask_debug(const FunctionView&, Splices&);
void find_sqlalchemy_text(const FunctionView&, Splices&);
void find_pandas_result_dropped(const FunctionView&, Splices&);
void find_graph_kept(const FunctionView&, Splices&);
void find_series_truth(const FunctionView&, Splices&);
void find_assert_true_for_equal(const FunctionView&, Splices&);
void find_broad_expectation(const FunctionView&, Splices&);

}  // namespace mendel::mutator
