// Code of public benchmarks (QuixBugs, HumanEval and kin) against which pairs are compared, so that nothing
// is trained on that a model is later measured by. Near-duplicates by the signatures of minhash.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/result.hpp"

namespace mendel::validator {

// Const methods may be called from several threads.
class BenchmarkIndex {
 public:
  // `threshold`: Jaccard similarity of 5-grams from which a text resembles one of the index.
  explicit BenchmarkIndex(double threshold);

  // All Python code below the folders: *.py whole and function by function; *.json, *.jsonl: every string that
  // holds a function, and what HumanEval calls prompt and canonical_solution together. Other files are passed
  // over. not_found, io_error, invalid_input (no code in a folder at all).
  static Result<BenchmarkIndex> read(const std::vector<std::string>& folders, double threshold);

  // Adds a text and the functions in it, named for people. Texts below kTokensLeast tokens are no evidence
  // and are passed over.
  void add(std::string_view text, const std::string& name);

  // The name of the first text that the signature (kMinHashBytes, of Proof) resembles; empty if none.
  std::string_view resembled(std::string_view signature) const;
  // Of a text.
  std::string_view resembled_by(std::string_view text) const;

  std::size_t size() const { return signatures_.size(); }

  static constexpr std::size_t kTokensLeast = 25;

 private:
  void add_piece(std::string_view text, const std::string& name);

  double threshold_;
  std::size_t band_bytes_;
  std::vector<std::string> signatures_, names_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> bands_;
};

}  // namespace mendel::validator
