// The CTM's parts, and the repair network with one: shapes, gradients, memory, ticks, synchronisation.
#include "torch_doctest.hpp"

#include <cmath>

#include "model/checkpoint.hpp"
#include "samples.hpp"

using namespace mendel::model;

namespace {

ModelSettings small() {
  ModelSettings s;
  s.name = "ctm-test";
  s.vocabulary = kTestVocabulary;
  s.width = 32;
  s.encoder_layers = "r";
  s.ctm = small_machine();
  return s;
}

struct Machine {
  ParameterSet set{at::kFloat, at::kFloat};
  Ctm ctm;

  explicit Machine(CtmSettings s) : ctm(set, "", s, {8}) { set.finish(1); }
  Ctm::State begin(std::int64_t rows = 3) const { return ctm.begin(at::randn({rows, 5, 8}, at::detail::createCPUGenerator(2)), {}); }
};

double total(const Network& network, const std::vector<Sample>& samples) { return network.loss(samples).total().item<double>(); }

}  // namespace

TEST_CASE("a tick has the shapes that the specification gives its parts") {
  auto s = small().ctm;
  for (const auto& [pairing, width] : {std::pair{"random-pairing", 24}, std::pair{"random", 300}, std::pair{"first-last", 300}})
    for (const std::uint32_t depth : {1u, 3u}) {
      CAPTURE(pairing);
      s.pairing = pairing;
      s.depth = depth;
      const Machine machine(s);
      auto state = machine.begin();
      const auto tick = machine.ctm.tick(state);
      CHECK(tick.s_out_bs.sizes() == at::IntArrayRef{3, width});
      CHECK(tick.attended_bd.sizes() == at::IntArrayRef{3, 16});
      CHECK(tick.weights_bhn.sizes() == at::IntArrayRef{3, 2, 5});
      CHECK(tick.pre_bd.sizes() == at::IntArrayRef{3, 48});
      CHECK(state.z_bd.sizes() == at::IntArrayRef{3, 48});
      CHECK(state.trace_dbm.sizes() == at::IntArrayRef{48, 3, 4});
      CHECK(tick.weights_bhn.sum(2).sub(1).abs().max().item<float>() < 1e-5f);
    }
}

TEST_CASE("synapse widths fall evenly from the neurons to 16, truncated") {
  CHECK(synapse_widths(64, 1) == std::vector<std::int64_t>{64});
  CHECK(synapse_widths(64, 4) == std::vector<std::int64_t>{64, 48, 32, 16});
  CHECK(synapse_widths(64, 6) == std::vector<std::int64_t>{64, 54, 44, 35, 25, 16});
  CHECK(synapse_widths(480, 15)[7] == 247);  // in whole numbers it would be 248
}

TEST_CASE("synchronisation is the decayed mean of products, and without decay their plain sum over a root") {
  ParameterSet set(at::kDouble, at::kDouble);
  Synchronization pairs(set, "decay", {"random-pairing", 6, 4, 1});
  set.finish(0);
  set[0].value.detach().copy_(at::tensor({0.0, 0.5, 20.0, -1.0}, at::kDouble));
  pairs.constrain();
  CHECK(at::equal(set[0].value, at::tensor({0.0, 0.5, 15.0, 0.0}, at::kDouble)));
  const auto left = at::tensor({0, 1, 2, 3}, at::kLong), right = at::tensor({0, 2, 4, 5}, at::kLong);
  pairs.set_pairs({left, right});
  auto state = pairs.begin();
  const auto z = at::tensor({0.5, -1.0, 2.0, 0.1, 0.3, 0.7}, at::kDouble).unsqueeze(0);
  const auto once = pairs.add(state, z), twice = pairs.add(state, 2 * z);
  CHECK(once[0][1].item<double>() == doctest::Approx(-2.0));
  CHECK(twice[0][0].item<double>() == doctest::Approx((0.25 + 1.0) / std::sqrt(2.0)));
  const double r = std::exp(-0.5);
  CHECK(twice[0][1].item<double>() == doctest::Approx((-2.0 * r - 8.0) / std::sqrt(r + 1)));
}

