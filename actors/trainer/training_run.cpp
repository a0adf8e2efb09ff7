// Configuration and dataset to model::train, with the log of the stage and the summary of the run.
#include "actors/trainer/training_run.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "actors/trainer/curriculum.hpp"
#include "actors/trainer/model_failure.hpp"
#include "actors/trainer/sample_stream.hpp"
#include "actors/trainer/several_bugs.hpp"
#include "actors/trainer/training_log.hpp"
#include "model/presets.hpp"

namespace mendel::trainer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kReportEvery{1000};
// Of the validation split an evaluation looks at few; these are enough to choose them from.
constexpr std::uint64_t kValidationRowsMin = 25600, kValidationRowsPerSample = 64;

Outcome write_file(const fs::path& path, const std::string& content) {
  auto partial = path;
  partial += ".partial";
  std::ofstream file(partial, std::ios::trunc);
  file << content;
  file.close();
  std::error_code error;
  if (file) fs::rename(partial, path, error);
  if (!file || error) return Error{ErrorCode::io_error, path.string() + ": cannot be written"};
  return Done{};
}

MetricSample sample_of(const char* name, double value) {
  MetricSample out;
  out.set_name(name);
  out.set_value(value);
  return out;
}

Report report_of(const model::StepReport& step, const Config& config) {
  Report out;
  const auto add = [&](const char* name, double value) { *out.add_samples() = sample_of(name, value); };
  add("training_step", static_cast<double>(step.step));
  if (config.train().steps_max() > 0) add("training_steps", config.train().steps_max());
  add("training_samples", static_cast<double>(step.samples_seen));
  add("training_loss", step.loss);
  add("training_minutes", step.cpu_minutes);
  add("training_minutes_total", config.train().minutes());
  add("training_samples_per_s", step.samples_per_s);
  return out;
}

Report report_of(const model::Look& look) {
  Report out;
  const auto add = [&](const char* name, double value) { *out.add_samples() = sample_of(name, value); };
  add("training_certainty_mean", look.certainty_mean);
  add("training_iterations_per_sample", look.iterations_per_sample);
  if (look.synchronisation.empty()) return out;
  add("training_iteration_efficiency", look.iteration_efficiency);
  add("training_sync_variance", look.sync_variance);
  add("training_sync_alike", look.sync_alike);
  add("training_nlm_activation_mean", look.nlm_activation_mean);
  add("training_nlm_silent", look.nlm_silent);
  return out;
}

Report report_of(const model::CurvePoint& point) {
  Report out;
  const auto add = [&](const char* name, double value) { *out.add_samples() = sample_of(name, value); };
  add("training_exact_always", point.exact_always);
  add("training_exact_at_5", point.exact_at_5);
  add("training_exact_at_10", point.exact_at_10);
  add("training_exact_at_20", point.exact_at_20);
  return out;
}

Outcome check_digest(const TrainRequest& request, const TrainingData& data) {
  if (request.dataset_digest.empty() || request.dataset_digest == data.reader->digest()) return Done{};
  return Error{ErrorCode::invalid_input, request.dataset.string() + ": has the digest " + data.reader->digest() + ", the run is for " +
                                             request.dataset_digest + ": the dataset was built anew"};
}

struct Splits {
  TrainingSplit train;
  std::unique_ptr<DatasetSamples> validation;
};

void tell(const TrainRequest& request, storage::SplitName split, std::uint64_t samples, std::uint64_t clean, const PassedOver& passed_over) {
  if (!request.note) return;
  const auto left_out = describe(passed_over);
  request.note(std::string(storage::name_of(split)) + ": " + std::to_string(samples) + " samples, " + std::to_string(clean) + " of them clean" +
               (left_out.empty() ? "" : "; passed over: " + left_out));
  for (const auto& row : passed_over.damaged_rows) request.note("passed over: " + row);
}

Result<Splits> load_splits(const TrainRequest& request, const TrainingData& data, const Train& config) {
  Splits out;
  auto train = open_split(data, storage::SplitName::train, {config.cells_max(), std::uint64_t{config.cache_mib()} << 20, config.stages_size() > 0});
  if (!train) return train.error();
  out.train = std::move(*train);
  tell(request, storage::SplitName::train, out.train.source().size(), out.train.clean, out.train.passed_over);
  if (out.train.stream && request.note)
    request.note("train: larger than train.cache_mib, so " + std::to_string(out.train.stream->blocks().size()) + " shards are read as they are needed, " +
                 std::to_string(out.train.stream->blocks_held_max()) + " at a time");
  auto validation = load_samples(data, storage::SplitName::validation, config.cells_max(),
                                 std::max(kValidationRowsMin, kValidationRowsPerSample * config.evaluation_samples()));
  if (!validation) return validation.error();
  out.validation = std::move(*validation);
  tell(request, storage::SplitName::validation, out.validation->size(), out.validation->clean(), out.validation->passed_over());
  const auto need = [&](bool there, const char* what) -> Outcome {
    if (there) return Done{};
    return Error{ErrorCode::invalid_input, request.dataset.string() + ": " + what};
  };
  if (auto ok = need(out.train.source().size() > 0, "no sample to train on; build the dataset of more code, or raise train.cells_max"); !ok) return ok.error();
  if (auto ok = need(out.validation->clean() > 0, "no clean validation sample, so false alarms cannot be measured; raise mutate.clean_share, "
                                                  "dataset.validation_share, or build of more code"); !ok)
    return ok.error();
  return out;
}

}  // namespace

