// A small model of every kind that a network can be.
#pragma once

#include <string>
#include <vector>

#include "model/network.hpp"
#include "samples.hpp"

namespace mendel::model {

inline ModelSettings settings_of(const std::string& kind) {
  ModelSettings s;
  s.vocabulary = kTestVocabulary;
  s.width = 32;
  if (kind == "factored") s.embedding_rank = 12;
  if (kind == "recursive") {
    s.encoder_layers = "r";
    s.recursive_layers = "fc";
    s.high_cycles = s.low_cycles = s.supervision_steps = 2;
  }
  if (kind == "ctm") {
    s.ctm = small_machine();
    s.ctm.ticks = 3;
  }
  return s;
}

inline constexpr const char* kKinds[] = {"once", "factored", "recursive", "ctm"};

inline std::vector<at::Tensor> leaves_of(const ParameterSet& set) {
  std::vector<at::Tensor> out;
  for (const auto& p : set.all()) out.push_back(p.value);
  return out;
}

}  // namespace mendel::model
