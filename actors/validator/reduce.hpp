// The one decision that needs all pairs: which are near-duplicates of which, and which split each
// belongs to. Workers computed the proofs; this is deterministic whatever order they come in.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "proto/ids.hpp"
#include "proto/result.hpp"

namespace mendel::validator {

// Kinds of pairs that are dealt out to the splits each on its own, so that each can be scored apart.
enum class Stratum : std::uint8_t {
  made,  // by an operator or a linter
  mined,  // from a history or a forum: a bug that people made and mended
  released,  // a change from release to release, which may be none
};

// What the reduce needs of one pair that passed its own stages.
struct Candidate {
  PairId id;
  std::string minhash;  // 512 bytes as in Proof
  std::uint64_t edit_signature = 0;
  std::string group;  // what must stay on one side of the split: fork root or repository
  std::string path;
  std::string bug_class, bug_type;
  bool has_bug = true;
  Stratum stratum = Stratum::made;
};

enum class Split : std::uint8_t { train, validation, test };

struct Decision {
  PairId id;
  PairId cluster;  // smallest id among the near-duplicates of the fixed side
  bool accepted = true;
  std::string reason;  // of the closed list, if not accepted: duplicate, or leak across splits
  std::string detail;
  Split split = Split::train;
};

struct ReduceOptions {
  double threshold = 0.85;  // Jaccard similarity
  double validation_share = 0.05, test_share = 0.05;
  std::uint64_t seed = 7;
};

// Answers one decision a candidate, ascending by id, independent of the order of `candidates`.
std::vector<Decision> reduce(std::vector<Candidate> candidates, const ReduceOptions& options);

}  // namespace mendel::validator
