// TRM beside its authors' numbers: one block, one supervision step and its gradients, four carried steps,
// four training steps, the optimizer on its own, the loss on its own.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "adam_atan2.hpp"
#include "parity_file.hpp"
#include "trm.hpp"

namespace mendel::model {
namespace {

constexpr double kEma = 0.999;

struct Gates {
  double one, carried;
};
Gates gates_of(const ParityFile& file) { return file.wide() ? Gates{1e-9, 1e-9} : Gates{1e-5, 1e-4}; }

TrmShape shape_of(const ParityFile& file) {
  TrmShape s{};
  s.vocabulary = file.number("vocab_size");
  s.width = file.number("hidden_size");
  s.heads = file.number("num_heads");
  s.inner = file.number("intermediate");
  s.layers = file.number("L_layers");
  s.length = file.number("seq_len");
  s.high_cycles = static_cast<std::uint32_t>(file.number("H_cycles"));
  s.low_cycles = static_cast<std::uint32_t>(file.number("L_cycles"));
  s.steps_max = static_cast<std::uint32_t>(file.number("halt_max_steps"));
  s.ignored_label = file.number("ignore_label");
  return s;
}

// Weights and buffers lie in the file itself, or in the one it names.
struct Weights {
  ParityFile* file;
  std::optional<ParityFile> other;

