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
// 0.40 class (syntax 0.1, style 0.3, none 0.4, security 0.6, async 0.7, framework 0.8, logic 1)
// + 0.30 log-scaled edit (deleted + 2 x inserted cells, 64 is most) + 0.20 log-scaled cells (16 to 3,072)
// + 0.10 rows of 64. A first score; nothing here is fitted to a model yet.
double difficulty(const DifficultyInput& input);

// Levels 1..5 with 20/25/25/20/10 % of the scores, ties to the lower level; order-independent.
std::vector<std::uint32_t> levels(const std::vector<double>& scores);

}  // namespace mendel::validator
