// Mends a text with a model: proposals become edits, edits become text, CPython has the last word.
//
// Guarantee: what comes back differs from what went in only on lines that an edit touched, and it
// parses; of a text with several syntax errors, some of which stay, each touched piece parses on its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "actors/encoder/tokenizer.hpp"
#include "actors/trainer/lexical_marks.hpp"
#include "actors/syntax/python_checker.hpp"
#include "actors/trainer/code_pieces.hpp"
#include "model/repair_model.hpp"
#include "proto/result.hpp"

namespace mendel::trainer {

struct RepairOptions {
  // A piece that parses is edited where the margin of its best edit is at most this, the surest piece
  // first. Every further edit of the same text must be surer: two bugs are rarer than one.
  double margin = 0;
  double margin_again = 0;
  std::uint32_t candidates = 5;  // proposals that are tried until one parses
  std::uint32_t rounds = 4;  // edits of one piece at most: apply, look again, stop at NO_BUG
  bool whole = false;  // show the text as one piece instead of function by function
};

// One edit that was made. Lines and columns count from 1, in the text as it was then; row and cell
// count from 0 in the grid and the cell sequence that the model saw.
struct AppliedEdit {
  std::string symbol;
  std::uint32_t line = 0, row = 0, column = 0, cell = 0, end = 0;
  std::string old_text, new_text;
  double probability = 0;  // of the whole edit
  double bug_probability = 0, margin = 0;
  std::uint32_t rank = 1;  // 1: the model's first choice
  std::uint32_t steps = 1;
};

// A piece that was looked at and left as it is, and why.
struct UntouchedPiece {
  std::string symbol;
  std::uint32_t line = 0;
  double bug_probability = 0, margin = 0;
  std::string reason;
};

struct RepairResult {
  std::string text;
  bool changed = false;
  bool parsed_before = false, parses = false;
  std::string problem;  // if it does not parse: "line N: message"
  double bug_probability = 0;  // of the most suspicious piece at the first look
  std::uint32_t steps = 0;  // the most that a look took
  std::vector<AppliedEdit> edits;
  std::vector<UntouchedPiece> untouched;
};

// Not thread-safe, as the model is not. Deterministic on one machine.
class Repairer {
 public:
  Repairer(model::RepairModel& model, const encoder::Tokenizer& tokenizer, syntax::PythonChecker& checker)
      : model_(model), tokenizer_(tokenizer), lexical_marks_(tokenizer), checker_(checker) {}

  // invalid_input: NUL bytes or no UTF-8; too_complex: nested too deeply for CPython. A text without
  // code comes back as it is.
  Result<RepairResult> repair(std::string_view text, const RepairOptions& options);

 private:
  struct View;
  struct Look;
  struct Candidate;
  Result<std::vector<View>> views_of(const std::vector<encoder::TokenId>& cells) const;
  bool parses(std::string_view text) const;
  Outcome judge(RepairResult& result) const;
  Outcome mend_unsound(RepairResult& result, const RepairOptions& options);
  Outcome mend_sound(RepairResult& result, const RepairOptions& options);
  std::vector<Piece> unsound_pieces(const RepairResult& result) const;
  Result<std::vector<Look>> look(const std::vector<Piece>& pieces, RepairResult& result);
  std::vector<Candidate> candidates_of(const Look& look, double margin) const;
  AppliedEdit described(const Look& look, const Candidate& candidate) const;
  Result<bool> mend(std::vector<Look>& looks, const RepairOptions& options, RepairResult& result);
  Result<bool> mend_piece(Look& look, const RepairOptions& options, double margin, RepairResult& result);
  bool try_candidates(const Look& look, double margin, RepairResult& result);
  Outcome more_proposals(Look& look, double margin, std::uint32_t candidates);
  bool accept(const Look& look, const std::string& mended, bool piece_parses, RepairResult& result) const;

  model::RepairModel& model_;
  const encoder::Tokenizer& tokenizer_;
  const LexicalMarks lexical_marks_;
  syntax::PythonChecker& checker_;
  std::unordered_set<std::string> seen_;  // piece texts that were there before: never gone back to
};

}  // namespace mendel::trainer
