// CTM beside its authors' numbers: every tick, the accumulators, the loss at two chosen ticks, gradients.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "ctm.hpp"
#include "ctm_reading.hpp"
#include "parity_file.hpp"

namespace mendel::model {
namespace {

struct Gates {
  double values, zero;
};
// The recurrence with a LayerNorm inside the neuron models is ill-conditioned in float.
Gates gates_of(const ParityFile& file) {
  if (file.wide()) return {1e-9, 1e-12};
  return {file.text("nlm_layernorm") == "true" ? 1e-4 : 1e-5, 1e-6};
}

std::uint32_t natural(const ParityFile& file, const char* key) {
  const auto value = file.number(key);
  if (value < 0 || value > 65536) throw ParityMismatch(std::string("metadata field ") + key + " is out of range");
  return static_cast<std::uint32_t>(value);
}

CtmSettings settings_of(const ParityFile& file) {
  CtmSettings s;
  s.neurons = natural(file, "D");
  s.memory = natural(file, "M");
  s.hidden = file.text("deep_nlms") == "true" ? natural(file, "nlm_hidden") : 0;
  s.depth = natural(file, "synapse_depth");
  s.input = natural(file, "d_input");
  s.heads = natural(file, "heads");
  s.pairs_out = natural(file, "n_synch_out");
  s.pairs_action = natural(file, "n_synch_action");
  s.pairing = file.text("pairing");
  s.ticks = natural(file, "T");
  s.loss = "least-certain";
  return s;
}

// The machine, its head, and what every tick gave.
struct Thought {
  std::vector<at::Tensor> s_action, s_out, attended, weights, pre, post, y, certainty;

  void compare(ParityFile& file, double gate, bool wide) const {
    const auto group = [&](const char* name, const std::vector<at::Tensor>& ticks) { file.compare("ticks", gate, std::string("tick.") + name, at::stack(ticks)); };
    group("s_action", s_action);
    group("s_out", s_out);
    group("attn_out", attended);
    group("attn_weights", weights);
    group("pre", pre);
    group("post", post);
    file.compare("prediction", gate, "tick.y", at::stack(y));
    const auto certain = at::stack(certainty);
    file.compare("certainty", gate, "tick.certainty_exact_log", at::stack({1 - certain, certain}, 2));
    // The original takes the logarithm of the classes in float, in double too: not to be met there.
    if (wide) file.use("tick.certainty");
    else file.compare("certainty", gate, "tick.certainty", at::stack({1 - certain, certain}, 2));
  }
};

void compare_accumulators(ParityFile& file, double gate, const Ctm::State& state, const std::string& at, bool seed) {
  const auto pair = [&](const char* side, const Synchronization::State& s) {
    const auto prefix = std::string("acc.") + side + ".";
    file.compare("accumulators", gate, prefix + "alpha." + at, s.alpha_bs);
    file.compare("accumulators", gate, prefix + "beta." + at, s.beta_s.expand_as(s.alpha_bs));
  };
  pair("out", state.out);
  if (!seed) pair("action", state.action);
}

struct Machine {
  ParameterSet parameters;
  CtmSettings settings;
  Ctm ctm;
  LinearIndex head;

  Machine(ParityFile& file, const CtmSettings& s, const CtmOptions& options)
      : parameters(file.type(), file.type()), settings(s), ctm(parameters, "", s, options),
        head(add_linear(parameters, "head", ctm.out_width(), file.number("out_dims"))) {
    parameters.finish(0);
    for (const auto& p : parameters.all()) p.value.detach().copy_(file.tensor("w." + p.name).view_as(p.value));
    parameters.refresh_products();
    for (const bool action : {true, false}) {
      const std::string prefix = action ? "idx.action." : "idx.out.";
      const PairingShape shape{s.pairing, s.neurons, action ? s.pairs_action : s.pairs_out, options.self_pairs, action};
      (action ? ctm.action() : ctm.out()).set_pairs(make_pairs(shape, file.tensor(prefix + "left"), file.tensor(prefix + "right")));
    }
    ctm.constrain();
  }