TEST_CASE("random pairs are the same every time, begin with self-pairs, and differ between action and output") {
  const PairingShape out{"random-pairing", 1000, 64, 8}, action{"random-pairing", 1000, 64, 8, true};
  const auto a = make_pairs(out), b = make_pairs(out), c = make_pairs(action);
  CHECK(at::equal(a.left_s, b.left_s));
  CHECK_FALSE(at::equal(a.left_s, c.left_s));
  CHECK(at::equal(a.left_s.narrow(0, 0, 8), a.right_s.narrow(0, 0, 8)));
  CHECK_FALSE(at::equal(a.left_s.narrow(0, 8, 56), a.right_s.narrow(0, 8, 56)));
  CHECK(a.left_s.max().item<std::int64_t>() < 1000);
  const auto ends = make_pairs({"first-last", 10, 3, 0, true});
  CHECK(at::equal(ends.left_s, at::tensor({7, 7, 7, 8, 8, 9}, at::kLong)));
  CHECK(at::equal(ends.right_s, at::tensor({7, 8, 9, 8, 9, 9}, at::kLong)));
}

TEST_CASE("the newest pre-activation is the last of each neuron's trace") {
  const Machine machine(small().ctm);
  auto state = machine.begin();
  const auto before = state.trace_dbm.clone();
  const auto tick = machine.ctm.tick(state);
  CHECK(at::equal(state.trace_dbm.select(2, 3), tick.pre_bd.t()));
  CHECK(at::equal(state.trace_dbm.narrow(2, 0, 3), before.narrow(2, 1, 3)));
}

TEST_CASE("the start is not silent, and ticks change what is synchronised") {
  const Machine machine(small().ctm);
  auto state = machine.begin();
  const auto first = machine.ctm.tick(state).s_out_bs;
  const auto second = machine.ctm.tick(state).s_out_bs;
  CHECK(first.abs().mean().item<float>() > 0.05f);
  CHECK((first - second).abs().mean().item<float>() > 0.01f);
  CHECK((first[0] - first[1]).abs().max().item<float>() > 1e-4f);  // and the input is seen
}

TEST_CASE("certainty is 1 for one class alone and 0 for all alike") {
  const auto classes = at::full({1}, 4.0f);
  CHECK(certainty(at::tensor({0.0f, -1e4f, -1e4f, -1e4f}).unsqueeze(0), classes).item<float>() == doctest::Approx(1));
  CHECK(certainty(at::full({1, 4}, std::log(0.25f)), classes).item<float>() == doctest::Approx(0).epsilon(1e-5));
}

TEST_CASE("ticks are chosen by sample: the authors' by loss and certainty, ours without a look at the label") {
  const auto ce = at::tensor({3.0f, 1.0f, 2.0f, 5.0f, 6.0f, 4.0f}).view({2, 3}), sure = at::tensor({0.1f, 0.2f, 0.9f, 0.8f, 0.1f, 0.2f}).view({2, 3});
  const auto authors = choose_ticks("least-certain", ce, sure);
  CHECK(at::equal(authors.first_b, at::tensor({1, 2}, at::kLong)));
  CHECK(at::equal(authors.second_b, at::tensor({2, 0}, at::kLong)));
  const auto ours = choose_ticks("last-certain", ce, sure);
  CHECK(at::equal(ours.first_b, at::tensor({2, 2}, at::kLong)));
  CHECK(at::equal(ours.edit_b, at::tensor({2, 2}, at::kLong)));  // in turn: the certain one, then the last
  CHECK(at::equal(choose_ticks("mean", ce, sure).edit_b, at::tensor({0, 1}, at::kLong)));
}

TEST_CASE("every parameter of a CTM repair network gets a gradient, with every loss") {
  for (const auto* loss : {"last-certain", "least-certain", "mean", "last"}) {
    auto settings = small();
    settings.ctm.loss = loss;
    const Network network(settings, 1, at::kFloat);
    std::vector<at::Tensor> leaves;
    for (const auto& p : network.parameters().all()) leaves.push_back(p.value);
    const auto gradients = torch::autograd::grad({network.loss(made(8)).total()}, leaves);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      CAPTURE(network.parameters()[i].name);
      CHECK(gradients[i].abs().max().item<float>() > 0);
      CHECK(gradients[i].isfinite().all().item<bool>());
    }
  }
}

TEST_CASE("the CTM network's loss is that of finite differences, in double") {
  auto settings = small();
  settings.ctm.loss = "last";  // a choice of ticks has no derivative where it changes
  Network network(settings, 1, at::kDouble);
  const auto samples = made(6);
  auto& set = network.parameters();
  // Away from the border of the decays.
  for (const auto& p : set.all())
    if (p.name.starts_with("ctm.decay")) p.value.detach().fill_(0.5);
  std::vector<at::Tensor> leaves;
  for (const auto& p : set.all()) leaves.push_back(p.value);
  const auto gradients = torch::autograd::grad({network.loss(samples).total()}, leaves);
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (!set[i].name.starts_with("ctm.")) continue;
    CAPTURE(set[i].name);
    const auto flat = set[i].value.detach().view({-1});
    const auto at = gradients[i].reshape({-1}).abs().argmax().item<std::int64_t>();
    const double step = 1e-5, before = flat[at].item<double>();
    double around[2];
    for (const int side : {0, 1}) {
      flat[at] = before + (side ? step : -step);
      around[side] = total(network, samples);
    }
    flat[at] = before;
    CHECK((around[1] - around[0]) / (2 * step) == doctest::Approx(gradients[i].reshape({-1})[at].item<double>()).epsilon(1e-4));
  }
}

