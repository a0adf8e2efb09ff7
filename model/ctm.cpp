// The parts of a CTM put together, one tick after the other.
#include "ctm.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "recompute.hpp"

namespace mendel::model {
namespace {

constexpr std::uint32_t kNeuronsMax = 16384, kMemoryMax = 256, kHiddenMax = 256, kDepthMax = 32, kTicksMax = 256, kPairsMax = 16384, kInputMax = 4096;
constexpr std::int64_t kSelfShare = 8;
constexpr const char* kLosses[] = {"last-certain", "least-certain", "mean", "last"};

PairingShape pairs_of(const CtmSettings& s, const CtmOptions& o, bool action) {
  const std::int64_t count = action ? s.pairs_action : s.pairs_out;
  return {s.pairing, s.neurons, count, o.self_pairs >= 0 ? o.self_pairs : count / kSelfShare, action};
}

}  // namespace

std::string ctm_fault(const CtmSettings& s) {
  const struct {
    const char* name;
    std::uint32_t value, least, most;
  } ranges[] = {{"neurons", s.neurons, 16, kNeuronsMax}, {"memory", s.memory, 1, kMemoryMax},
                {"hidden", s.hidden, 0, kHiddenMax}, {"depth", s.depth, 1, kDepthMax},
                {"input", s.input, 4, kInputMax}, {"ticks", s.ticks, 1, kTicksMax},
                {"pairs_out", s.pairs_out, 1, kPairsMax}, {"pairs_action", s.pairs_action, 1, kPairsMax}};
  for (const auto& r : ranges)
    if (r.value < r.least || r.value > r.most)
      return std::string("ctm.") + r.name + " is " + std::to_string(r.value) + "; allowed is " + std::to_string(r.least) + " to " + std::to_string(r.most);
  if (s.heads == 0 || s.input % s.heads != 0)
    return "ctm.heads is " + std::to_string(s.heads) + "; allowed is a divisor of ctm.input " + std::to_string(s.input);
  if (!known_pairing(s.pairing)) return "ctm.pairing is \"" + s.pairing + "\"; allowed are first-last, random and random-pairing";
  if (s.pairing != "random-pairing" && std::max(s.pairs_out, s.pairs_action) > std::min(s.neurons, 1024u))
    return "ctm.pairs_out and ctm.pairs_action are neurons with this ctm.pairing; allowed is at most " + std::to_string(std::min(s.neurons, 1024u));
  if (std::find(std::begin(kLosses), std::end(kLosses), s.loss) == std::end(kLosses))
    return "ctm.loss is \"" + s.loss + "\"; allowed are last-certain, least-certain, mean and last";
  if (!(s.certainty > 0)) return "ctm.certainty is " + std::to_string(s.certainty) + "; it must be above 0";
  return {};
}

Ctm::Ctm(ParameterSet& parameters, const std::string& prefix, const CtmSettings& s, const CtmOptions& o)
    : parameters_(parameters),
      settings_(s),
      memory_(s.memory),
      norm_query_(o.layer_norm_query),
      out_width_(synchronization_width(pairs_of(s, o, false))),
      backbone_(parameters, prefix + "kv", o.features, s.input),
      query_(add_linear(parameters, prefix + "q", synchronization_width(pairs_of(s, o, true)), s.input)),
      attention_(parameters, prefix + "attn", s.input, s.heads),
      synapse_(parameters, prefix + "syn", std::int64_t{s.input} + s.neurons, s.neurons, s.depth),
      nlm_(parameters, prefix + "nlm", {s.neurons, s.memory, s.hidden, o.layer_norm_nlm}),
      start_z_(parameters.add(prefix + "start.z", {s.neurons}, {Start::Kind::uniform, 1}, false)),
      start_trace_(parameters.add(prefix + "start.trace", {s.neurons, s.memory}, {Start::Kind::uniform, 1}, false)),
      action_(parameters, prefix + "decay.action", pairs_of(s, o, true)),
      out_(parameters, prefix + "decay.out", pairs_of(s, o, false)) {}

void Ctm::set_memory(std::uint32_t memory, bool start) {
  memory_ = memory;
  if (start) nlm_.start_with(memory_);
}

void Ctm::constrain() {
  action_.constrain();
  out_.constrain();
}

Ctm::State Ctm::begin(const at::Tensor& features_bnf, const at::Tensor& pad_bn, const Record& record) const {
  const auto b = features_bnf.size(0);
  State state;
  const auto kv_bnd = backbone_(features_bnf);
  if (record) record("kv", kv_bnd);
  state.memory = attention_.memorize(kv_bnd, pad_bn);
  state.neurons = nlm_.ready(memory_);
  state.z_bd = parameters_[start_z_].value.expand({b, -1});
  state.trace_dbm = parameters_[start_trace_].value.narrow(1, settings_.memory - memory_, memory_).unsqueeze(1).expand({-1, b, -1});
  state.action = action_.begin();
  state.out = out_.begin();
  out_.seed(state.out, state.z_bd);
  return state;
}

Ctm::Tick Ctm::tick(State& state, const Record& record) const {
  Tick t;
  t.s_action_bs = action_.add(state.action, state.z_bd);
  const auto asking = norm_query_ ? at::layer_norm(t.s_action_bs, {t.s_action_bs.size(1)}) : t.s_action_bs;
  const auto query_bd = linear(asking, parameters_[query_.weight], parameters_[query_.bias]);  // [B, d_input]
  if (record) record("q", query_bd);
  const auto answer = attention_(query_bd, state.memory);
  t.attended_bd = answer.out_bd;
  t.weights_bhn = answer.weights_bhn;
  t.pre_bd = synapse_(at::cat({t.attended_bd, state.z_bd}, 1), record);  // [B, D]
  const auto kept = state.trace_dbm.narrow(2, 1, memory_ - 1);
  state.trace_dbm = at::cat({kept, t.pre_bd.t().unsqueeze(2)}, 2);
  state.z_bd = nlm_(state.neurons, state.trace_dbm, record);
  t.s_out_bs = out_.add(state.out, state.z_bd);
  return t;
}

namespace {

// A state as tensors in a fixed order, without the pad and the counts, which no tick changes.
Tensors packed(const Ctm::State& s) {
  Tensors out = {s.z_bd, s.trace_dbm, s.action.r_s, s.action.alpha_bs, s.action.beta_s, s.out.r_s, s.out.alpha_bs, s.out.beta_s, s.memory.key_hnd, s.memory.value_hnd};
  out.insert(out.end(), s.neurons.weight_dio.begin(), s.neurons.weight_dio.end());
  out.insert(out.end(), s.neurons.bias_d1o.begin(), s.neurons.bias_d1o.end());
  return out;
}

Ctm::State unpacked(const Tensors& t, const at::Tensor& pad_h1n) {
  constexpr std::ptrdiff_t kFixed = 10;
  Ctm::State s;
  s.z_bd = t[0];
  s.trace_dbm = t[1];
  s.action = {t[2], t[3], t[4]};
  s.out = {t[5], t[6], t[7]};
  s.memory = {t[8], t[9], pad_h1n};
  const auto layers = (static_cast<std::ptrdiff_t>(t.size()) - kFixed) / 2;
  s.neurons.weight_dio.assign(t.begin() + kFixed, t.begin() + kFixed + layers);
  s.neurons.bias_d1o.assign(t.begin() + kFixed + layers, t.end());
  return s;
}

}  // namespace

at::Tensor Ctm::recomputed_tick(State& state) const {
  // The first tick has no sum of its action yet.
  if (!state.action.alpha_bs.defined()) return tick(state).s_out_bs;
  const auto part = [this, pad = state.memory.pad_h1n](const Tensors& inputs) -> Tensors {
    auto own = unpacked(inputs, pad);
    const auto s_out_bs = tick(own).s_out_bs;
    return {s_out_bs, own.z_bd, own.trace_dbm, own.action.alpha_bs, own.action.beta_s, own.out.alpha_bs, own.out.beta_s};
  };
  const auto out = recomputed(part, packed(state), parameters_);
  state.z_bd = out[1];
  state.trace_dbm = out[2];
  state.action.alpha_bs = out[3];
  state.action.beta_s = out[4];
  state.out.alpha_bs = out[5];
  state.out.beta_s = out[6];
  return out[0];
}

at::Tensor certainty(const at::Tensor& log_probability, const at::Tensor& classes) {
  // Where a probability is 0 its logarithm may be -inf or a mask's -1e4.
  const auto entropy = -(log_probability.exp() * log_probability.clamp_min(-100)).sum(-1);
  return 1 - entropy / classes.to(log_probability.scalar_type()).log();
}

}  // namespace mendel::model
