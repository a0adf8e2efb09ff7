// Weights of the operators under which their bugs come as often, one kind against the other, as people make them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "actors/mutator/operators.hpp"

namespace mendel::mutator {

// One operator's part in a calibration.
struct CalibratedWeight {
  const Operator* row;
  std::uint64_t seen;  // mined bugs of its type
  double share;  // of all mined bugs that an operator makes
  double places;  // share of the mined functions in which it finds a place
  double weight;  // on average 1 in its group
};

// Counts what was mined and which operators find a place in the mended functions; then fits the weights so
// that a draw within a group (class_mix.hpp), or among all, gives the kinds in the counted proportion. Every
// kind counts as seen half a time more than it was, so that none is given up. Deterministic.
class Calibration {
 public:
  Calibration();

  // One mined bug and its mended function. False if no operator makes bugs of this type: then it counts for the
  // places alone.
  bool add(std::string_view type, std::string_view fixed);

  // In the order of operators(). `by_class`: the mix of classes is met otherwise, weights compare inside a group.
  std::vector<CalibratedWeight> weights(bool by_class) const;

 private:
  std::vector<std::uint64_t> seen_;  // as operators()
  std::vector<std::vector<std::uint16_t>> places_;  // operators with a place, a function each
};

}  // namespace mendel::mutator