TEST_CASE("a sample's loss with a CTM does not depend on what it is padded to") {
  auto settings = small();
  settings.ctm.loss = "last";
  const Network network(settings, 1, at::kDouble);
  const c10::NoGradGuard no_grad;
  const auto samples = made(7);
  double apart = 0;
  for (const auto& s : samples) apart += total(network, {s});
  CHECK(total(network, samples) == doctest::Approx(apart).epsilon(1e-9));
}

TEST_CASE("a CTM stops a sample where it is certain and answers at its most certain tick") {
  auto settings = small();
  const auto samples = made(9);
  settings.ctm.certainty = 2;  // never
  const Network all(settings, 1, at::kFloat);
  for (const auto& answer : all.propose(samples, 1)) {
    CHECK(answer[0].steps >= 1);
    CHECK(answer[0].steps <= 4);
  }
  settings.ctm.certainty = 1e-6;  // at once
  const Network hasty(settings, 1, at::kFloat);
  Probe one;
  one.steps = 1;
  const auto first = hasty.propose(samples, 1, one), at_once = hasty.propose(samples, 1);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    CHECK(at_once[i][0].steps == 1);
    CHECK(at_once[i][0].log_probability == first[i][0].log_probability);
  }
}

TEST_CASE("the probe of another's synchronisation and of none answers otherwise than one's own") {
  const Network network(small(), 1, at::kFloat);
  const auto samples = made(8);
  const auto margins = [&](Probe::Synchronisation s) {
    double sum = 0;
    for (const auto& answer : network.propose(samples, 1, {s, 4})) sum += answer[0].margin * (1 + static_cast<double>(answer[0].edit.first));
    return sum;
  };
  const double own = margins(Probe::Synchronisation::own);
  CHECK(own == margins(Probe::Synchronisation::own));
  CHECK(own != margins(Probe::Synchronisation::another));
  CHECK(own != margins(Probe::Synchronisation::none));
}

TEST_CASE("a CTM learns a handful of samples to the exact repair") {
  Network network(small(), 1, cpu_compute());
  Optimizer optimizer(network.parameters(), {}, 0.9);
  Workers workers(1);
  const auto samples = made(8);
  std::vector<at::Tensor> leaves;
  for (const auto& p : network.parameters().all()) leaves.push_back(p.value);
  for (int step = 0; step < 150; ++step) {
    const auto gradients = torch::autograd::grad({network.loss(samples).total() / 8}, leaves);
    std::vector<at::Tensor> flat;
    for (const auto& g : gradients) flat.push_back(g.reshape({-1}));
    REQUIRE(optimizer.step(at::cat(flat), 5e-3, workers));
    network.constrain();
  }
  const auto answers = network.propose(samples, 1);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    CAPTURE(i);
    if (samples[i].edit) CHECK(answers[i][0].edit == *samples[i].edit);
    CHECK((answers[i][0].margin < 0) == samples[i].edit.has_value());
  }
}

TEST_CASE("more ticks take more time, but not more memory where no gradient is kept") {
  const Network network(small(), 1, at::kFloat);
  const auto samples = made(4);
  for (const std::uint32_t ticks : {1u, 4u, 16u}) CHECK(network.propose(samples, 1, {Probe::Synchronisation::own, ticks})[0][0].steps == ticks);
  // A state holds the same tensors after any number of ticks.
  const Machine machine(small().ctm);
  const c10::NoGradGuard no_grad;
  auto state = machine.begin();
  const auto held = [&] { return state.z_bd.numel() + state.trace_dbm.numel() + state.out.alpha_bs.numel() + state.out.beta_s.numel(); };
  machine.ctm.tick(state);
  const auto after_one = held();
  for (int i = 0; i < 15; ++i) machine.ctm.tick(state);
  CHECK(held() == after_one);
}

TEST_CASE("a checkpoint of a CTM gives back weights and settings and answers alike") {
  const TestFolder folder("ctm-checkpoint");
  const auto path = folder.path / "c.safetensors";
  auto settings = small();
  settings.ctm.certainty = 0.7;
  const Network network(settings, 5, cpu_compute());
  REQUIRE(write_checkpoint(path, network, network.parameters().flat(), {{0.05, 1}}, {}));
  const auto read = read_checkpoint(path);
  REQUIRE_MESSAGE(read, read.failure().what);
  CHECK(read->network->settings() == settings);
  const auto samples = made(5);
  CHECK(network.propose(samples, 2)[3][0].log_probability == read->network->propose(samples, 2)[3][0].log_probability);
}

