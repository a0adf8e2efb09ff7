// The whole network: shapes, gradients, padding, learning, and checkpoints of it.
#include "torch_doctest.hpp"

#include <cmath>
#include <fstream>

#include "model/checkpoint.hpp"
#include "samples.hpp"

using namespace mendel::model;

namespace {

ModelSettings small() {
  ModelSettings s;
  s.vocabulary = kTestVocabulary;
  s.width = 32;
  return s;
}

ModelSettings recursive() {
  auto s = small();
  s.encoder_layers = "r";
  s.recursive_layers = "fc";
  s.high_cycles = 2;
  s.low_cycles = 2;
  s.supervision_steps = 2;
  return s;
}

at::Tensor total(const Network& network, std::span<const Sample> samples) {
  return network.loss(samples).total();
}

}  // namespace

TEST_CASE("every parameter gets a gradient, with and without recursion") {
  for (const auto& settings : {small(), recursive()}) {
    const Network network(settings, 1, at::kFloat);
    std::vector<at::Tensor> leaves;
    for (const auto& p : network.parameters().all()) leaves.push_back(p.value);
    const auto gradients = torch::autograd::grad({total(network, made(8))}, leaves);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      CAPTURE(network.parameters()[i].name);
      CHECK(gradients[i].sizes() == leaves[i].sizes());
      CHECK(gradients[i].abs().max().item<float>() > 0);
      CHECK(gradients[i].isfinite().all().item<bool>());
    }
  }
}

TEST_CASE("the loss is that of finite differences, in double") {
  Network network(small(), 1, at::kDouble);
  const auto samples = made(6);
  auto& set = network.parameters();
  std::vector<at::Tensor> leaves;
  for (const auto& p : set.all()) leaves.push_back(p.value);
  const auto gradients = torch::autograd::grad({total(network, samples)}, leaves);
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    CAPTURE(set[i].name);
    const auto flat = set[i].value.detach().view({-1});
    const auto at = gradients[i].reshape({-1}).abs().argmax().item<std::int64_t>();
    const double step = 1e-5, before = flat[at].item<double>();
    double around[2];
    for (const int side : {0, 1}) {
      flat[at] = before + (side ? step : -step);
      around[side] = total(network, samples).item<double>();
    }
    flat[at] = before;
    CHECK((around[1] - around[0]) / (2 * step) == doctest::Approx(gradients[i].reshape({-1})[at].item<double>()).epsilon(1e-5));
  }
}

TEST_CASE("a sample's loss does not depend on what it is padded to") {
  for (const auto& settings : {small(), recursive()}) {
    const Network network(settings, 1, at::kDouble);
    const c10::NoGradGuard no_grad;
    const auto samples = made(7);
    double apart = 0;
    for (const auto& s : samples) apart += total(network, std::span(&s, 1)).item<double>();
    CHECK(total(network, samples).item<double>() == doctest::Approx(apart).epsilon(1e-10));
  }
}

TEST_CASE("the same seed gives the same network, another seed another") {
  const Network a(small(), 1, at::kFloat), b(small(), 1, at::kFloat), c(small(), 2, at::kFloat);
  CHECK(at::equal(a.parameters().flat(), b.parameters().flat()));
  CHECK_FALSE(at::equal(a.parameters().flat(), c.parameters().flat()));
  CHECK(at::equal(total(a, made(8)), total(b, made(8))));
}

TEST_CASE("the demo model has the prototype's number of parameters") {
  const Network network(ModelSettings{}, 1, at::kFloat);
  CHECK(network.parameters().count() == 1347189);
}

TEST_CASE("proposals are distinct, ranked, within their sample and consistent in their probabilities") {
  const Network network(small(), 1, at::kFloat);
  const auto samples = made(9);
  const auto answers = network.propose(samples, 5);
  REQUIRE(answers.size() == samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    CHECK(answers[i].size() == 5);
    for (std::size_t k = 0; k < answers[i].size(); ++k) {
      const auto& p = answers[i][k];
      CHECK(p.edit.first < samples[i].cells.size());
      CHECK(p.edit.end >= p.edit.first);
      CHECK(p.edit.end < samples[i].cells.size());
      CHECK(p.log_probability <= 0);
      CHECK(p.bug_probability == answers[i][0].bug_probability);
      if (k > 0) CHECK(answers[i][k - 1].log_probability >= p.log_probability);
      for (std::size_t j = 0; j < k; ++j) CHECK_FALSE(answers[i][j].edit == p.edit);
    }
  }
}

TEST_CASE("a handful of samples is learned to the exact repair, with and without recursion") {
  for (const auto& settings : {small(), recursive()}) {
    Network network(settings, 1, cpu_compute());
    Optimizer optimizer(network.parameters(), {}, 0.9);
    Workers workers(1);
    const auto samples = made(8);
    std::vector<at::Tensor> leaves;
    for (const auto& p : network.parameters().all()) leaves.push_back(p.value);
    for (int step = 0; step < 250; ++step) {
      const auto gradients = torch::autograd::grad({total(network, samples) / 8}, leaves);
      std::vector<at::Tensor> flat;
      for (const auto& g : gradients) flat.push_back(g.reshape({-1}));
      REQUIRE(optimizer.step(at::cat(flat), 5e-3, workers));
    }
    const auto answers = network.propose(samples, 1);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      CAPTURE(i);
      if (samples[i].edit) CHECK(answers[i][0].edit == *samples[i].edit);
      CHECK((answers[i][0].margin < 0) == samples[i].edit.has_value());
      CHECK((answers[i][0].bug_probability > 0.5) == samples[i].edit.has_value());
    }
  }
}

