// What the model sees of a function: its cells without documentation.
//
// On the data's way: between a grid and a model::Sample, in training and in repair alike. Docstrings,
// comments and blank lines are half of many functions and hold no bug that a model here is asked to
// mend; left out, more functions fit and each costs less. What was left out stays where it is: an edit
// over the view is carried back to the whole sequence.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "actors/encoder/grid.hpp"

namespace mendel::trainer {

// Pure; the same cells give the same view, whether the code parses or not.
class CodeView {
 public:
  // `cells` as encoder::text_to_cells gives them; corrupt otherwise. Left out are whole lines that hold
  // nothing but white space, a comment or (part of) a string that is a statement of its own, and
  // comments behind code with the space in front of them. The first line and <eof> stay.
  static Result<CodeView> of(const encoder::Tokenizer& tokenizer, std::span<const encoder::TokenId> cells);

  // Again a cell sequence: lines of code and <eof>.
  const std::vector<encoder::TokenId>& cells() const { return cells_; }
  // Index in the whole sequence of each cell of the view; ascending.
  const std::vector<std::uint32_t>& kept() const { return kept_; }

  // The same edit over the whole sequence. An insertion at the start of a line comes directly before the
  // code that follows it, one inside a line directly behind the code before it (so before a comment);
  // documentation inside a replaced span goes with it. `edit` must lie within the view.
  encoder::SpanEdit to_whole(const encoder::SpanEdit& edit) const;

 private:
  std::vector<encoder::TokenId> cells_;
  std::vector<std::uint32_t> kept_;
  std::uint32_t whole_ = 0;
};

// The canonical edit between the views of two sides; nothing if only documentation differs.
std::optional<encoder::SpanEdit> view_edit(const CodeView& buggy, const CodeView& fixed);

}  // namespace mendel::trainer
