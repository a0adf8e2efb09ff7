// The table of reasons.
#include "actors/validator/reasons.hpp"

#include <algorithm>
#include <iterator>

namespace mendel::validator {
namespace {

constexpr auto kFail = StageResult::fail;
constexpr auto kSkipped = StageResult::skipped;

constexpr Reason kReasons[] = {
    {"no_class", "syntax", kFail, "the class of the bug is missing or unknown, so nothing says which sides must parse",
     {BugClass::unspecified, "x = 1", "x = 2"}},
    {"empty_side", "syntax", kFail, "a side holds no code", {BugClass::logic, "# nothing", "x = 1"}},
    {"too_large", "syntax", kFail, "a side is larger than validate.text_bytes_max", {}},
    {"has_nul", "syntax", kFail, "a side holds a NUL byte", {BugClass::logic, std::string_view("x = \0", 5), "x = 1"}},
    {"bad_text", "syntax", kFail, "a side is no text that CPython reads, such as bad UTF-8", {}},
    {"too_complex", "syntax", kFail, "CPython met its limit of nesting, time or memory on a side", {}},
    {"fixed_does_not_parse", "syntax", kFail, "CPython does not accept the fixed side", {BugClass::logic, "x = 1", "x = = 1"}},
    {"buggy_parses", "syntax", kFail, "the class is syntax, but CPython accepts the buggy side", {BugClass::syntax, "x = 1", "x = 2"}},
    {"buggy_does_not_parse", "syntax", kFail, "the class is not syntax, but CPython does not accept the buggy side",
     {BugClass::logic, "x = = 1", "x = 1"}},
    {"clean_sides_differ", "difference", kFail, "a sample without a bug must have two equal sides", {BugClass::none, "x = 1", "x = 2"}},
    {"no_change", "difference", kFail, "both sides are the same text", {BugClass::logic, "x = 1", "x = 1"}},
    {"only_layout", "difference", kFail, "both sides parse and differ in white space, line breaks or comments alone: the same program",
     {BugClass::style, "x = 1  # one", "x  =  1"}},
    {"only_docstring", "difference", kFail, "both sides differ in strings that stand alone: the same program",
     {BugClass::logic, "def f():\n    'old'\n    return 1", "def f():\n    'new'\n    return 1"}},
    {"not_local", "difference", kFail, "more lines were added and removed than validate.changed_lines_max", {}},
    {"duplicate", "near_duplicate", kFail, "another pair has the same change in a near-duplicate of the fixed side; the smallest id stays", {}},
    {"contaminated", "near_duplicate", kFail, "a side resembles code of a benchmark (clean.decontaminate)", {}},
    {"leak_across_splits", "near_duplicate", kFail,
     "near-duplicates of the fixed side are held in another split, where more of them are; kept, it would be trained and tested on", {}},
    {"decided_by_all_pairs", "near_duplicate", kSkipped, "near-duplicates are found once all pairs are known", {}},
    {"no_tests", "tests", kSkipped, "the pair brings no tests, and this run executes nothing (mendel validate --tests does)", {}},
    {"tests_not_run", "tests", kSkipped, "the pair brings tests, and this run executes none (mendel validate --tests does)", {}},
    {"clean_sample", "tests", kSkipped, "both sides are equal: there is nothing to tell apart", {}},
    {"proven_by_parser", "tests", kSkipped, "the class is syntax: that CPython refuses the buggy side is the proof", {}},
    {"fixed_fails_tests", "tests", kFail, "a test of the pair does not pass on the fixed side", {}},
    {"buggy_passes_tests", "tests", kFail, "every test of the pair passes on the buggy side too", {}},
    {"faked_tests", "tests", kFail, "a test said it had passed, but what was planted to fail after it did not fail", {}},
    {"flaky_tests", "tests", kSkipped, "the pair's tests were not twice the same and are set aside; nothing else told the sides apart", {}},
    {"fix_test_undecided", "tests", kSkipped, "the test carried from the fix's commit passes on both sides, or on neither, as one that lacks something does; nothing else told the sides apart", {}},
    {"tests_undecided", "tests", kSkipped, "a limit of time or output was met, which says more about the machine than about the code", {}},
    {"no_difference_seen", "tests", kSkipped, "both sides behaved alike in all generated calls: the change may be none; lowers the quality of a logic bug", {}},
    {"nothing_to_run", "tests", kSkipped, "no changed function could be loaded and called", {}},
    {"low_quality", "quality", kFail, "the quality score is below validate.quality_min", {}},
    {"earlier_stage_failed", "any", kSkipped, "an earlier stage turned the pair away", {}},
};

}  // namespace

std::span<const Reason> reasons() { return kReasons; }

const Reason* find_reason(std::string_view word) {
  const auto* at = std::find_if(std::begin(kReasons), std::end(kReasons), [&](const Reason& row) { return row.word == word; });
  return at == std::end(kReasons) ? nullptr : at;
}

}  // namespace mendel::validator
