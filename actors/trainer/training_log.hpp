// What a training run leaves for people: logs/training/stage_N.log and TensorBoard events beside them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "actors/encoder/tokenizer.hpp"
#include "actors/trainer/tensorboard.hpp"
#include "model/training.hpp"
#include "proto/result.hpp"

namespace mendel::trainer {

// One line of stage_N.log:
//   step 120 samples 2280 minutes 0.42 loss 3.8412 start 1.7012 end 0.1930 tokens 1.9470 rate 0.00200 norm 2.31 samples/s 104.2
// `minutes` are CPU minutes. Curve points and gates have their own forms:
//   curve step 120 samples 2280 minutes 0.42 exact 31.2% at-5 12.0% at-10 15.5% at-20 19.1% validation-loss 3.9210
//   gate step 120 met 3.8412 step 50: loss < 5
std::string log_line(const model::StepReport& step);
std::string log_line(const model::CurvePoint& point);
std::string log_line(const model::GateResult& gate);

// Lines go to the log of the stage they belong to (without a curriculum stage_1.log). A run that goes on from an
// earlier state repeats steps; their old lines go. Logs are for people: where they cannot be written (a full
// disk) the run itself goes on or says so.
class TrainingLog {
 public:
  // `tokenizer` must outlive the log. io_error if the folder cannot be made.
  static Result<TrainingLog> open(const std::filesystem::path& run, const encoder::Tokenizer& tokenizer);

  void write(const model::StepReport& step);
  void write(const model::CurvePoint& point);
  // Histograms of certainty and synchronisation, pictures and texts of a few functions.
  void write(const model::Look& look);
  void write(const model::GateResult& gate);

 private:
  TrainingLog(std::filesystem::path folder, const encoder::Tokenizer& tokenizer) : folder_(std::move(folder)), tokenizer_(&tokenizer) {}
  void turn_to(const std::string& stage, std::uint64_t step);
  template <class T>
  void put(std::uint64_t step, const std::vector<T>& values);

  std::filesystem::path folder_;
  const encoder::Tokenizer* tokenizer_;
  std::ofstream file_;
  std::optional<EventWriter> events_;
  std::string stage_;
};

}  // namespace mendel::trainer