  Thought think(ParityFile& file, const Gates& gates, const at::Tensor& features, std::int64_t positions, std::int64_t classes) const {
    const Record nothing;
    const auto probe = [&](const std::string& prefix) -> Record {
      return [&file, &gates, prefix](const std::string& name, const at::Tensor& value) { file.compare("parts", gates.values, prefix + name, value); };
    };
    // The synapse's parts have a prefix of their own in the files.
    const Record first = [&](const std::string& name, const at::Tensor& value) {
      const bool own = name == "q" || name.starts_with("nlm.");
      file.compare("parts", gates.values, (own ? "probe.t0." : "probe.t0.syn.") + name, value);
    };
    auto state = ctm.begin(features, {}, probe("probe."));
    compare_accumulators(file, gates.values, state, "seed", true);
    Thought out;
    for (std::uint32_t t = 0; t < settings.ticks; ++t) {
      const auto tick = ctm.tick(state, t == 0 ? first : nothing);
      out.s_action.push_back(tick.s_action_bs);
      out.s_out.push_back(tick.s_out_bs);
      out.attended.push_back(tick.attended_bd);
      out.weights.push_back(tick.weights_bhn);
      out.pre.push_back(tick.pre_bd);
      out.post.push_back(state.z_bd);
      out.y.push_back(linear(tick.s_out_bs, parameters[head.weight], parameters[head.bias]));
      const auto log_p = out.y.back().view({-1, positions, classes}).log_softmax(2);
      out.certainty.push_back(certainty(log_p, at::full({1}, static_cast<double>(classes), log_p.options())).mean(1));
      const bool last = t + 1 == settings.ticks;
      if (t < 2 || last) compare_accumulators(file, gates.values, state, last ? "last" : "t" + std::to_string(t), false);
      if (t == 0 || last) file.compare("parts", gates.values, last ? "probe.trace.last" : "probe.trace.t0", state.trace_dbm.permute({1, 0, 2}));
    }
    return out;
  }
};

at::Tensor check_loss(ParityFile& file, double gate, const Thought& thought, std::int64_t positions, std::int64_t classes) {
  const auto targets = file.tensor("in.targets").view({-1, positions});
  std::vector<at::Tensor> ticks;
  for (const auto& y : thought.y) ticks.push_back(-y.view({-1, positions, classes}).log_softmax(2).gather(2, targets.unsqueeze(2)).squeeze(2));
  const auto ce_tbp = at::stack(ticks);
  if (file.has("loss.ce_positions")) file.compare("loss", gate, "loss.ce_positions", ce_tbp);
  const auto ce_tb = ce_tbp.mean(2);
  file.compare("loss", gate, "loss.ce", ce_tb);
  const auto ce_bk = ce_tb.t();
  const auto chosen = choose_ticks("least-certain", ce_bk.detach(), at::stack(thought.certainty, 1).detach());
  file.compare("chosen ticks", 0, "loss.t1", chosen.first_b);
  file.compare("chosen ticks", 0, "loss.t2", chosen.second_b);
  const auto mean_at = [&](const at::Tensor& index_b) { return ce_bk.gather(1, index_b.unsqueeze(1)).mean(); };
  const auto first = mean_at(chosen.first_b), second = mean_at(chosen.second_b);
  file.compare("loss", gate, "loss.ce_t1_mean", first);
  file.compare("loss", gate, "loss.ce_t2_mean", second);
  const auto total = (first + second) / 2;
  file.compare("loss", gate, "loss.total", total);
  return total;
}

void check_gradients(ParityFile& file, const Gates& gates, const Machine& machine, const at::Tensor& loss, const at::Tensor& features) {
  std::vector<at::Tensor> leaves = {features};
  for (const auto& p : machine.parameters.all()) leaves.push_back(p.value);
  const auto gradients = torch::autograd::grad({loss}, leaves);
  file.compare("gradients", gates.values, "grad.in.features", gradients[0]);
  double squares = 0;
  for (std::size_t i = 1; i < gradients.size(); ++i) {
    const auto& name = machine.parameters[i - 1].name;
    squares += gradients[i].to(at::kDouble).square().sum().item<double>();
    file.compare("gradients", gates.values, "grad." + name, gradients[i].contiguous());
  }
  file.compare("gradients", gates.values, "grad_norm", at::full({1}, std::sqrt(squares), at::kDouble));
  // A shift of all keys changes no attention, so their bias has no gradient in theory.
  const auto width = file.number("d_input");
  const auto& names = machine.parameters.all();
  for (std::size_t i = 1; i < gradients.size(); ++i)
    if (names[i - 1].name == "attn.in.bias")
      file.compare_zero("zero gradients", gates.zero, "grad.attn.in.bias, keys", gradients[i].narrow(0, width, width));
    else if (names[i - 1].name == "start.trace")
      file.compare_zero("zero gradients", gates.zero, "grad.start.trace, oldest", gradients[i].select(1, 0));
}

}  // namespace

void check_ctm(ParityFile& file) {
  const auto gates = gates_of(file);
  const auto settings = settings_of(file);
  if (const auto why = ctm_fault(settings); !why.empty()) throw ParityMismatch("metadata: " + why);
  if (file.number("dropout") != 0) throw ParityMismatch("metadata field dropout is not 0");
  CtmOptions options;
  options.features = file.number("d_feat");
  options.self_pairs = settings.pairing == "random-pairing" ? file.number("n_random_pairing_self") : 0;
  options.layer_norm_nlm = file.text("nlm_layernorm") == "true";
  options.layer_norm_query = false;
  const Machine machine(file, settings, options);
  for (const auto& p : machine.parameters.all())
    if (p.name.starts_with("decay.")) file.compare("clamped decays", 0, "after." + p.name, p.value);
  file.compare("widths", 0, "syn.widths", at::tensor(synapse_widths(settings.neurons, settings.depth), at::kLong));
  const auto positions = file.number("positions"), classes = file.number("classes");
  const auto features = file.tensor("in.features").requires_grad_(true);
  const auto thought = machine.think(file, gates, features, positions, classes);
  thought.compare(file, gates.values, file.wide());
  check_gradients(file, gates, machine, check_loss(file, gates.values, thought, positions, classes), features);
}

}  // namespace mendel::model
