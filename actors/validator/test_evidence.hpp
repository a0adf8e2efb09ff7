// What running both sides of a pair tells: its own tests, those carried from the fix's commit, the examples in its
// docstrings, generated calls.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "actors/validator/pair_stages.hpp"

namespace mendel::validator {

// Owns the sandbox's part of one validator. Several may share one fork-server. Not thread-safe.
class TestEvidence {
 public:
  // unavailable if the sandbox does not hold on this machine; the message names the remedy.
  static Result<std::unique_ptr<TestEvidence>> start(const Config& config);
  virtual ~TestEvidence() = default;

  // In this order, and the first that decides wins: the pair's own tests, where one must fail on the buggy side
  // and all must pass on the fixed side; those carried from its commit, which may fail for want of something;
  // docstring examples; differential execution. Where the sandbox itself
  // fails, `fault` says so and the answer is of no use.
  virtual Evidence examine(const Pair& pair) = 0;

  virtual Outcome fault() const = 0;
  // Counters of the funnel since the last call: tests.run, tests.proven.own, tests.proven.doctest, …
  virtual std::map<std::string, std::uint64_t> take_counts() = 0;
};

}  // namespace mendel::validator
