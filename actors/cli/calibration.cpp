// The types are told anew from the edits, so that pairs of an older classifier count as those of today.
#include "actors/cli/calibration.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "actors/cli/pair_lines.hpp"
#include "actors/miner/edit_type.hpp"
#include "actors/mutator/calibration.hpp"
#include "actors/mutator/mutator_stage.hpp"

namespace mendel::cli {
namespace {

constexpr std::size_t kBatch = 256;
constexpr std::size_t kUncoveredNamedMax = 5;

struct Mined {
  mutator::Calibration calibration;
  std::uint64_t pairs = 0, covered = 0;
  std::map<std::string, std::uint64_t> uncovered;  // types that no operator makes
};

void add(const Pair& pair, Mined& mined) {
  if (pair.bug().class_() == BugClass::none || pair.buggy() == pair.fixed() || pair.source().kind() == SourceKind::mutation) return;
  const auto edits = miner::edits_between(pair.buggy(), pair.fixed());
  const auto type = miner::diagnose(edits, pair.bug().class_() != BugClass::syntax).type;
  ++mined.pairs;
  if (mined.calibration.add(type, pair.fixed())) ++mined.covered;
  else ++mined.uncovered[type];
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

// With the mix that they were fitted for: under the other the same weights make another set.
std::string as_table(const std::vector<mutator::CalibratedWeight>& weights, const Mined& mined, const std::string& mix) {
  std::string out = "# Weights fitted to " + std::to_string(mined.covered) + " of " + std::to_string(mined.pairs) + " mined pairs.\n[mutate]\nmix = \"" + mix + "\"\nweights = [\n";
  for (const auto& one : weights)
    out += "  \"" + std::string(one.row->name) + "=" + number(one.weight) + "\",  # seen " + std::to_string(one.seen) + " times (" + percent(one.share) +
           "), a place in " + percent(one.places) + " of the functions\n";
  return out + "]\n";
}

std::string as_json(const std::vector<mutator::CalibratedWeight>& weights) {
  auto out = nlohmann::ordered_json::array();
  for (const auto& one : weights)
    out.push_back({{"operator", one.row->name}, {"class", mutator::name_of(one.row->bug_class)}, {"seen", one.seen}, {"share", one.share},
                   {"places", one.places}, {"weight", one.weight}});
  return out.dump() + "\n";
}

// "missing_handler (40), other (7)", the most frequent first.
std::string most_frequent(const std::map<std::string, std::uint64_t>& types) {
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [type, n] : types) sorted.emplace_back(n, type);
  std::sort(sorted.rbegin(), sorted.rend());
  std::string out;
  for (std::size_t i = 0; i < std::min(sorted.size(), kUncoveredNamedMax); ++i)
    out += (i == 0 ? "" : ", ") + sorted[i].second + " (" + std::to_string(sorted[i].first) + ")";
  return out;
}

}  // namespace

int calibrate(const Context& context, const Config& config, const std::string& pairs, const std::string& out) {
  Mined mined;
  std::uint64_t bad_lines = 0;
  const auto read = each_pair_batch(pairs, kBatch, bad_lines, [&](std::vector<Pair>& batch) -> Outcome {
    for (const auto& pair : batch) add(pair, mined);
    return Done{};
  });
  if (!read) return fail(read.error());
  if (mined.covered == 0)
    return fail({ErrorCode::invalid_input, pairs + ": no mined pair whose type an operator makes; mined pairs come from `mendel mine git REPO`"});
  const auto weights = mined.calibration.weights(mutator::wants_class_mix(config));
  const auto table = as_table(weights, mined, config.mutate().mix());
  if (!out.empty()) {
    std::ofstream file(out, std::ios::binary);
    file << table;
    if (!file.flush()) return fail({ErrorCode::io_error, out + ": cannot be written"});
  }
  const auto printed = context.json ? as_json(weights) : table;
  const bool written = std::fwrite(printed.data(), 1, printed.size(), stdout) == printed.size() && std::fflush(stdout) == 0;
  note(std::to_string(mined.pairs) + " mined pairs, " + std::to_string(mined.covered) + " of a type that an operator makes" +
       (mined.uncovered.empty() ? "" : "; no operator for " + most_frequent(mined.uncovered)) +
       (bad_lines == 0 ? "" : "; " + std::to_string(bad_lines) + " lines are no pairs"));
  return written ? kDone : kFailed;
}

}  // namespace mendel::cli
