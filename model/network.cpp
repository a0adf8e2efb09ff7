// Trunk and head together; what settings are possible.
#include "network.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace mendel::model {
namespace {

constexpr const char* kMindPrefix = "ctm.";
constexpr std::uint32_t kWidthMax = 4096, kInnerMax = 16384, kVocabularyMax = 32768, kLayersMax = 64, kSupervisionMax = 16, kHighMax = 16, kLowMax = 32;

bool has_mind(const ModelSettings& s) { return s.ctm.neurons > 0; }

Ctm make_machine(const ModelSettings& s, ParameterSet& parameters) {
  CtmOptions options;
  options.features = s.width;
  return Ctm(parameters, kMindPrefix, s.ctm, options);
}

CtmReading make_reading(const ModelSettings& s, ParameterSet& parameters) {
  return CtmReading(parameters, kMindPrefix, synchronization_width({s.ctm.pairing, s.ctm.neurons, s.ctm.pairs_out}), s.width);
}

// Row b of x [B, K, ..] at index_b.
at::Tensor at_tick(const at::Tensor& x_bks, const at::Tensor& index_b) {
  return x_bks.gather(1, index_b.view({-1, 1, 1}).expand({-1, 1, x_bks.size(2)})).squeeze(1);
}

// Certainty of the start's distribution [.., T + 1]: over the real cells and NO_BUG.
at::Tensor start_certainty(const at::Tensor& log_p, const Batch& batch) {
  const auto classes_b = batch.mask_bt.sum(1) + 1;
  return certainty(log_p, log_p.dim() == 3 ? classes_b.unsqueeze(1) : classes_b);
}

void set_steps(std::vector<std::vector<Proposal>>& proposals, const at::Tensor& steps_b) {
  const auto steps_here_b = steps_b.cpu();
  for (std::size_t b = 0; b < proposals.size(); ++b)
    for (auto& p : proposals[b]) p.steps = static_cast<std::uint32_t>(steps_here_b.data_ptr<std::int64_t>()[b]);
}

}  // namespace

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
  if (has_mind(s)) {
    if (auto why = ctm_fault(s.ctm); !why.empty()) return why;
    if (!s.recursive_layers.empty()) return "recursive_layers is \"" + s.recursive_layers + "\" beside a CTM; leave it empty, or set ctm.neurons to 0";
  }
  if (s.encoder_layers.empty() && s.recursive_layers.empty() && !has_mind(s)) return "encoder_layers and recursive_layers are both empty; give at least one layer";
  if (s.high_cycles > kHighMax) return wrong("high_cycles", s.high_cycles, "0 to 16");
  if (s.low_cycles > kLowMax) return wrong("low_cycles", s.low_cycles, "0 to 32");
  if (s.supervision_steps == 0 || s.supervision_steps > kSupervisionMax) return wrong("supervision_steps", s.supervision_steps, "1 to 16");
  if (s.supervision_steps > 1 && (s.recursive_layers.empty() || s.high_cycles == 0))
    return "supervision_steps is " + std::to_string(s.supervision_steps) + " without a recursion; set it to 1, or give recursive_layers and high_cycles";
  return {};
}

Network::Network(const ModelSettings& settings, std::uint64_t seed, at::ScalarType product_type, at::Device device)
    : settings_(settings),
      ticks_built_(settings.ctm.ticks),
      parameters_(product_type == at::kDouble ? at::kDouble : at::kFloat, product_type, device),
      trunk_(settings, parameters_),
      head_(settings, parameters_, trunk_.tokens()) {
  if (has_mind(settings)) mind_ = std::make_unique<Mind>(make_machine(settings, parameters_), make_reading(settings, parameters_));
  parameters_.finish(seed);
  trunk_.finish(seed + 1);
}

Network::Network(const ModelSettings& settings, std::uint64_t seed, const Compute& compute) : Network(settings, seed, compute.products, compute.device) {
  use_operations(compute.operations);
}

void declare_network(const ModelSettings& settings, ParameterSet& parameters) {
  const Trunk trunk(settings, parameters);
  const SpanHead head(settings, parameters, trunk.tokens());
  if (!has_mind(settings)) return;
  make_machine(settings, parameters);
  make_reading(settings, parameters);
}

void Network::set_recompute(bool on) {
  recompute_ = on;
  trunk_.set_recompute(on);
}

void Network::set_thinking(std::uint32_t ticks, std::uint32_t memory, bool start) {
  if (!mind_) return;
  settings_.ctm.ticks = ticks > 0 ? ticks : ticks_built_;
  mind_->machine.set_memory(memory > 0 ? memory : settings_.ctm.memory, start);
  if (start) refresh();
}