  explicit Weights(ParityFile& own) : file(&own) {
    if (own.has("weight.embed")) return;
    auto opened = ParityFile::open(own.sibling(""), own.sibling(own.text("weights_in")));
    if (!opened) throw ParityMismatch(opened.failure().what);
    other.emplace(std::move(*opened));
    file = &*other;
  }
  at::Tensor operator()(const std::string& name, at::ScalarType type) { return file->tensor(name).to(type); }
};

void fill(Trm& trm, Weights& weights) {
  const auto type = trm.parameters().type();
  for (const auto& p : trm.parameters().all()) p.value.detach().copy_(weights("weight." + p.name, type));
  trm.parameters().refresh_products();
  const auto half = trm.shape().width / trm.shape().heads / 2;
  const auto table = [&](const char* name) { return weights(name, type).narrow(1, 0, half).contiguous(); };
  trm.set_buffers(weights("buffer.L_init", type), weights("buffer.H_init", type), {table("buffer.rope.cos"), table("buffer.rope.sin")});
}

at::Tensor rotated(const at::Tensor& x_bshd, const Rotation& r, std::int64_t length) {
  const auto half = x_bshd.size(3) / 2;
  const auto cos = r.cos_ph.narrow(0, 0, length).unsqueeze(1), sin = r.sin_ph.narrow(0, 0, length).unsqueeze(1);
  const auto a = x_bshd.narrow(3, 0, half), b = x_bshd.narrow(3, half, half);
  return at::cat({a * cos - b * sin, b * cos + a * sin}, 3);
}

void check_block(ParityFile& file, const Trm& trm, double gate, const at::Tensor& input_bsd) {
  const auto& s = trm.shape();
  const auto parts = block_parts(with_product(trm.flat(input_bsd), trm.parameters().type()), trm.layer(0), trm.batch(), Reach::function, trm.rotation());
  const auto compare = [&](const char* name, const at::Tensor& ours) { file.compare("block", gate, std::string("first.block0.") + name, ours, 1); };
  const auto qkv = parts.qkv.narrow(0, 0, input_bsd.size(0) * s.length).view({input_bsd.size(0), s.length, 3, s.heads, s.width / s.heads});
  compare("in", input_bsd);
  compare("q", qkv.select(2, 0));
  compare("k", qkv.select(2, 1));
  compare("q_rope", rotated(qkv.select(2, 0), trm.rotation(), s.length));
  compare("k_rope", rotated(qkv.select(2, 1), trm.rotation(), s.length));
  compare("attn_out", trm.square(parts.attended));
  compare("norm1_out", trm.square(parts.middle));
  compare("swiglu_out", trm.square(parts.gated));
  compare("norm2_out", trm.run(input_bsd, 1));
}

void compare_step(ParityFile& file, const std::string& group, double gate, const std::string& prefix, const TrmStep& step, const TrmLoss& loss) {
  file.compare(group, gate, prefix + "logits", step.logits_bsv);
  file.compare(group, gate, prefix + "q_halt", step.halt_b);
  file.compare(group, gate, prefix + "q_continue", step.go_on_b);
  file.compare(group, gate, prefix + "seq_correct", loss.right_b);
  file.compare(group, gate, prefix + "lm_loss", loss.tokens);
  file.compare(group, gate, prefix + "q_halt_loss", loss.halt);
  file.compare(group, gate, prefix + "total_loss", loss.total);
}

std::vector<at::Tensor> gradients_of(Trm& trm, const at::Tensor& loss) {
  std::vector<at::Tensor> leaves;
  for (const auto& p : trm.parameters().all()) leaves.push_back(p.value);
  return torch::autograd::grad({loss}, leaves);
}

double norm_of(const std::vector<at::Tensor>& tensors) {
  double squares = 0;
  for (const auto& t : tensors) squares += t.to(at::kDouble).square().sum().item<double>();
  return std::sqrt(squares);
}

at::Tensor scalar(double value) { return at::full({1}, value, at::kDouble); }

void check_first(ParityFile& file, Trm& trm, double gate) {
  const auto& s = trm.shape();
  const auto tokens = file.tensor("input.tokens"), labels = file.tensor("input.labels");
  const auto step = trm.step(trm.fresh(), tokens, labels);
  const auto loss = trm.loss(step);
  {
    const c10::NoGradGuard no_grad;
    const auto x_bsd = trm.embed(tokens);
    file.compare("first step", gate, "first.emb", x_bsd, 1);
    Carry at{trm.start_z().expand_as(x_bsd), trm.start_y().expand_as(x_bsd)};
    check_block(file, trm, gate, at.z_nd + (at.y_nd + x_bsd));
    for (std::uint32_t h = 0; h < s.high_cycles; ++h) {
      const auto name = "first.cycle" + std::to_string(h);
      if (h + 1 == s.high_cycles)
        for (std::uint32_t l = 0; l < s.low_cycles; ++l)
          file.compare("first step", gate, "first.last.lstep" + std::to_string(l) + ".zL", trm.cycles(x_bsd, at, 1, l + 1).z_nd, 1);
      at = trm.cycles(x_bsd, at, 1, s.low_cycles);
      file.compare("first step", gate, name + ".zL", at.z_nd, 1);
      file.compare("first step", gate, name + ".zH", at.y_nd, 1);
    }
  }
  compare_step(file, "first step", gate, "first.", step, loss);
  const auto gradients = gradients_of(trm, loss.total);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const auto& name = trm.parameters()[i].name;
    file.compare("gradients", gate, "grad." + name, gradients[i], 0);
    file.compare("gradients", gate, "gradnorm." + name, scalar(norm_of({gradients[i]})));
  }
  file.compare("gradients", gate, "grad_norm", scalar(norm_of(gradients)));
}

// The data offered at a step: the second batch from the second step on.
std::pair<at::Tensor, at::Tensor> offered(ParityFile& file, int k) {
  const std::string name = k == 0 ? "input" : "input2";
  return {file.tensor(name + ".tokens"), file.tensor(name + ".labels")};
}

constexpr int kSteps = 4;

void check_carried(ParityFile& file, Trm& trm, double gate) {
  const c10::NoGradGuard no_grad;
  auto carry = trm.fresh();
  for (int k = 0; k < kSteps; ++k) {
    const auto [tokens, labels] = offered(file, k);
    const auto step = trm.step(carry, tokens, labels);
    const auto prefix = "carry.step" + std::to_string(k) + ".";
    carry = step.carry;
    compare_step(file, "carried steps", gate, prefix, step, trm.loss(step));
    file.compare("carried steps", gate, prefix + "tokens", carry.tokens_bs);
    file.compare("carried steps", gate, prefix + "labels", carry.labels_bs);
    file.compare("carried steps", gate, prefix + "halted", carry.halted_b);
    file.compare("carried steps", gate, prefix + "steps", carry.steps_b);
    file.compare("carried steps", gate, prefix + "zH", carry.y_bsd, 1);
    file.compare("carried steps", gate, prefix + "zL", carry.z_bsd, 1);
  }
}

// "layer0.attn.o.first8rows" -> the parameter and its rows; a name without rows means all of them.
struct PartName {
  std::string parameter;
  std::int64_t rows = -1;

