// DATA/logs/evaluation: one line an evaluation or analysis that ended, with its arguments and status.
#pragma once

#include <string>

#include "actors/cli/context.hpp"
#include "actors/runtime/plant_log.hpp"

namespace mendel::cli {

// Logs how a command ended and answers `status` as it is.
inline int logged(const Context& context, runtime::LogFile file, int status) {
  std::string arguments;
  for (const auto& word : context.arguments) arguments += (arguments.empty() ? "" : " ") + word;
  runtime::PlantLog(context.data / "logs", context.config)
      .write(file, status == kDone ? runtime::LogLevel::info : runtime::LogLevel::warning, {{"command", arguments}, {"status", std::to_string(status)}});
  return status;
}

}  // namespace mendel::cli
