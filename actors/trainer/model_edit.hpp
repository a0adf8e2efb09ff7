// A model's edit done on cells: model/ and the encoder have a type of their own for it.
#pragma once

#include <span>
#include <vector>

#include "actors/encoder/grid.hpp"
#include "model/sample.hpp"

namespace mendel::trainer {

// `edit` must lie within `cells`.
inline std::vector<encoder::TokenId> applied(std::span<const encoder::TokenId> cells, const model::SpanEdit& edit) {
  return encoder::apply_edit(cells, {edit.first, edit.end, edit.tokens});
}

}  // namespace mendel::trainer
