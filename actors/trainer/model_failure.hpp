// Failures of model/ as errors of the program.
#pragma once

#include <utility>

#include "model/expected.hpp"
#include "proto/result.hpp"

namespace mendel::trainer {

inline Error error_of(const model::Failure& failure) {
  constexpr std::pair<model::Fault, ErrorCode> kCodes[] = {
      {model::Fault::invalid, ErrorCode::invalid_input}, {model::Fault::not_found, ErrorCode::not_found},
      {model::Fault::corrupt, ErrorCode::corrupt},       {model::Fault::io, ErrorCode::io_error},
      {model::Fault::out_of_memory, ErrorCode::too_large}, {model::Fault::diverged, ErrorCode::too_complex},
      {model::Fault::partner_lost, ErrorCode::io_error},
      {model::Fault::interrupted, ErrorCode::interrupted},
  };
  for (const auto& [fault, code] : kCodes)
    if (fault == failure.fault) return {code, failure.what};
  return {ErrorCode::invalid_input, failure.what};
}

}  // namespace mendel::trainer