  explicit PartName(const std::string& name) : parameter(name) {
    const auto at = name.rfind(".first");
    if (at == std::string::npos || !name.ends_with("rows")) return;
    parameter = name.substr(0, at);
    rows = std::stoll(name.substr(at + 6));
  }
  at::Tensor of(const at::Tensor& whole) const { return rows < 0 ? whole : whole.narrow(0, 0, rows); }
};

// Names X of all tensors PREFIX X SUFFIX.
std::vector<std::string> between(const ParityFile& file, const std::string& prefix, const std::string& suffix) {
  std::vector<std::string> out;
  for (const auto& entry : file.entries())
    if (entry.name.starts_with(prefix) && entry.name.ends_with(suffix) && entry.name.size() > prefix.size() + suffix.size())
      out.push_back(entry.name.substr(prefix.size(), entry.name.size() - prefix.size() - suffix.size()));
  return out;
}

void check_training(ParityFile& file, Trm& trm, std::int64_t rows, double gate) {
  const auto rates = file.tensor("train.lr").to(at::kDouble);
  const auto& all = trm.parameters().all();
  std::vector<AdamAtan2Moments> moments(all.size());
  std::vector<at::Tensor> average;
  for (const auto& p : all) average.push_back(p.value.detach().clone());
  auto carry = trm.fresh();
  for (int k = 0; k < kSteps; ++k) {
    const auto [tokens, labels] = offered(file, k);
    const auto step = trm.step(carry, tokens, labels);
    const auto loss = trm.loss(step);
    const auto gradients = gradients_of(trm, loss.total / static_cast<double>(rows));
    const auto prefix = "train.step" + std::to_string(k) + ".";
    carry = step.carry;
    file.compare("training", gate, prefix + "lm_loss", loss.tokens);
    file.compare("training", gate, prefix + "q_halt_loss", loss.halt);
    file.compare("training", gate, prefix + "total_loss", loss.total);
    file.compare("training", gate, prefix + "grad_norm", scalar(norm_of(gradients)));
    file.compare("training", gate, prefix + "halted", carry.halted_b);
    const c10::NoGradGuard no_grad;
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto value = all[i].value.detach();
      adam_atan2_step(value, gradients[i], {}, rates[k].item<double>(), moments[i]);
      average[i].lerp_(value, 1 - kEma);
    }
    trm.parameters().refresh_products();
  }
  for (const auto& name : between(file, "train.final.", "")) {
    const PartName part(name);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].name != part.parameter) continue;
      file.compare("training", gate, "train.final." + name, part.of(all[i].value));
      file.compare("training", gate, "train.ema." + name, part.of(average[i]));
    }
  }
}

void check_optimizer(ParityFile& file, double gate) {
  for (const auto& name : between(file, "opt.", ".init"))
    for (const auto& hyper_name : between(file, "opt.", ".hyper")) {
      const auto prefix = "opt." + hyper_name + ".";
      const auto hyper = file.tensor(prefix + "hyper").to(at::kDouble), rates = file.tensor(prefix + "lr").to(at::kDouble);
      const AdamAtan2Options options{hyper[0].item<double>(), hyper[1].item<double>(), hyper[2].item<double>()};
      auto value = file.tensor("opt." + name + ".init").clone(), average = value.clone();
      AdamAtan2Moments moments;
      for (int t = 0; t < kSteps; ++t) {
        const auto at = std::to_string(t);
        adam_atan2_step(value, file.tensor("opt." + name + ".grad" + at), options, rates[t].item<double>(), moments);
        average.lerp_(value, 1 - hyper[3].item<double>());
        file.compare("optimizer and average", gate, prefix + name + ".param" + at, value);
        file.compare("optimizer and average", gate, prefix + name + ".ema" + at, average);
      }
      file.compare("optimizer and average", gate, prefix + name + ".exp_avg3", moments.first);
      file.compare("optimizer and average", gate, prefix + name + ".exp_avg_sq3", moments.second);
    }
}

}  // namespace

void check_trm(ParityFile& file) {
  if (file.text("mlp_t") != "false") throw ParityMismatch("metadata field mlp_t is not false: only the attention variant is built");
  const auto gates = gates_of(file);
  Weights weights(file);
  Trm trm(shape_of(file), file.number("batch"), file.type());
  fill(trm, weights);
  const auto own = make_rotation(trm.shape().length, trm.shape().width / trm.shape().heads, at::kFloat);
  if (file.has("buffer.rope.cos")) {
    file.compare("rotation", 1e-6, "buffer.rope.cos", at::cat({own.cos_ph, own.cos_ph}, 1));
    file.compare("rotation", 1e-6, "buffer.rope.sin", at::cat({own.sin_ph, own.sin_ph}, 1));
  }
  // Tables in double are in the files to show the difference; the original does not use them.
  for (const auto* name : {"extra.rope.cos_f64", "extra.rope.sin_f64"}) file.use(name);
  check_first(file, trm, gates.one);
  check_carried(file, trm, gates.carried);
  check_training(file, trm, file.number("batch"), gates.carried);
  check_optimizer(file, gates.one);
}

void check_stablemax(ParityFile& file) {
  const auto gate = gates_of(file).one;
  const auto logits = file.tensor("logits").requires_grad_(true);
  const auto loss = stablemax_cross_entropy(logits, file.tensor("labels"), file.number("ignore_label"));
  file.compare("stablemax", gate, "logprob", log_stablemax(logits));
  file.compare("stablemax", gate, "loss", loss);
  file.compare("stablemax", gate, "grad", torch::autograd::grad({loss.sum()}, {logits})[0]);
}

}  // namespace mendel::model