TEST_CASE("impossible CTMs are refused by name") {
  CHECK(settings_fault(small()).empty());
  const std::pair<const char*, void (*)(ModelSettings&)> cases[] = {
      {"ctm.ticks is 0; allowed is 1 to 256", [](auto& s) { s.ctm.ticks = 0; }},
      {"ctm.heads is 3; allowed is a divisor of ctm.input 16", [](auto& s) { s.ctm.heads = 3; }},
      {"ctm.heads is 0", [](auto& s) { s.ctm.heads = 0; }},
      {"ctm.memory is 0", [](auto& s) { s.ctm.memory = 0; }},
      {"ctm.pairing is \"none\"", [](auto& s) { s.ctm.pairing = "none"; }},
      {"ctm.pairs_out and ctm.pairs_action are neurons", [](auto& s) { s.ctm.pairing = "first-last", s.ctm.pairs_out = 49; }},
      {"ctm.loss is \"x\"", [](auto& s) { s.ctm.loss = "x"; }},
      {"ctm.certainty", [](auto& s) { s.ctm.certainty = 0; }},
      {"ctm.neurons is 4294967295", [](auto& s) { s.ctm.neurons = UINT32_MAX; }},
      {"beside a CTM", [](auto& s) { s.recursive_layers = "f"; }}};
  for (const auto& [text, spoil] : cases) {
    auto settings = small();
    spoil(settings);
    CAPTURE(settings_fault(settings));
    CHECK(settings_fault(settings).find(text) != std::string::npos);
  }
}

TEST_CASE("computing again for the gradient changes no number, in the recursion and in the ticks") {
  auto recursion = small();
  recursion.ctm = {};
  recursion.recursive_layers = "fc";
  recursion.high_cycles = recursion.low_cycles = recursion.supervision_steps = 2;
  for (const auto& settings : {small(), recursion}) {
    Network network(settings, 1, at::kFloat);
    std::vector<at::Tensor> leaves;
    for (const auto& p : network.parameters().all()) leaves.push_back(p.value);
    const auto samples = made(8);
    const auto kept = torch::autograd::grad({network.loss(samples).total()}, leaves);
    network.set_recompute(true);
    const auto loss = network.loss(samples).total();
    const auto again = torch::autograd::grad({loss}, leaves);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      CAPTURE(network.parameters()[i].name);
      const auto most = kept[i].abs().max().item<float>();
      CHECK((kept[i] - again[i]).abs().max().item<float>() <= 1e-5f * most);
    }
  }
}

TEST_CASE("the diversity loss drives the synchronisations of a batch apart") {
  const auto samples = made(8);
  const auto alike_after = [&](double weight) {
    Network network(small(), 1, at::kFloat);
    Optimizer optimizer(network.parameters(), {}, 0.9);
    Workers workers(1);
    std::vector<at::Tensor> leaves;
    for (const auto& p : network.parameters().all()) leaves.push_back(p.value);
    for (int step = 0; step < 30; ++step) {
      network.set_sync_diversity(weight);
      const auto gradients = torch::autograd::grad({network.loss(samples).total() / 8}, leaves, {}, std::nullopt, false, true);
      std::vector<at::Tensor> flat;
      for (std::size_t i = 0; i < leaves.size(); ++i) flat.push_back(gradients[i].defined() ? gradients[i].reshape({-1}) : at::zeros({leaves[i].numel()}));
      optimizer.step(at::cat(flat), 3e-3, workers);
      network.constrain();
    }
    network.set_sync_diversity(1);
    return network.loss(samples).diversity.item<double>();
  };
  CHECK(alike_after(5) < 0.5 * alike_after(0));
}

TEST_CASE("a smaller clip scales the same gradient down further") {
  Network a(small(), 1, at::kFloat), b(small(), 1, at::kFloat);
  Optimizer whole(a.parameters(), {0.95, 0, 1.0}, 0.9), half(b.parameters(), {0.95, 0, 0.5}, 0.9);
  Workers workers(1);
  const auto gradient = at::full_like(a.parameters().flat(), 1.0f);
  CHECK(*whole.step(gradient, 1e-3, workers) == doctest::Approx(*half.step(gradient, 1e-3, workers)));
  CHECK((whole.state().first / half.state().first).mean().item<float>() == doctest::Approx(2).epsilon(1e-3));
}
