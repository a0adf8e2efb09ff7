// The stages that one pair goes through, in order; one row a stage. The first that fails ends it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/syntax/python_checker.hpp"
#include "actors/syntax/tokens.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::validator {

// What a stage says of a pair. `reason` is a word of reasons.hpp, empty if it passed.
struct Finding {
  std::string_view reason;
  std::string detail;
};

// What running code told about a pair; see test_evidence.hpp.
struct Evidence {
  std::string_view reason;  // a word of the list; empty: something that ran tells the sides apart
  std::string detail;
  std::vector<Test> witnesses;  // what tells them apart, if the pair did not bring it itself
};
using Examine = std::function<Evidence(const Pair&)>;

// What is wrong with a pair by looks alone, before CPython is asked: class, size, NUL, no code.
Finding glance(const Pair& pair, const Validate& limits);

// The proof of one pair. `fixed` and `buggy` are CPython's verdicts; they are looked at only if glance
// found nothing. Every stage has its row in the verdict, with a sentence for people. `examine` runs code of
// the pair, once it has passed the stages before; empty: nothing is run.
Proof prove(const Pair& pair, const Finding& glanced, const syntax::Validity& fixed, const syntax::Validity& buggy, const Validate& limits,
            const Examine& examine = {});

}  // namespace mendel::validator