Network::Thought Network::think(const SharedBatch& batch) const {
  const c10::NoGradGuard no_grad;
  const auto x = trunk_.encode(batch);
  if (!mind_) {
    std::optional<Carry> carry;
    auto h = trunk_.step(x, batch, carry);
    for (std::uint32_t s = 1; s < settings_.supervision_steps; ++s) h = trunk_.step(x, batch, carry);
    return {start_certainty(head_.start_logits(h, *batch).log_softmax(1), *batch), {}, {}};
  }
  const auto h_btd = head_.cells(x, *batch);
  auto state = mind_->machine.begin(h_btd, batch->pad_bt);
  at::Tensor s_bs;
  for (std::uint32_t k = 0; k < settings_.ctm.ticks; ++k) s_bs = mind_->machine.tick(state).s_out_bs;
  const auto terms_bt1 = mind_->reading.start_terms(CtmReading::normal(s_bs).unsqueeze(1), h_btd).squeeze(1);
  return {start_certainty((head_.start_logits(x, *batch) + terms_bt1).log_softmax(1), *batch), s_bs, state.z_bd};
}

void Network::refresh() {
  parameters_.refresh_products();
  constrain();
}

void Network::constrain() {
  if (mind_) mind_->machine.constrain();
}

SharedBatch Network::batch_of(std::span<const Sample> samples) const {
  const auto batch = make_batch(samples);
  return parameters_.operations() ? on_device(*batch, parameters_.device()) : batch;
}

Network::Prepared Network::prepare(std::span<const Sample> samples) const {
  Prepared out{batch_of(samples), {}};
  out.targets = make_targets(samples, *out.batch);
  return out;
}

HeadLoss Network::loss(const Prepared& prepared) const {
  const auto& [batch, targets] = prepared;
  const auto x = trunk_.encode(batch);
  return mind_ ? ctm_loss(x, batch, targets) : recursion_loss(x, batch, targets);
}

HeadLoss Network::step_loss(const Prepared& prepared, std::span<RowState> states) const {
  const auto& [batch, targets] = prepared;
  const auto x = trunk_.encode(batch);
  std::optional<Carry> carry(std::in_place, trunk_.z_start().expand_as(x.x_nd).clone(), trunk_.y_start().expand_as(x.x_nd).clone());
  const auto rows_of = [&](const at::Tensor& x_nd, std::size_t b) { return x_nd.narrow(0, static_cast<std::int64_t>(b) * batch->columns, batch->lengths[b]); };
  for (std::size_t b = 0; b < states.size(); ++b) {
    if (!states[b].z_td.defined()) continue;
    rows_of(carry->z_nd, b).copy_(states[b].z_td);
    rows_of(carry->y_nd, b).copy_(states[b].y_td);
  }
  const auto h = trunk_.step(x, batch, carry);
  {
    const c10::NoGradGuard no_grad;
    const auto halt_b = head_.halt_logits(h, *batch).to(at::kCPU, at::kDouble);
    for (std::size_t b = 0; b < states.size(); ++b)
      states[b] = {rows_of(carry->z_nd, b).clone(), rows_of(carry->y_nd, b).clone(), halt_b.data_ptr<double>()[b]};
  }
  return head_.halting_loss(h, *batch, targets);
}

HeadLoss Network::ctm_loss(const Hidden& x, const SharedBatch& batch, const Targets& targets) const {
  const auto h_btd = head_.cells(x, *batch);
  auto state = mind_->machine.begin(h_btd, batch->pad_bt);
  std::vector<at::Tensor> ticks;
  for (std::uint32_t k = 0; k < settings_.ctm.ticks; ++k) ticks.push_back(CtmReading::normal(recompute_ ? mind_->machine.recomputed_tick(state) : mind_->machine.tick(state).s_out_bs));
  const auto s_bks = at::stack(ticks, 1);
  const auto log_p_bkt = (head_.start_logits(x, *batch).unsqueeze(1) + mind_->reading.start_terms(s_bks, h_btd)).log_softmax(2);
  const auto ce_bk = -log_p_bkt.gather(2, targets.start_b.view({-1, 1, 1}).expand({-1, settings_.ctm.ticks, 1})).squeeze(2);
  const auto t = choose_ticks(settings_.ctm.loss, ce_bk.detach(), start_certainty(log_p_bkt.detach(), *batch));
  const auto s_bs = at_tick(s_bks, t.edit_b);
  auto out = head_.edit_loss(x, *batch, targets, mind_->reading.edit_guidance(s_bs), nullptr);
  if (sync_diversity_ > 0 && batch->samples > 1) out.diversity = alikeness(s_bs) * (sync_diversity_ * static_cast<double>(batch->samples));
  const auto at = [&](const at::Tensor& index_b) { return ce_bk.gather(1, index_b.unsqueeze(1)).sum(); };
  out.start = settings_.ctm.loss == "mean" ? ce_bk.mean(1).sum() : (at(t.first_b) + at(t.second_b)) * 0.5;
  return out;
}

