// A checkpoint as commands use it: found, loaded, with the vocabulary that it carries.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "actors/cli/context.hpp"
#include "actors/encoder/tokenizer.hpp"
#include "actors/trainer/evaluation.hpp"
#include "model/repair_model.hpp"

namespace mendel::cli {

struct LoadedCheckpoint {
  std::filesystem::path path;
  std::unique_ptr<model::RepairModel> model;
  encoder::Tokenizer tokenizer;

  std::string fact(const std::string& name) const;  // empty if there is none
  // The largest margin at which to edit; any margin from a share of 1 on.
  double margin(double false_alarms) const;
  // The same for a further edit of a text: a fifth of the share.
  double margin_again(double false_alarms) const;
  // 5, 10 and 20 % false alarms.
  std::vector<trainer::AlarmLevel> levels() const;
};

// `named`: a file, the folder of a run, or empty: the newest checkpoint in DATA/runs. not_found names
// where it looked; corrupt if the vocabulary inside is not the one the model was trained on.
Result<LoadedCheckpoint> load_checkpoint(const Context& context, const std::string& named);

// The Python that judges syntax, as configured.
Result<std::unique_ptr<syntax::PythonChecker>> start_checker(const Context& context);

}  // namespace mendel::cli
