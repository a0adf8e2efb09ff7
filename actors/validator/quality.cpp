// The weights as tables; quality.hpp explains them.
#include "actors/validator/quality.hpp"

#include <algorithm>
#include <iterator>

namespace mendel::validator {
namespace {

struct Evidence {
  SourceKind::Value source;
  double value;
};
constexpr Evidence kEvidence[] = {
    {SourceKind::linter, 0.9}, {SourceKind::mutation, 0.8}, {SourceKind::git, 0.6},
    {SourceKind::github, 0.6}, {SourceKind::release, 0.6},  {SourceKind::stackoverflow, 0.4},
};
constexpr double kUnknownSource = 0.2, kNamedCause = 0.1, kTests = 0.2, kNoDifference = 0.4;
constexpr double kEvidenceShare = 0.35, kSmallnessShare = 0.30, kFocusShare = 0.15, kContextShare = 0.20;
constexpr double kContextTokens = 40, kLongTokens = 800;

double evidence(const QualityInput& input) {
  const auto* row = std::find_if(std::begin(kEvidence), std::end(kEvidence), [&](const Evidence& r) { return r.source == input.source; });
  const double base = row == std::end(kEvidence) ? kUnknownSource : row->value;
  const bool doubtful = input.no_difference && input.bug_class == BugClass::logic;
  return std::clamp(base + (input.known_cause ? kNamedCause : 0) + (input.has_tests ? kTests : 0) - (doubtful ? kNoDifference : 0), 0.0, 1.0);
}

double context(double tokens) {
  if (tokens <= kLongTokens) return std::min(1.0, tokens / kContextTokens);
  return std::max(0.5, 1.0 - 0.5 * (tokens - kLongTokens) / kLongTokens);
}

}  // namespace

double quality(const QualityInput& input) {
  const double tokens = std::max(1u, input.tokens);
  const double smallness = std::max(0.0, 1.0 - 2.0 * input.changed_tokens / (2.0 * tokens));
  const double focus = 1.0 / std::max(1u, input.hunks);
  return kEvidenceShare * evidence(input) + kSmallnessShare * smallness + kFocusShare * focus + kContextShare * context(tokens);
}

}  // namespace mendel::validator
