// Lines, scalars, histograms, pictures.
#include "actors/trainer/training_log.hpp"

#include <chrono>
#include <cstdio>

#include "actors/encoder/grid.hpp"
#include "actors/trainer/grid_picture.hpp"
#include "actors/trainer/model_edit.hpp"

namespace mendel::trainer {
namespace {

namespace fs = std::filesystem;

std::uint64_t step_of(const std::string& line) {
  unsigned long long step = 0;
  for (const auto* form : {"step %llu", "curve step %llu", "gate step %llu"})
    if (std::sscanf(line.c_str(), form, &step) == 1) return step;
  return 0;
}

double now_s() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// Lines of steps before `step` stay.
void drop_from(const fs::path& path, std::uint64_t step) {
  std::ifstream old(path);
  std::string kept, line;
  bool dropped = false;
  while (std::getline(old, line)) {
    if (step_of(line) >= step) dropped = true;
    else kept += line + "\n";
  }
  if (dropped) std::ofstream(path, std::ios::trunc) << kept;
}

std::string code_of(const encoder::Tokenizer& tokenizer, const std::vector<encoder::TokenId>& cells) {
  auto text = encoder::cells_to_text(tokenizer, cells, encoder::Spelling::any);
  return text ? *text : tokenizer.decode(cells);
}

std::string markdown_of(const encoder::Tokenizer& tokenizer, const model::Look::Example& example) {
  const std::vector<encoder::TokenId> before(example.sample.cells.begin(), example.sample.cells.end());
  const auto mended = [&](const model::SpanEdit& edit) { return code_of(tokenizer, applied(before, edit)); };
  char belief[96];
  std::snprintf(belief, sizeof belief, "P(bug) %.3f, margin %.2f, steps %u", example.best.bug_probability, example.best.margin, example.best.steps);
  const bool exact = example.sample.edit && model::same_repair(example.sample.cells, example.best.edit, *example.sample.edit);
  std::string out = std::string(exact ? "exact" : "not the fix") + ", " + belief + "\n\nbefore\n```python\n" + code_of(tokenizer, before) + "\n```\nanswer\n```python\n" + mended(example.best.edit) + "\n```\n";
  if (!exact && example.sample.edit) out += "fix\n```python\n" + mended(*example.sample.edit) + "\n```\n";
  return out;
}

}  // namespace

std::string log_line(const model::StepReport& step) {
  char out[320];
  std::snprintf(out, sizeof out,
                "step %llu samples %llu minutes %.2f loss %.4f start %.4f end %.4f tokens %.4f rate %.5f norm %.2f samples/s %.1f",
                static_cast<unsigned long long>(step.step), static_cast<unsigned long long>(step.samples_seen), step.cpu_minutes, step.loss,
                step.loss_start, step.loss_end, step.loss_tokens, step.learning_rate, step.gradient_norm, step.samples_per_s);
  return out;
}

std::string log_line(const model::CurvePoint& point) {
  char out[240];
  std::snprintf(out, sizeof out, "curve step %llu samples %llu minutes %.2f exact %.1f%% at-5 %.1f%% at-10 %.1f%% at-20 %.1f%% validation-loss %.4f",
                static_cast<unsigned long long>(point.step), static_cast<unsigned long long>(point.samples_seen), point.cpu_minutes,
                100 * point.exact_always, 100 * point.exact_at_5, 100 * point.exact_at_10, 100 * point.exact_at_20,
                point.validation_loss);
  return out;
}

std::string log_line(const model::GateResult& gate) {
  char measured[32] = "-";
  if (gate.measured) std::snprintf(measured, sizeof measured, "%.4f", *gate.measured);
  return "gate step " + std::to_string(gate.step) + (gate.met ? " met " : " missed ") + measured + " " + gate.text;
}

Result<TrainingLog> TrainingLog::open(const fs::path& run, const encoder::Tokenizer& tokenizer) {
  const auto folder = run / "logs" / "training";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{ErrorCode::io_error, folder.string() + ": " + error.message()};
  return TrainingLog(folder, tokenizer);
}

void TrainingLog::turn_to(const std::string& stage, std::uint64_t step) {
  if (stage == stage_) return;
  if (stage_.empty())
    if (auto opened = EventWriter::open(folder_ / "tensorboard", step, now_s()); opened) events_.emplace(std::move(*opened));
  stage_ = stage;
  const auto path = folder_ / ((stage.starts_with("stage_") ? stage : "stage_1") + ".log");
  drop_from(path, step);
  file_.close();
  file_.open(path, std::ios::app);
}

template <class T>
void TrainingLog::put(std::uint64_t step, const std::vector<T>& values) {
  if (events_ && !values.empty() && !events_->write(step, now_s(), values)) events_.reset();
}

void TrainingLog::write(const model::StepReport& step) {
  turn_to(step.stage, step.step);
  file_ << log_line(step) << std::endl;
  put(step.step, std::vector<Scalar>{{"loss/all", step.loss}, {"loss/start", step.loss_start}, {"loss/end", step.loss_end}, {"loss/tokens", step.loss_tokens},
                                     {"loss/halt", step.loss_halt}, {"learning_rate", step.learning_rate}, {"gradient_norm", step.gradient_norm},
                                     {"samples_per_s", step.samples_per_s}, {"samples_seen", static_cast<double>(step.samples_seen)}});
}

void TrainingLog::write(const model::CurvePoint& point) {
  file_ << log_line(point) << std::endl;
  put(point.step, std::vector<Scalar>{{"exact/always", point.exact_always}, {"exact/at_5", point.exact_at_5}, {"exact/at_10", point.exact_at_10},
                                      {"exact/at_20", point.exact_at_20}, {"loss/validation", point.validation_loss}, {"calibration_error", point.calibration_error}});
  for (const auto& [name, own] : point.classes) {
    const auto tag = "exact/class_" + name;
    put(point.step, std::vector<Scalar>{{tag, own.exact}});
  }
}

void TrainingLog::write(const model::Look& look) {
  std::vector<Scalar> scalars = {{"thought/certainty_mean", look.certainty_mean}, {"thought/iterations_per_sample", look.iterations_per_sample}};
  std::vector<Histogram> histograms = {{"thought/certainty", look.certainty}};
  if (!look.synchronisation.empty()) {
    histograms.push_back({"thought/synchronisation", look.synchronisation});
    for (const auto& s : {Scalar{"thought/sync_variance", look.sync_variance}, {"thought/sync_size", look.sync_size}, {"thought/sync_alike", look.sync_alike},
                          {"thought/nlm_activation_mean", look.nlm_activation_mean}, {"thought/nlm_silent", look.nlm_silent}})
      scalars.push_back(s);
  }
  put(look.step, scalars);
  put(look.step, histograms);
  for (std::size_t i = 0; i < look.examples.size(); ++i) {
    const auto& example = look.examples[i];
    const auto tag = "example/" + std::to_string(i + 1);
    const auto pixels = draw_grids(example.sample, example.best.edit);
    put(look.step, std::vector<Picture>{{tag, pixels.width, pixels.height, png_of(pixels)}});
    put(look.step, std::vector<Text>{{tag, markdown_of(*tokenizer_, example)}});
  }
}

void TrainingLog::write(const model::GateResult& gate) {
  file_ << log_line(gate) << std::endl;
  put(gate.step, std::vector<Text>{{"gates", std::string(gate.met ? "met: " : "missed: ") + gate.text}});
}

}  // namespace mendel::trainer
