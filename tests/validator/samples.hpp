// Pairs, functions and candidates for the validator's tests.
#pragma once

#include <string>
#include <vector>

#include "actors/syntax/tokens.hpp"
#include "actors/validator/minhash.hpp"
#include "actors/validator/reduce.hpp"
#include "proto/pair_json.hpp"

namespace mendel::validator::samples {

inline Pair pair_of(BugClass::Value bug_class, std::string_view buggy, std::string_view fixed) {
  Pair pair;
  pair.set_buggy(std::string(buggy));
  pair.set_fixed(std::string(fixed));
  pair.mutable_bug()->set_class_(bug_class);
  pair.mutable_source()->set_kind(SourceKind::mutation);
  set_pair_id(pair);
  return pair;
}

// A function of `statements` lines whose words depend on `n`, so that two of them share few 5-grams.
inline std::string function_of(int n, int statements = 12) {
  std::string out = "def f" + std::to_string(n) + "(a, b):\n";
  Random random(static_cast<std::uint64_t>(n) + 1);
  for (int i = 0; i < statements; ++i)
    out += "    v" + std::to_string(random.below(1000)) + " = g" + std::to_string(random.below(1000)) + "(a, " + std::to_string(random.below(1000)) + ")\n";
  return out + "    return a\n";
}

inline std::string signed_text(const std::string& text) {
  const auto tokens = syntax::tokens(text);
  return to_bytes(minhash(text, tokens));
}

inline PairId id_of(std::uint64_t n) { return ContentHash().add(n).finish<PairId>(); }

inline Candidate candidate_of(std::uint64_t n, const std::string& text, std::uint64_t signature, std::string group) {
  Candidate out;
  out.id = id_of(n);
  out.minhash = signed_text(text);
  out.edit_signature = signature;
  out.group = std::move(group);
  out.path = out.group + "/module.py";
  out.bug_class = "logic";
  out.bug_type = "off_by_one";
  return out;
}

// Fisher and Yates over our own stream, so that the order is the same everywhere.
template <class T>
std::vector<T> shuffled(std::vector<T> items, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
  return items;
}

}  // namespace mendel::validator::samples
