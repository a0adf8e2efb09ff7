// Trunk and head together; what settings are possible.
#include "network.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace mendel::model {
namespace {

constexpr std::uint32_t kWidthMax = 4096, kInnerMax = 16384, kVocabularyMax = 32768, kLayersMax = 64, kSupervisionMax = 16, kHighMax = 16, kLowMax = 32;

}  // namespace

at::ScalarType product_type() { return has_bf16_products() ? at::kBFloat16 : at::kFloat; }

std::string settings_fault(const ModelSettings& s) {
  const auto wrong = [](const std::string& name, auto value, const std::string& allowed) {
    return name + " is " + std::to_string(value) + "; allowed is " + allowed;
  };
  if (s.width < 8 || s.width > kWidthMax) return wrong("width", s.width, "8 to 4096");
  if (s.heads == 0 || s.width % s.heads != 0 || s.width / s.heads % 2 != 0)
    return wrong("heads", s.heads, "a divisor of width " + std::to_string(s.width) + " that leaves an even head width");
  if (s.vocabulary < 8 || s.vocabulary > kVocabularyMax) return wrong("vocabulary", s.vocabulary, "8 to 32768");
  if (s.inner > kInnerMax) return wrong("inner", s.inner, "0 to 16384; 0 takes 8/3 of the width");
  if (s.embedding_rank > s.width) return wrong("embedding_rank", s.embedding_rank, "0 to width " + std::to_string(s.width));
  for (const auto& [name, layers] : {std::pair{"encoder_layers", s.encoder_layers}, std::pair{"recursive_layers", s.recursive_layers}}) {
    if (layers.size() > kLayersMax) return wrong(name, layers.size(), "at most 64 layers");
    const auto at = layers.find_first_not_of("rfc");
    if (at != std::string::npos) return std::string(name) + " has the layer '" + layers[at] + "'; allowed are r (row), f (function) and c (column)";
  }
  if (s.encoder_layers.empty() && s.recursive_layers.empty()) return "encoder_layers and recursive_layers are both empty; give at least one layer";
  if (s.high_cycles > kHighMax) return wrong("high_cycles", s.high_cycles, "0 to 16");
  if (s.low_cycles > kLowMax) return wrong("low_cycles", s.low_cycles, "0 to 32");
  if (s.supervision_steps == 0 || s.supervision_steps > kSupervisionMax) return wrong("supervision_steps", s.supervision_steps, "1 to 16");
  if (s.supervision_steps > 1 && (s.recursive_layers.empty() || s.high_cycles == 0))
    return "supervision_steps is " + std::to_string(s.supervision_steps) + " without a recursion; set it to 1, or give recursive_layers and high_cycles";
  return {};
}

Network::Network(const ModelSettings& settings, std::uint64_t seed, at::ScalarType product_type)
    : settings_(settings),
      parameters_(product_type == at::kDouble ? at::kDouble : at::kFloat, product_type),
      trunk_(settings, parameters_),
      head_(settings, parameters_, trunk_.tokens()) {
  parameters_.finish(seed);
  trunk_.finish(seed + 1);
}

HeadLoss Network::loss(std::span<const Sample> samples) const {
  const auto batch = make_batch(samples);
  return recursion_loss(trunk_.encode(batch), batch, make_targets(samples, *batch));
}

HeadLoss Network::recursion_loss(const Hidden& x, const SharedBatch& batch, const Targets& targets) const {
  std::optional<Carry> carry;
  if (!head_.halts()) return head_.loss(trunk_.step(x, batch, carry), *batch, targets);
  HeadLoss sum = head_.halting_loss(trunk_.step(x, batch, carry), *batch, targets);
  for (std::uint32_t s = 1; s < settings_.supervision_steps; ++s) {
    const auto one = head_.halting_loss(trunk_.step(x, batch, carry), *batch, targets);
    sum = HeadLoss{sum.start + one.start, sum.end + one.end, sum.tokens + one.tokens, sum.halt + one.halt};
  }
  const double share = 1.0 / settings_.supervision_steps;
  return {sum.start * share, sum.end * share, sum.tokens * share, sum.halt * share};
}

std::vector<std::vector<Proposal>> Network::propose(std::span<const Sample> samples, std::uint32_t candidates, const Probe& probe) const {
  const c10::NoGradGuard no_grad;
  const auto batch = make_batch(samples);
  return recursion_propose(trunk_.encode(batch), batch, candidates, probe);
}

std::vector<std::vector<Proposal>> Network::recursion_propose(const Hidden& x, const SharedBatch& batch, std::uint32_t candidates, const Probe& probe) const {
  const std::int64_t limit = probe.steps > 0 ? probe.steps : settings_.supervision_steps;
  std::optional<Carry> carry;
  auto h = trunk_.step(x, batch, carry);
  auto steps_b = at::ones({batch->samples}, at::kLong);
  auto running_b = at::ones({batch->samples}, at::kBool);
  for (std::int64_t s = 1; s < limit; ++s) {
    if (head_.halts() && probe.steps == 0) running_b = running_b.logical_and(head_.halt_logits(h, *batch).le(0));
    if (!running_b.any().item<bool>()) break;
    const auto running_n1 = at::constant_pad_nd(running_b.repeat_interleave(batch->columns), {0, batch->rows - batch->samples * batch->columns}).unsqueeze(1);
    h = with_product(at::where(running_n1, trunk_.step(x, batch, carry).x_nd, h.x_nd), parameters_.product_type());
    steps_b.add_(running_b.to(at::kLong));
  }
  auto out = head_.propose(h, *batch, candidates);
  for (std::size_t b = 0; b < out.size(); ++b)
    for (auto& p : out[b]) p.steps = static_cast<std::uint32_t>(steps_b.data_ptr<std::int64_t>()[b]);
  return out;
}

}  // namespace mendel::model
