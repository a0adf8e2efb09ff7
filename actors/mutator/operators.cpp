// The table as one; its rows stand in the files named *_rows. Tests run every row's example.
#include "actors/mutator/operators.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "actors/mutator/operator_rows.hpp"

namespace mendel::mutator {

const char* name_of(OperatorClass value) {
  static constexpr const char* kNames[] = {"syntax", "logic", "style", "security", "async", "framework"};
  return kNames[static_cast<std::size_t>(value)];
}

std::span<const Operator> operators() {
  static const std::vector<Operator> kAll = [] {
    std::vector<Operator> out;
    for (const auto rows : {syntax_rows(), logic_rows(), style_rows(), security_rows(), framework_rows()}) out.insert(out.end(), rows.begin(), rows.end());
    return out;
  }();
  return kAll;
}

const Operator* find_operator(std::string_view name) {
  for (const auto& row : operators())
    if (name == row.name) return &row;
  return nullptr;
}

std::string_view nearest_operator(std::string_view name) {
  std::string_view best;
  std::size_t best_distance = ~std::size_t{0};
  for (const auto& row : operators()) {
    const std::string_view known = row.name;
    std::vector<std::size_t> line(known.size() + 1);
    std::iota(line.begin(), line.end(), 0u);
    for (std::size_t i = 0; i < name.size(); ++i) {
      auto diagonal = std::exchange(line[0], i + 1);
      for (std::size_t k = 1; k <= known.size(); ++k) {
        const auto replaced = diagonal + (name[i] == known[k - 1] ? 0u : 1u);
        diagonal = line[k];
        line[k] = std::min({replaced, line[k] + 1, line[k - 1] + 1});
      }
    }
    if (line.back() < best_distance) {
      best_distance = line.back();
      best = known;
    }
  }
  return best;
}

}  // namespace mendel::mutator
