// Which code of an answer mends which code of its question. Functions of the same name are paired; a block
// none of whose functions the question has is paired whole, with the part of the question's block that it shows. Of several candidates the one that shares most
// tokens is taken, and it must share enough of them.
#pragma once

#include <string>
#include <vector>

#include "actors/miner/edit_type.hpp"
#include "actors/miner/stackoverflow/snippet.hpp"
#include "actors/syntax/tree.hpp"
#include "proto/config.pb.h"

namespace mendel::miner {

struct AlignedPair {
  std::string buggy, fixed;
  std::string symbol;  // dotted name of the function in the answer; empty: a whole block
  Diagnosis bug;
};

struct Alignment {
  std::vector<AlignedPair> pairs;  // in the order of the answer
  // Why code of the answer gave no pair, one word each: no_counterpart, same_code, comments_only,
  // documentation_only, too_many_lines, too_long, fixed_does_not_parse.
  std::vector<const char*> left_out;
};

// 2|common| / (|a| + |b|) over the tokens of two texts as multisets, comments left out; 0..1.
double token_overlap(std::string_view a, std::string_view b);

// Deterministic. Snippets that were left out are passed over.
Alignment align(syntax::Parser& parser, const std::vector<Snippet>& question, const std::vector<Snippet>& answer, const Stackoverflow& settings);

}  // namespace mendel::miner
