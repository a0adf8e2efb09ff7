// The layers by LibTorch's operations beside the kernels' in double.
#include "torch_doctest.hpp"

#include <limits>

#include "model/network.hpp"
#include "model/operations.hpp"
#include "model/optimizer.hpp"
#include "kinds.hpp"

using namespace mendel::model;

namespace {

double distance(const at::Tensor& a, const at::Tensor& b) { return ((a - b).abs().max() / (b.abs().max() + 1e-12)).item<double>(); }

}  // namespace

TEST_CASE("operations give the loss and the gradients of the kernels") {
  for (const std::string kind : kKinds) {
    CAPTURE(kind);
    Network network(settings_of(kind), 1, at::kDouble);
    const auto leaves = leaves_of(network.parameters());
    const auto samples = made(9);
    const auto run = [&](bool operations) {
      network.use_operations(operations);
      const auto loss = network.loss(samples).total();
      auto out = torch::autograd::grad({loss}, leaves);
      out.push_back(loss.detach());
      return out;
    };
    const auto kernels = run(false), operations = run(true);
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      CAPTURE(i);
      CHECK(distance(operations[i], kernels[i]) < 1e-9);
    }
  }
}

TEST_CASE("scores and GRU by operations are those of the kernels") {
  constexpr std::int64_t d = 24;
  ParameterSet set(at::kDouble, at::kDouble);
  const Start normal{Start::Kind::normal, 0.3};
  const auto hidden = set.add("hidden", {d, d}, normal, true), hidden_bias = set.add("hidden_bias", {d}, normal, false);
  const auto weight = set.add("weight", {1, d}, normal, false), bias = set.add("bias", {1}, normal, false);
  const auto input = set.add("input", {3 * d, d}, normal, true), recurrent = set.add("recurrent", {3 * d, d}, normal, true);
  const auto input_bias = set.add("input_bias", {3 * d}, normal, false), recurrent_bias = set.add("recurrent_bias", {3 * d}, normal, false);
  set.finish(4);
  const auto x_lkd = at::sin(at::arange(5 * 3 * d, at::kDouble)).view({5, 3, d}).set_requires_grad(true);
  const ScoreHead head{&set[hidden], &set[hidden_bias], &set[weight], &set[bias]};
  const Gru weights{&set[input], &set[recurrent], &set[input_bias], &set[recurrent_bias]};
  const auto compare = [&](const at::Tensor& a, const at::Tensor& b, const std::vector<at::Tensor>& leaves) {
    CHECK(distance(a, b) < 1e-12);
    const auto seed = at::cos(at::arange(a.numel(), at::kDouble)).view(a.sizes());
    const auto one = torch::autograd::grad({a}, leaves, {seed}), other = torch::autograd::grad({b}, leaves, {seed});
    for (std::size_t i = 0; i < leaves.size(); ++i) CHECK(distance(one[i], other[i]) < 1e-10);
  };
  const auto x_nd = x_lkd.view({15, d});
  compare(scores_by_operations(x_nd, head), scores(with_product(x_nd, at::kDouble), head), {x_lkd, set[hidden].value, set[hidden_bias].value, set[weight].value, set[bias].value});
  const auto start_kd = at::cos(at::arange(3 * d, at::kDouble)).view({3, d}).set_requires_grad(true);
  compare(gru_by_operations(linear(x_lkd, set[input]), start_kd, weights), gru(x_lkd, start_kd, weights),
          {x_lkd, start_kd, set[input].value, set[recurrent].value, set[input_bias].value, set[recurrent_bias].value});
}

TEST_CASE("the optimizer's steps by operations are those of the kernels") {
  for (const bool adamw_only : {false, true}) {
  CAPTURE(adamw_only);
  MuonOptions options;
  options.adamw_only = adamw_only;
  ParameterSet sets[2] = {{at::kFloat, at::kFloat}, {at::kFloat, at::kFloat}};
  std::vector<Optimizer> optimizers;
  for (auto& set : sets) {
    set.add("tall", {48, 16}, {Start::Kind::normal, 0.2}, true);
    set.add("tall too", {48, 16}, {Start::Kind::normal, 0.2}, true);
    set.add("vector", {24}, {Start::Kind::normal, 0.2}, false);
    set.finish(5);
    optimizers.emplace_back(set, options, 0.99);
  }
  Workers workers(1);
  for (int step = 0; step < 4; ++step) {
    const auto gradient = at::sin(at::arange(sets[0].count(), at::kFloat) * (step + 1));
    const auto one = optimizers[0].step(gradient, 0.01, workers), other = optimizers[1].step_by_operations(gradient, 0.01);
    REQUIRE(one);
    REQUIRE(other);
    CHECK(*other == doctest::Approx(*one));
    CHECK(distance(sets[1].flat(), sets[0].flat()) < 1e-5);
    CHECK(distance(optimizers[1].state().average, optimizers[0].state().average) < 1e-5);
  }
  CHECK(!optimizers[1].step_by_operations(at::full({sets[1].count()}, std::numeric_limits<float>::infinity()), 0.01));
  }
}
