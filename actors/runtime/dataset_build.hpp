// The barrier between collecting and training: from all proven pairs to a finished dataset folder.
// `mendel dataset build` and the plant's coordinator run exactly this, so they agree to the byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/encoder/tokenizer.hpp"
#include "actors/validator/reduce.hpp"
#include "proto/config.pb.h"
#include "proto/ids.hpp"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::runtime {

// Where the reduce gets its material: a store in the plant, memory or a file in the command.
class PairLibrary {
 public:
  virtual ~PairLibrary() = default;
  // All pairs with their proofs, any order; `visit` answers false to stop.
  virtual Outcome each(const std::function<bool(const Pair&, const Proof&)>& visit) const = 0;
  virtual std::optional<Pair> pair(const PairId& id) const = 0;
};

struct Selection {
  std::vector<validator::Decision> decisions;  // ascending by id; only pairs that passed their own stages
  std::map<std::string, std::uint64_t> rejected_by_reason;  // all stages, near-duplicates included
  std::string hash;  // of the decisions: names what follows from them
};

// Clusters, duplicates, splits. Deterministic in the set of pairs.
Result<Selection> select_pairs(const PairLibrary& library, const Config& config);

// Learns the vocabulary over the fixed sides of the accepted training pairs.
Result<encoder::Tokenizer> learn_vocabulary(const PairLibrary& library, const Selection& selection, const Config& config);

// Writes the dataset. `row_of` answers the encoded row of an accepted pair, or nothing if it was
// rejected by the encoder (counted under its reason in `encoder_rejections`).
struct Build {
  std::filesystem::path folder;
  const Selection* selection;
  const encoder::Tokenizer* tokenizer;
  std::function<std::optional<Row>(const PairId&)> row_of;
  std::function<std::optional<Proof>(const PairId&)> proof_of;
  std::map<std::string, std::uint64_t> encoder_rejections;
  std::map<std::string, std::uint64_t> funnel;
  std::map<std::string, std::string> tool_versions;
};
// Difficulty, levels, quality and cluster are filled in here. Answers the digest.
Result<std::string> write_dataset(const Build& build, const Config& config);

// Hash of the settings that decide a dataset's content (not threads, paths, ports or logging).
std::string dataset_config_hash(const Config& config);

}  // namespace mendel::runtime
