// Stages share a case: later ones use what earlier ones found out about the change.
#include "actors/validator/pair_stages.hpp"

#include <cstdio>

#include "actors/validator/code_shape.hpp"
#include "actors/validator/edit_signature.hpp"
#include "actors/validator/minhash.hpp"
#include "actors/validator/quality.hpp"
#include "actors/validator/reasons.hpp"
#include "proto/pair_json.hpp"

namespace mendel::validator {
namespace {

constexpr std::uint32_t kTokenChangesMax = 400;  // more changed tokens are one hunk

using syntax::Token;
using syntax::TokenKind;
using syntax::Validity;

struct Case {
  const Pair& pair;
  const Finding& glanced;
  const Validity& fixed;
  const Validity& buggy;
  const Validate& limits;
  Proof& proof;
  const Examine& examine;
  std::vector<Token> buggy_tokens, fixed_tokens;
  std::vector<syntax::Hunk> hunks;  // token hunks
  bool proven = false, no_difference = false;  // by what ran

  bool is_clean() const { return pair.bug().class_() == BugClass::none; }
};

std::uint32_t code_tokens(const std::vector<Token>& tokens) {
  std::uint32_t count = 0;
  for (const auto& token : tokens) count += token.kind != TokenKind::comment && token.kind != TokenKind::newline;
  return count;
}

std::string place_of(const Validity& validity) {
  return "line " + std::to_string(validity.line) + ": " + (validity.message.empty() ? "invalid syntax" : validity.message);
}

// What keeps CPython from judging a side at all.
Finding not_judged(const char* side, const Validity& validity) {
  if (validity.kind == Validity::Kind::too_complex) return {"too_complex", std::string(side) + " side: " + validity.message};
  if (validity.kind == Validity::Kind::invalid_text) return {"bad_text", std::string(side) + " side: " + validity.message};
  return {};
}

Finding check_syntax(Case& c) {
  if (!c.glanced.reason.empty()) return c.glanced;
  for (const auto& [side, validity] : {std::pair{"fixed", &c.fixed}, std::pair{"buggy", &c.buggy}})
    if (auto found = not_judged(side, *validity); !found.reason.empty()) return found;
  if (c.fixed.kind != Validity::Kind::valid) return {"fixed_does_not_parse", place_of(c.fixed)};
  const bool parses = c.buggy.kind == Validity::Kind::valid, must_fail = c.pair.bug().class_() == BugClass::syntax;
  if (parses && must_fail) return {"buggy_parses", "class syntax, but CPython accepts the buggy side"};
  if (!parses && !must_fail) return {"buggy_does_not_parse", place_of(c.buggy)};
  return {{}, must_fail ? "buggy side fails at " + place_of(c.buggy) : "both sides parse"};
}

Finding check_difference(Case& c) {
  const auto &before = c.pair.buggy(), &after = c.pair.fixed();
  c.fixed_tokens = syntax::tokens(after);
  if (c.is_clean()) {
    if (before != after) return {"clean_sides_differ", "class none, but the sides differ"};
    return {{}, "clean sample, equal sides"};
  }
  if (before == after) return {"no_change", "both sides are equal"};
  std::uint32_t changed = 0;
  for (const auto& hunk : syntax::line_difference(before, after))
    changed += hunk.before_end - hunk.before_begin + hunk.after_end - hunk.after_begin;
  if (changed > c.limits.changed_lines_max())
    return {"not_local", std::to_string(changed) + " changed lines, " + std::to_string(c.limits.changed_lines_max()) + " allowed"};
  c.buggy_tokens = syntax::tokens(before);
  // Where one side does not parse, white space alone may be the bug: a wrong indentation, a lost line break.
  if (c.pair.bug().class_() != BugClass::syntax) {
    const auto change = change_between(before, c.buggy_tokens, after, c.fixed_tokens);
    if (change == Change::layout) return {"only_layout", "the same tokens in the same blocks"};
    if (change == Change::docstring) return {"only_docstring", "only strings that stand alone differ"};
  }
  c.hunks = syntax::token_difference(before, c.buggy_tokens, after, c.fixed_tokens, kTokenChangesMax);
  return {{}, std::to_string(changed) + " changed lines, " + std::to_string(c.hunks.size()) + " places"};
}

Finding sign(Case& c) {
  c.proof.set_minhash(to_bytes(minhash(c.pair.fixed(), c.fixed_tokens)));
  if (!c.is_clean()) c.proof.set_edit_signature(edit_signature({c.pair.buggy(), c.buggy_tokens}, {c.pair.fixed(), c.fixed_tokens}, c.hunks));
  return {"decided_by_all_pairs", "signed; decided once all pairs are known"};
}

Finding run_code(Case& c) {
  if (c.is_clean()) return {"clean_sample", "equal sides"};
  if (c.pair.bug().class_() == BugClass::syntax) return {"proven_by_parser", "the buggy side cannot run"};
  auto evidence = c.examine(c.pair);
  c.proven = evidence.reason.empty();
  c.no_difference = evidence.reason == "no_difference_seen";
  for (auto& test : evidence.witnesses) *c.proof.add_witnesses() = std::move(test);
  return {evidence.reason, std::move(evidence.detail)};
}

Finding look_for_tests(Case& c) {
  if (c.examine) return run_code(c);
  if (c.pair.tests_size() == 0) return {"no_tests", "the pair brings no tests"};
  return {"tests_not_run", std::to_string(c.pair.tests_size()) + " tests, not executed"};
}

Finding check_quality(Case& c) {
  QualityInput input;
  input.source = c.pair.source().kind();
  input.bug_class = c.pair.bug().class_();
  input.known_cause = !c.pair.bug().operator_().empty() || !c.pair.bug().rule().empty();
  input.has_tests = c.examine ? c.proven : c.pair.tests_size() > 0;
  input.no_difference = c.no_difference;
  input.tokens = code_tokens(c.fixed_tokens);
  input.hunks = static_cast<std::uint32_t>(c.hunks.size());
  for (const auto& hunk : c.hunks) input.changed_tokens += hunk.before_end - hunk.before_begin + hunk.after_end - hunk.after_begin;
  const double score = quality(input);
  c.proof.mutable_verdict()->set_quality(score);
  char text[80];
  std::snprintf(text, sizeof text, "%.3f, least accepted %.3f", score, c.limits.quality_min());
  return {score < c.limits.quality_min() ? "low_quality" : std::string_view(), text};
}

struct StageRow {
  const char* name;
  Finding (*run)(Case&);
};
constexpr StageRow kStages[] = {
    {"syntax", check_syntax}, {"difference", check_difference}, {"near_duplicate", sign}, {"tests", look_for_tests}, {"quality", check_quality},
};

}  // namespace

Finding glance(const Pair& pair, const Validate& limits) {
  const auto bug_class = pair.bug().class_();
  if (bug_class == BugClass::unspecified || !BugClass::Value_IsValid(bug_class))
    return {"no_class", "bug.class must be one of none, syntax, logic, style, security, async, framework"};
  for (const auto& [side, text] : {std::pair{"fixed", &pair.fixed()}, std::pair{"buggy", &pair.buggy()}}) {
    if (text->size() > limits.text_bytes_max())
      return {"too_large", std::string(side) + " side: " + std::to_string(text->size()) + " bytes, " +
                               std::to_string(limits.text_bytes_max()) + " allowed"};
    if (text->find('\0') != std::string::npos) return {"has_nul", std::string(side) + " side holds a NUL byte"};
    if (code_tokens(syntax::tokens(*text)) == 0) return {"empty_side", std::string(side) + " side holds no code"};
  }
  return {};
}

Proof prove(const Pair& pair, const Finding& glanced, const Validity& fixed, const Validity& buggy, const Validate& limits,
            const Examine& examine) {
  Proof proof;
  auto& verdict = *proof.mutable_verdict();
  verdict.set_pair_id(pair.id());
  Case c{pair, glanced, fixed, buggy, limits, proof, examine, {}, {}, {}};
  bool failed = false;
  for (const auto& stage : kStages) {
    auto& row = *verdict.add_stages();
    row.set_name(stage.name);
    auto found = failed ? Finding{"earlier_stage_failed", ""} : stage.run(c);
    const auto* reason = found.reason.empty() ? nullptr : find_reason(found.reason);
    assert(found.reason.empty() || reason != nullptr);  // stages use words of the list only
    row.set_result(reason == nullptr ? StageResult::pass : reason->result);
    row.set_reason(std::string(found.reason));
    row.set_detail(std::move(found.detail));
    failed = failed || row.result() == StageResult::fail;
  }
  verdict.set_accepted(!failed);
  return proof;
}

}  // namespace mendel::validator