TEST_CASE("settings that cannot be are refused by name") {
  CHECK(settings_fault(small()).empty());
  CHECK(settings_fault(recursive()).empty());
  const std::pair<const char*, void (*)(ModelSettings&)> cases[] = {
      {"heads is 3", [](auto& s) { s.heads = 3; }},          {"heads is 32", [](auto& s) { s.heads = 32; }},
      {"width is 4", [](auto& s) { s.width = 4; }},          {"vocabulary is 40000", [](auto& s) { s.vocabulary = 40000; }},
      {"layer 'x'", [](auto& s) { s.encoder_layers = "rx"; }}, {"both empty", [](auto& s) { s.encoder_layers = ""; }},
      {"supervision_steps is 2 without", [](auto& s) { s.supervision_steps = 2; }}, {"high_cycles is 17", [](auto& s) { s.high_cycles = 17; }}};
  for (const auto& [text, spoil] : cases) {
    auto settings = small();
    spoil(settings);
    CHECK(settings_fault(settings).find(text) != std::string::npos);
  }
}

TEST_CASE("a checkpoint gives back weights, settings, thresholds and facts") {
  const TestFolder folder("checkpoint");
  const auto path = folder.path / "c.safetensors";
  const Network network(recursive(), 5, cpu_compute());
  const Thresholds thresholds{{0.01, -3.5}, {0.05, 1.25}};
  REQUIRE(write_checkpoint(path, network, network.parameters().flat(), thresholds, {{"vocabulary_hash", "abc"}}));
  const auto read = read_checkpoint(path);
  REQUIRE(read);
  CHECK(read->network->settings() == recursive());
  CHECK(read->thresholds == thresholds);
  CHECK(read->facts == std::map<std::string, std::string>{{"vocabulary_hash", "abc"}});
  CHECK(at::equal(read->network->parameters().flat(), network.parameters().flat()));
  const auto samples = made(5);
  CHECK(network.propose(samples, 2)[3][0].log_probability == read->network->propose(samples, 2)[3][0].log_probability);

  const auto model = RepairModel::load(path);
  REQUIRE(model);
  CHECK((*model)->threshold(0.05) == 1.25);
  CHECK((*model)->threshold(0.04) == -3.5);
  CHECK((*model)->threshold(0.001) == -std::numeric_limits<double>::infinity());
  CHECK((*model)->parameters() == static_cast<std::uint64_t>(network.parameters().count()));
  CHECK((*model)->propose(samples, 3).value().size() == 5);
  CHECK((*model)->propose(samples, 0).failure().fault == Fault::invalid);
  const std::vector<Sample> empty = {Sample{}};
  CHECK((*model)->propose(empty, 1).failure().what.find("sample 0 has 0 cells") != std::string::npos);
}

TEST_CASE("a checkpoint of bfloat16 is half the size and gives back its rounded weights; other types are refused by tensor") {
  const TestFolder folder("short-checkpoint");
  const auto full = folder.path / "full.safetensors", path = folder.path / "short.safetensors";
  const Network network(recursive(), 5, cpu_compute());
  const auto flat = network.parameters().flat();
  REQUIRE(write_checkpoint(full, network, flat, {{0.05, 1}}, {}));
  REQUIRE(write_checkpoint(path, network, flat, {{0.05, 1}}, {}, CheckpointType::bf16));
  CHECK(std::filesystem::file_size(path) < 0.6 * static_cast<double>(std::filesystem::file_size(full)));
  const auto read = read_checkpoint(path);
  REQUIRE_MESSAGE(read, read.failure().what);
  CHECK(at::equal(read->network->parameters().flat(), flat.to(at::kBFloat16).to(at::kFloat)));
  CHECK_FALSE(at::equal(read->network->parameters().flat(), flat));
  CHECK(at::equal(read->network->trunk().z_start(), network.trunk().z_start()));
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const std::string from = "\"BF16\"";
  text.replace(text.find(from), from.size(), " \"F16\"");
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  const auto refused = read_checkpoint(path);
  REQUIRE_FALSE(refused);
  CHECK(refused.failure().fault == Fault::corrupt);
  CHECK(refused.failure().what.find("has dtype F16, wanted is F32 or BF16; convert it, or train again") != std::string::npos);
}

TEST_CASE("a checkpoint of other settings, another format or without numbers is refused by field") {
  const TestFolder folder("bad-checkpoint");
  const auto path = folder.path / "c.safetensors";
  const Network network(small(), 5, at::kFloat);
  const auto flat = network.parameters().flat();
  const auto rewritten = [&](const std::string& from, const std::string& to) {
    REQUIRE(write_checkpoint(path, network, flat, {{0.05, 1}}, {}));
    std::ifstream in(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    REQUIRE(from.size() == to.size());
    text.replace(at, from.size(), to);
    std::ofstream(path, std::ios::binary) << text;
    const auto read = read_checkpoint(path);
    REQUIRE_FALSE(read);
    return read.failure().what;
  };
  CHECK(rewritten("\"model.width\":\"32\"", "\"model.width\":\"64\"").find("tensor trunk.embedding has another shape") != std::string::npos);
  CHECK(rewritten("\"model.heads\":\"4\"", "\"model.heads\":\"x\"").find("model.heads is no natural number") != std::string::npos);
  CHECK(rewritten("mendel-repair-2", "mendel-repair-9").find("format") != std::string::npos);
  CHECK(rewritten("mendel-repair-2", "mendel-repair-1").find("train the model again") != std::string::npos);
  CHECK(rewritten("\"head.gate.bias\"", "\"head.gate.bits\"").find("tensor head.gate.bias is missing") != std::string::npos);
  const auto broken = flat.clone();
  broken[7] = NAN;
  REQUIRE(write_checkpoint(path, network, broken, {}, {}));
  CHECK(read_checkpoint(path).failure().what.find("no numbers") != std::string::npos);
}
