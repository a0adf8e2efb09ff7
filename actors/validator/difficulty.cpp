// The score is a weighted sum of what makes a repair hard: how much must be written, how much must be
// read, and how far the bug is from what a parser could name.
#include "actors/validator/difficulty.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mendel::validator {
namespace {

// How much understanding a class asks for, beyond reading the tokens around it.
struct ClassWeight {
  std::string_view name;
  double weight;
};
constexpr ClassWeight kClassWeights[] = {
    {"none", 0.4}, {"syntax", 0.1}, {"style", 0.3}, {"security", 0.6}, {"async", 0.7}, {"framework", 0.8}, {"logic", 1.0},
};
constexpr double kUnknownClass = 1.0;

constexpr double kClassShare = 0.40, kEditShare = 0.30, kSizeShare = 0.20, kRowsShare = 0.10;
constexpr double kEditCellsMost = 64, kCellsLeast = 16, kCellsMost = 3072, kRowsMost = 64;
constexpr double kInsertionFactor = 2;  // a cell to write is harder than a cell to drop

constexpr double kLevelEnds[] = {0.20, 0.45, 0.70, 0.90};

double on_log_scale(double value, double least, double most) {
  return std::clamp(std::log(std::max(value, least) / least) / std::log(most / least), 0.0, 1.0);
}

}  // namespace

double difficulty(const DifficultyInput& input) {
  const auto* row = std::find_if(std::begin(kClassWeights), std::end(kClassWeights), [&](const auto& r) { return r.name == input.bug_class; });
  const double of_class = row == std::end(kClassWeights) ? kUnknownClass : row->weight;
  const double edited = input.has_bug ? input.edit_deleted + kInsertionFactor * input.edit_inserted : 0;
  return kClassShare * of_class + kEditShare * on_log_scale(1 + edited, 1, 1 + kEditCellsMost) +
         kSizeShare * on_log_scale(input.cells, kCellsLeast, kCellsMost) + kRowsShare * std::min(1.0, input.rows / kRowsMost);
}

std::vector<std::uint32_t> levels(const std::vector<double>& scores) {
  std::vector<double> sorted = scores;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::uint32_t> out;
  out.reserve(scores.size());
  for (const double score : scores) {
    const auto below = std::lower_bound(sorted.begin(), sorted.end(), score) - sorted.begin();
    const double rank = static_cast<double>(below) / static_cast<double>(scores.size());
    out.push_back(1 + static_cast<std::uint32_t>(std::upper_bound(std::begin(kLevelEnds), std::end(kLevelEnds), rank) - std::begin(kLevelEnds)));
  }
  return out;
}

}  // namespace mendel::validator
