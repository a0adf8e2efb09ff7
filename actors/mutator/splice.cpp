// See splice.hpp.
#include "actors/mutator/splice.hpp"

namespace mendel::mutator {

std::string spliced(std::string_view text, const Splice& splice) {
  std::string out;
  out.reserve(text.size() + splice.text.size());
  out.append(text.substr(0, splice.range.begin)).append(splice.text).append(text.substr(splice.range.end));
  return out;
}

}  // namespace mendel::mutator
