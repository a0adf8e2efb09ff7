// One training run: dataset and configuration in, a run folder with a checkpoint out.
//
// On the data's way: after the dataset is final. `mendel train` and the trainer of a node both run
// this; the run folder (model/README.md) also gets logs/training/stage_N.log, summary.json and, with a
// curriculum, gates.json.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>

#include "actors/trainer/dataset_samples.hpp"
#include "model/training.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/wire.pb.h"
#include "proto/work.pb.h"

namespace mendel::trainer {

// invalid_input if the configuration names a model that this program cannot train.
Result<model::ModelSettings> model_settings(const Config& config, std::uint32_t vocabulary);
model::TrainOptions train_options(const Config& config);

// RUNS/MODEL-DIGEST-VERSION: another dataset or other settings train elsewhere, so that nothing
// trained is ever overwritten. `version` is the stage version of the settings.
std::filesystem::path run_folder(const std::filesystem::path& runs, const std::string& model, const std::string& digest,
                                 std::uint32_t version);

struct TrainRequest {
  std::filesystem::path dataset, run;
  std::string dataset_digest;  // refused if the dataset has another; empty: whichever it has
  std::function<void(std::string_view)> note;  // a line for people, no line feed
  std::function<void(const model::StepReport&)> on_step;
  std::function<void(const model::CurvePoint&)> on_curve;
  std::function<void(const model::Look&)> on_look;
  std::function<void(const model::GateResult&)> on_gate;
  std::function<bool()> stop;
  model::Group group;  // this process among several; only the first writes the run
};

// Blocks. Resumes what the run folder holds; a finished run answers at once. The same configuration
// and dataset give the same checkpoint on one machine with the same number of threads.
Result<model::TrainSummary> run_training(const Config& config, const TrainRequest& request);

// For people and the status page: run, checkpoint, steps, samples, CPU minutes, the last point of the curve.
std::string summary_json(const std::filesystem::path& run, const model::TrainSummary& summary);

// The work of a `train` item on a node (runtime::TrainFunction).
Result<WorkResult> run_train_item(const WorkItem& item, const Config& config, const std::function<void(const Report&)>& report,
                                  const std::atomic<bool>& stop);

}  // namespace mendel::trainer
