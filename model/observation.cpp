// Thoughts of samples in small batches, and numbers about them.
#include "observation.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "ctm_reading.hpp"
#include "inference.hpp"

namespace mendel::model {
namespace {

constexpr std::size_t kSamplesAtOnce = 16;
constexpr double kSilent = 0.01;

std::vector<double> numbers(const at::Tensor& t) {
  const auto flat = t.cpu().to(at::kDouble).contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

void read_machine(const std::vector<Network::Thought>& thoughts, Look& look) {
  std::vector<at::Tensor> s, z;
  for (const auto& t : thoughts) {
    s.push_back(t.s_bs);
    z.push_back(t.z_bd);
  }
  const auto s_bs = at::cat(s), z_bd = at::cat(z);
  look.synchronisation = numbers(s_bs);
  look.sync_variance = s_bs.var(0, false).mean().item<double>();
  look.sync_size = s_bs.abs().mean().item<double>();
  look.sync_alike = s_bs.size(0) < 2 ? 0 : alikeness(CtmReading::normal(s_bs)).item<double>();
  look.nlm_activation_mean = z_bd.abs().mean().item<double>();
  look.nlm_silent = z_bd.abs().amax(0).lt(kSilent).to(at::kDouble).mean().item<double>();
}

double exact_share(std::span<const Sample> samples, const std::vector<std::vector<Proposal>>& answers) {
  std::size_t bugs = 0, exact = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!samples[i].edit) continue;
    ++bugs;
    exact += same_repair(samples[i].cells, answers[i].front().edit, *samples[i].edit) ? 1 : 0;
  }
  return bugs == 0 ? 0 : static_cast<double>(exact) / static_cast<double>(bugs);
}

}  // namespace

Look look_at(const Network& network, std::span<const Sample> samples, std::size_t examples_max, Workers& workers) {
  const c10::NoGradGuard no_grad;
  Look out;
  std::vector<Network::Thought> thoughts((samples.size() + kSamplesAtOnce - 1) / kSamplesAtOnce);
  workers.run(thoughts.size(), [&](std::size_t i) {
    const auto first = i * kSamplesAtOnce;
    thoughts[i] = network.think(samples.subspan(first, std::min(kSamplesAtOnce, samples.size() - first)));
  });
  for (const auto& t : thoughts)
    for (const auto c : numbers(t.certainty_b)) out.certainty.push_back(c);
  for (const auto c : out.certainty) out.certainty_mean += c / static_cast<double>(out.certainty.size());
  if (!thoughts.empty() && thoughts.front().s_bs.defined()) read_machine(thoughts, out);
  const auto answers = propose_all(network, samples, 1, workers);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto& best = answers[i].front();
    out.iterations_per_sample += static_cast<double>(best.steps) / static_cast<double>(samples.size());
    if (samples[i].edit && out.examples.size() < examples_max) out.examples.push_back({samples[i], best});
  }
  const auto& s = network.settings();
  if (s.ctm.neurons == 0 && s.supervision_steps == 1) return out;
  Probe once;
  once.steps = 1;
  const double gained = exact_share(samples, answers) - exact_share(samples, propose_all(network, samples, 1, workers, once));
  out.iteration_efficiency = out.iterations_per_sample > 1 ? gained / (out.iterations_per_sample - 1) : 0;
  return out;
}

}  // namespace mendel::model