Result<model::ModelSettings> model_settings(const Config& config, std::uint32_t vocabulary) {
  const auto& train = config.train();
  const auto* preset = model::find_preset(train.model());
  if (!preset) return Error{ErrorCode::invalid_input, "train.model: no model \"" + train.model() + "\"; `mendel-trainer describe` lists them"};
  auto out = preset->settings;
  out.vocabulary = vocabulary;
  // What the configuration says stands above the model's own.
  if (train.has_width()) out.width = train.width();
  if (train.has_heads()) out.heads = train.heads();
  if (train.has_encoder_layers()) out.encoder_layers = train.encoder_layers();
  if (train.has_recursive_layers()) out.recursive_layers = train.recursive_layers();
  if (train.has_high_cycles()) out.high_cycles = train.high_cycles();
  if (train.has_low_cycles()) out.low_cycles = train.low_cycles();
  if (train.has_supervision_steps()) out.supervision_steps = train.supervision_steps();
  if (train.has_ticks()) out.ctm.ticks = train.ticks();
  if (train.has_memory()) out.ctm.memory = train.memory();
  if (train.has_neuron_hidden()) out.ctm.hidden = train.neuron_hidden();
  if (train.has_pairs()) out.ctm.pairs_out = out.ctm.pairs_action = train.pairs();
  if (train.has_pairing()) out.ctm.pairing = train.pairing();
  if (train.has_tick_loss()) out.ctm.loss = train.tick_loss();
  if (train.has_certainty()) out.ctm.certainty = train.certainty();
  if (const auto why = model::settings_fault(out); !why.empty()) return Error{ErrorCode::invalid_input, "train, model " + train.model() + ": " + why};
  return out;
}

model::TrainOptions train_options(const Config& config) {
  const auto& train = config.train();
  model::TrainOptions out;
  out.seed = config.seed();
  out.minutes = train.minutes();
  out.steps_max = train.steps_max();
  out.threads = train.threads();
  out.device = train.device();
  out.cells_per_batch = train.cells_per_batch();
  out.cells_max = train.cells_max();
  out.learning_rate = train.learning_rate();
  out.warmup_steps = train.warmup_steps();
  out.weight_decay = train.weight_decay();
  out.ema = train.ema();
  out.checkpoint_s = train.checkpoint_s();
  out.evaluations = train.evaluations();
  out.clip = train.clip();
  out.sync_diversity = train.sync_diversity();
  out.recompute = train.checkpointing();
  out.adamw_only = train.optimizer() == "adamw";
  out.beta2 = train.beta2();
  out.evaluation_samples = train.evaluation_samples();
  if (train.checkpoint_type() == "bf16") out.checkpoint_type = model::CheckpointType::bf16;
  out.replace_halted = train.replace_halted();
  out.halt_exploration = train.halt_exploration();
  out.memory_bytes = std::uint64_t{train.memory_mib()} << 20;
  return out;
}

fs::path run_folder(const fs::path& runs, const std::string& model, const std::string& digest, std::uint32_t version) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", version);
  return runs / (model + "-" + digest.substr(0, 8) + "-" + text);
}

