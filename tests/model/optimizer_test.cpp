// Muon and AdamW beside PyTorch's own (tests/golden/muon/make_muon.py), the schedule, bad gradients.
#include "torch_doctest.hpp"

#include <cmath>
#include <string>

#include "model/optimizer.hpp"
#include "model/safetensors.hpp"

using namespace mendel::model;

namespace {

at::Tensor golden(const TensorFile& file, const std::string& name) {
  const auto* entry = file.find(name);
  REQUIRE_MESSAGE(entry != nullptr, name);
  const auto out = at::empty(entry->shape, at::kFloat);
  REQUIRE(file.read(*entry, out.data_ptr()));
  return out;
}

}  // namespace

TEST_CASE("three steps of Muon and AdamW give PyTorch's numbers") {
  const auto file = TensorFile::open(std::filesystem::path(MENDEL_GOLDEN) / "muon" / "muon.safetensors");
  REQUIRE(file);
  ParameterSet set(at::kFloat, at::kBFloat16);
  set.add("tall", {48, 16}, {}, true);
  set.add("wide", {16, 40}, {}, true);
  set.add("vector", {24}, {}, false);
  set.finish(0);
  for (const auto& p : set.all()) p.value.detach().copy_(golden(*file, p.name + ".start"));
  Optimizer optimizer(set, {0.95, 0.02}, 0.998);
  Workers workers(2);
  const auto rates = golden(*file, "rates");
  for (int step = 0; step < 3; ++step) {
    std::vector<at::Tensor> gradients;
    for (const auto& p : set.all()) gradients.push_back(golden(*file, p.name + ".gradient" + std::to_string(step)).view({-1}));
    const auto norm = optimizer.step(at::cat(gradients), rates[step].item<double>(), workers);
    REQUIRE(norm);
    REQUIRE(*norm < 1);
    for (const auto& p : set.all()) {
      CAPTURE(p.name);
      const auto start = golden(*file, p.name + ".start"), wanted = golden(*file, p.name + ".after" + std::to_string(step));
      // Muon computes in bfloat16: compare the way that was gone, to its rounding.
      const auto error = ((p.value.detach() - wanted).abs().max() / (wanted - start).abs().max()).item<double>();
      CHECK(error < (p.muon ? 1e-2 : 1e-5));
    }
  }
}

TEST_CASE("Newton-Schulz brings all singular values near one") {
  const auto matrix = at::sin(at::arange(24 * 40, at::kFloat)).view({24, 40}) + at::eye(24, 40);
  const auto values = std::get<1>(at::linalg_svd(newton_schulz(matrix.unsqueeze(0)), false));
  CHECK(values.max().item<float>() < 1.4f);
  CHECK(values.min().item<float>() > 0.3f);
}

TEST_CASE("the rate climbs, stays, and falls to three per cent") {
  CHECK(rate_factor({0, 0}, 150) == doctest::Approx(1.0 / 150));
  CHECK(rate_factor({149, 0.05}, 150) == 1);
  CHECK(rate_factor({20, 0.1}, 150) == 1);  // a tenth of a short run ends the warm-up
  CHECK(rate_factor({5000, 0.4999}, 150) == 1);
  CHECK(rate_factor({5000, 0.75}, 150) == doctest::Approx(0.5));
  CHECK(rate_factor({5000, 1}, 150) == doctest::Approx(0.03));
}

TEST_CASE("a gradient that is no number changes nothing, a long one is cut to one") {
  ParameterSet set(at::kFloat, at::kFloat);
  set.add("vector", {4}, {Start::Kind::normal, 1}, false);
  set.finish(1);
  Optimizer optimizer(set, {}, 0.9);
  Workers workers(1);
  const auto before = set.flat().clone();
  CHECK_FALSE(optimizer.step(at::full({4}, NAN), 0.1, workers));
  CHECK(at::equal(set.flat(), before));
  CHECK(optimizer.state().step == 0);
  const auto norm = optimizer.step(at::full({4}, 50.0f), 0.1, workers);
  REQUIRE(norm);
  CHECK(*norm == doctest::Approx(100));
  CHECK(optimizer.state().first.norm().item<float>() == doctest::Approx(0.1).epsilon(1e-4));
}

TEST_CASE("the average follows young weights fast and old ones slowly") {
  ParameterSet set(at::kFloat, at::kFloat);
  set.add("vector", {1}, {}, false);
  set.finish(1);
  Optimizer optimizer(set, {}, 0.998);
  Workers workers(1);
  REQUIRE(optimizer.step(at::ones({1}), 0.1, workers));
  const auto weight = set.flat().item<double>();
  CHECK(optimizer.state().average.item<double>() == doctest::Approx(weight * (1 - 2.0 / 11)));
}
