// Rows of a dataset for tests, encoded as the plant does.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "actors/encoder/encoder_stage.hpp"
#include "proto/pair_json.hpp"
#include "tests/trainer/fake_model.hpp"

namespace mendel::trainer {

inline Row row_of(const std::shared_ptr<const encoder::Tokenizer>& tokenizer, const std::string& buggy, const std::string& fixed) {
  Pair pair;
  pair.set_buggy(buggy);
  pair.set_fixed(fixed);
  pair.mutable_bug()->set_class_(buggy == fixed ? BugClass::none : BugClass::logic);
  pair.mutable_bug()->set_type(buggy == fixed ? "no_bug" : "wrong_operator");
  pair.mutable_source()->set_kind(SourceKind::mutation);
  set_pair_id(pair);
  WorkItem item;
  *item.mutable_encode()->add_pairs() = pair;
  const auto result = (*encoder::EncoderStage::start({}, tokenizer))->run(item);
  REQUIRE(result);
  REQUIRE(result->rows_size() == 1);
  return result->rows(0);
}

}  // namespace mendel::trainer