HeadLoss Network::recursion_loss(const Hidden& x, const SharedBatch& batch, const Targets& targets) const {
  std::optional<Carry> carry;
  if (!head_.halts()) return head_.loss(trunk_.step(x, batch, carry), *batch, targets);
  HeadLoss sum = head_.halting_loss(trunk_.step(x, batch, carry), *batch, targets);
  for (std::uint32_t s = 1; s < settings_.supervision_steps; ++s) {
    const auto one = head_.halting_loss(trunk_.step(x, batch, carry), *batch, targets);
    sum = HeadLoss{sum.start + one.start, sum.end + one.end, sum.tokens + one.tokens, sum.halt + one.halt, {}};
  }
  const double share = 1.0 / settings_.supervision_steps;
  return {sum.start * share, sum.end * share, sum.tokens * share, sum.halt * share, {}};
}

std::vector<std::vector<Proposal>> Network::propose(std::span<const Sample> samples, std::uint32_t candidates, const Probe& probe) const {
  const c10::NoGradGuard no_grad;
  const auto batch = batch_of(samples);
  const auto x = trunk_.encode(batch);
  return mind_ ? ctm_propose(x, batch, candidates, probe) : recursion_propose(x, batch, candidates, probe);
}

std::vector<std::vector<Proposal>> Network::ctm_propose(const Hidden& x, const SharedBatch& batch, std::uint32_t candidates, const Probe& probe) const {
  const auto h_btd = head_.cells(x, *batch);
  const auto own_bt1 = head_.start_logits(x, *batch);
  auto state = mind_->machine.begin(h_btd, batch->pad_bt);
  auto steps_b = at::ones({batch->samples}, batch->ids_bt.options()), running_b = steps_b.to(at::kBool);
  at::Tensor s_bs, terms_bt1, best_b;
  for (std::int64_t k = 1, limit = probe.steps > 0 ? probe.steps : settings_.ctm.ticks; k <= limit; ++k) {
    auto heard_bs = CtmReading::normal(mind_->machine.tick(state).s_out_bs);
    if (probe.synchronisation == Probe::Synchronisation::another) heard_bs = heard_bs.roll(1, 0);
    if (probe.synchronisation == Probe::Synchronisation::none) heard_bs = at::zeros_like(heard_bs);
    const auto heard_terms_bt1 = mind_->reading.start_terms(heard_bs.unsqueeze(1), h_btd).squeeze(1);
    const auto certainty_b = start_certainty((own_bt1 + heard_terms_bt1).log_softmax(1), *batch);
    // A given number of ticks is read at its last; else a sample answers at its most certain tick so far.
    const auto better_b = k == 1 || probe.steps > 0 ? at::ones_like(running_b) : running_b.logical_and(certainty_b > best_b);
    const auto better_b1 = better_b.unsqueeze(1);
    s_bs = k == 1 ? heard_bs : at::where(better_b1, heard_bs, s_bs);
    terms_bt1 = k == 1 ? heard_terms_bt1 : at::where(better_b1, heard_terms_bt1, terms_bt1);
    best_b = k == 1 ? certainty_b : at::where(better_b, certainty_b, best_b);
    steps_b.masked_fill_(better_b, k);
    if (probe.steps > 0) continue;
    running_b = running_b.logical_and(certainty_b < settings_.ctm.certainty);
    if (!running_b.any().item<bool>()) break;
  }
  auto guidance = mind_->reading.edit_guidance(s_bs);
  guidance.start_bt1 = terms_bt1;
  auto out = head_.propose(x, *batch, candidates, guidance);
  set_steps(out, steps_b);
  return out;
}

std::vector<std::vector<Proposal>> Network::recursion_propose(const Hidden& x, const SharedBatch& batch, std::uint32_t candidates, const Probe& probe) const {
  const std::int64_t limit = probe.steps > 0 ? probe.steps : settings_.supervision_steps;
  std::optional<Carry> carry;
  auto h = trunk_.step(x, batch, carry);
  auto steps_b = at::ones({batch->samples}, batch->ids_bt.options());
  auto running_b = steps_b.to(at::kBool);
  for (std::int64_t s = 1; s < limit; ++s) {
    if (head_.halts() && probe.steps == 0) running_b = running_b.logical_and(head_.halt_logits(h, *batch).le(0));
    if (!running_b.any().item<bool>()) break;
    const auto running_n1 = at::constant_pad_nd(running_b.repeat_interleave(batch->columns), {0, batch->rows - batch->samples * batch->columns}).unsqueeze(1);
    h = with_product(at::where(running_n1, trunk_.step(x, batch, carry).x_nd, h.x_nd), parameters_.product_type());
    steps_b.add_(running_b.to(at::kLong));
  }
  auto out = head_.propose(h, *batch, candidates);
  set_steps(out, steps_b);
  return out;
}

}  // namespace mendel::model