Result<model::TrainSummary> run_training(const Config& config, const TrainRequest& request) {
  if (const auto why = model::device_fault(config.train().device(), request.group.local_rank); !why.empty()) return Error{ErrorCode::invalid_input, "train." + why};
  const auto data = open_training_data(request.dataset);
  if (!data) return data.error();
  if (auto same = check_digest(request, *data); !same) return same.error();
  const auto settings = model_settings(config, data->tokenizer.size());
  if (!settings) return settings.error();
  const auto splits = load_splits(request, *data, config.train());
  if (!splits) return splits.error();
  auto stages = plan_stages(config, splits->train.kinds, request.note);
  if (!stages) return stages.error();
  std::optional<TrainingLog> log;
  if (request.group.rank == 0) {
    auto opened = TrainingLog::open(request.run, data->tokenizer);
    if (!opened) return opened.error();
    log.emplace(std::move(*opened));
  }
  auto facts = data->facts();
  facts["cells_max"] = std::to_string(config.train().cells_max());
  model::TrainInput input;
  input.settings = *settings;
  input.options = train_options(config);
  input.train = &splits->train.source();
  std::optional<SeveralBugs> several;
  std::optional<JoinedSamples> joined;
  if (config.train().several_share() > 0) {
    if (!splits->train.whole)
      return Error{ErrorCode::invalid_input, "train.several_share: needs the training split in memory, and train.cache_mib = " + std::to_string(config.train().cache_mib()) +
                                                 " is too little for it; raise train.cache_mib, or set train.several_share to 0"};
    several.emplace(*splits->train.whole, SeveralBugs::Options{config.train().several_share(), config.train().cells_max(), config.seed()});
  }
  if (several && several->size() > 0) {
    input.train = &joined.emplace(*splits->train.whole, *several);
    for (auto& stage : *stages) several->add_to(stage.samples);
    if (request.note) request.note("several bugs: " + std::to_string(several->size()) + " functions of two or three");
  }
  input.validation = splits->validation.get();
  input.run = request.run;
  for (std::uint64_t i = 0; i < splits->validation->size(); ++i)
    input.validation_classes.push_back(splits->validation->has_bug(i) ? splits->validation->labels(i).bug_class : std::string());
  input.stages = std::move(*stages);
  input.group = request.group;
  input.group.timeout_s = config.train().partner_timeout_s();
  input.facts = std::move(facts);
  input.stop = request.stop;
  if (request.note) input.note = [&](const std::string& line) { request.note(line); };
  input.on_step = [&](const model::StepReport& step) {
    if (log) log->write(step);
    if (request.on_step) request.on_step(step);
  };
  input.on_curve = [&](const model::CurvePoint& point) {
    log->write(point);
    if (request.on_curve) request.on_curve(point);
  };
  input.on_look = [&](const model::Look& look) {
    log->write(look);
    if (request.on_look) request.on_look(look);
  };
  input.on_gate = [&](const model::GateResult& gate) {
    log->write(gate);
    if (request.on_gate) request.on_gate(gate);
  };
  auto summary = model::train(input);
  if (!summary) return error_of(summary.failure());
  if (request.group.rank != 0) return std::move(*summary);
  if (!summary->gates.empty())
    if (auto written = write_file(request.run / "gates.json", gates_json(config.train(), summary->gates)); !written) return written.error();
  if (auto written = write_file(request.run / "summary.json", summary_json(request.run, *summary) + "\n"); !written) return written.error();
  return std::move(*summary);
}

std::string summary_json(const fs::path& run, const model::TrainSummary& summary) {
  const auto& last = summary.last;
  Json out = {{"run", run.string()}, {"checkpoint", summary.checkpoint.string()}, {"steps", summary.steps}, {"samples_seen", summary.samples_seen},
                    {"cpu_minutes", summary.cpu_minutes}, {"exact_always", last.exact_always}, {"exact_at_5", last.exact_at_5},
                    {"exact_at_10", last.exact_at_10}, {"exact_at_20", last.exact_at_20}};
  if (!summary.gates.empty()) {
    const auto met = std::count_if(summary.gates.begin(), summary.gates.end(), [](const auto& g) { return g.met; });
    out["gates"] = {{"met", met}, {"all", summary.gates.size()}};
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<WorkResult> run_train_item(const WorkItem& item, const Config& config, const std::function<void(const Report&)>& report,
                                  const std::atomic<bool>& stop) {
  if (item.input_case() != WorkItem::kTrain) return Error{ErrorCode::invalid_input, "the trainer was given an item of another stage"};
  const auto& wanted = item.train();
  Config effective = config;
  if (!wanted.model().empty()) effective.mutable_train()->set_model(wanted.model());
  TrainRequest request;
  request.dataset = wanted.dataset();
  request.run = wanted.run();
  request.dataset_digest = wanted.dataset_digest();
  request.stop = [&] { return stop.load(); };
  auto reported = std::chrono::steady_clock::time_point::min();
  double loss_sum = 0;
  std::uint32_t losses = 0;
  request.on_step = [&](const model::StepReport& step) {
    const auto now = std::chrono::steady_clock::now();
    loss_sum += step.loss;
    ++losses;
    if (now < reported + kReportEvery) return;
    reported = now;
    auto mean = step;
    mean.loss = loss_sum / losses;  // of one step it jumps with the lengths in the batch
    loss_sum = 0;
    losses = 0;
    report(report_of(mean, effective));
  };
  request.on_curve = [&](const model::CurvePoint& point) { report(report_of(point)); };
  request.on_look = [&](const model::Look& look) { report(report_of(look)); };
  const auto summary = run_training(effective, request);
  if (!summary) return summary.error();
  WorkResult result;
  result.set_item_id(item.id());
  result.set_stage(Stage::train);
  result.set_report_json(summary_json(wanted.run(), *summary));
  (*result.mutable_funnel())["train.steps"] = summary->steps;
  return result;
}

}  // namespace mendel::trainer
