// How hard a pair is to repair: a documented, deterministic score in 0..1 and the five levels.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace mendel::validator {

struct DifficultyInput {
  std::string_view bug_class, bug_type;
  std::uint32_t cells = 0;  // of the buggy side
  std::uint32_t rows = 0;
  std::uint32_t edit_deleted = 0, edit_inserted = 0;  // cells
  bool has_bug = true;
};
double difficulty(const DifficultyInput& input);

// Levels 1..5 with 20/25/25/20/10 % of the scores, ties to the lower level; order-independent.
std::vector<std::uint32_t> levels(const std::vector<double>& scores);

}  // namespace mendel::validator
