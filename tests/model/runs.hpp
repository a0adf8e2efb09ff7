// A small run for the tests of training: its samples, its folder, and what two runs are compared by.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "model/training.hpp"
#include "samples.hpp"

namespace mendel::model {

struct Plan {
  MadeSet training{200}, validation{40, 5000};
  TestFolder folder;
  TrainInput input;

  explicit Plan(const std::string& name) : folder(name) {
    input.settings.vocabulary = kTestVocabulary;
    input.settings.width = 32;
    input.options.minutes = 5;
    input.options.steps_max = 12;
    input.options.threads = 2;
    input.options.cells_per_batch = 1400;  // more than one part
    input.options.evaluations = 1;
    input.train = &training;
    input.validation = &validation;
    input.run = folder.path / "run";
    input.facts = {{"vocabulary_hash", "v"}};
  }
  std::filesystem::path metrics() const { return input.run / "metrics.jsonl"; }
};

// Step and losses of each line, as text: equal only if every digit is.
inline std::vector<std::string> trace(const std::filesystem::path& metrics) {
  std::ifstream in(metrics);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) {
    if (line.find("\"curve\"") != std::string::npos) continue;
    const auto field = [&](const std::string& key) {
      const auto at = line.find("\"" + key + "\":");
      REQUIRE(at != std::string::npos);
      return line.substr(at, line.find_first_of(",}", at) - at);
    };
    out.push_back(field("step") + field("samples_seen") + field("loss") + field("loss_start") + field("loss_end") + field("loss_tokens") +
                  field("learning_rate") + field("gradient_norm"));
  }
  return out;
}

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}


}  // namespace mendel::model
