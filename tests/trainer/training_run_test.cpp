// The configuration as settings of a model: the model's own, what stands above them, what cannot be.
#include "actors/trainer/training_run.hpp"

#include <doctest/doctest.h>

using namespace mendel;
using namespace mendel::trainer;

namespace {

Config of_model(const char* name) {
  Config config;
  config.mutable_train()->set_model(name);
  return config;
}

}  // namespace

TEST_CASE("a model has its own settings, and the dataset's vocabulary") {
  const auto trm = model_settings(of_model("trm-coderepair-7m"), 5000), ctm = model_settings(of_model("ctm-coderepair-15m"), 5000);
  REQUIRE(trm);
  REQUIRE(ctm);
  CHECK(trm->width == 256);
  CHECK(trm->vocabulary == 5000);
  CHECK(trm->high_cycles == 3);
  CHECK(ctm->ctm.ticks == 64);
  CHECK(model_settings(of_model("trm-demo"), 4096)->ctm.neurons == 0);
}

TEST_CASE("what the configuration says stands above the model's own") {
  auto config = of_model("ctm-coderepair-15m");
  config.mutable_train()->set_ticks(48);
  config.mutable_train()->set_neuron_hidden(0);
  config.mutable_train()->set_pairs(256);
  config.mutable_train()->set_width(128);
  const auto settings = model_settings(config, 4096);
  REQUIRE(settings);
  CHECK(settings->ctm.ticks == 48);
  CHECK(settings->ctm.hidden == 0);
  CHECK(settings->ctm.pairs_out == 256);
  CHECK(settings->ctm.pairs_action == 256);
  CHECK(settings->width == 128);
  CHECK(settings->ctm.memory == 32);
  config.mutable_train()->set_clip(0.5);
  config.mutable_train()->set_checkpointing(true);
  CHECK(train_options(config).clip == 0.5);
  CHECK(train_options(config).recompute);
}

TEST_CASE("impossible settings are refused with the model's name, the setting and what is allowed") {
  auto config = of_model("trm-coderepair-7m");
  config.mutable_train()->set_heads(7);
  const auto refused = model_settings(config, 4096);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::invalid_input);
  CHECK(refused.error().what.find("trm-coderepair-7m: heads is 7; allowed is a divisor of width 256") != std::string::npos);
  CHECK(model_settings(of_model("gpt"), 4096).error().what.find("no model \"gpt\"") != std::string::npos);
  // A rank above the width, where the width was made smaller.
  auto narrow = of_model("ctm-coderepair-15m");
  narrow.mutable_train()->set_width(64);
  CHECK(model_settings(narrow, 4096).error().what.find("embedding_rank is 112; allowed is 0 to width 64") != std::string::npos);
}
