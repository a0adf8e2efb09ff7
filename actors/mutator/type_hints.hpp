// What the annotations and first values of a function say about the types of its names, as far as words tell.
#pragma once

#include <string_view>
#include <vector>

#include "actors/mutator/function_view.hpp"

namespace mendel::mutator {

// Reads annotated parameters and variables (`n: int`), and names whose first value is a literal or a
// container (`n = 0`, `names = []`). Everything else is unknown. Views into the text of `view`.
class TypeHints {
 public:
  explicit TypeHints(const FunctionView& view);

  // False if both types are known and differ: nobody would take the one for the other for long.
  bool may_stand_for(std::string_view name, std::string_view other) const;
  // The word for the type, empty if it is not known.
  std::string_view type_of(std::string_view name) const;

 private:
  struct Hint {
    std::string_view name, type;
  };
  std::vector<Hint> hints_;
};

}  // namespace mendel::mutator
