// Identity, counters and numbers of rank 0 for everyone.
#include "shared_start.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace mendel::model {
namespace {

constexpr const char* kFailed = "failed";
constexpr const char* kStep = "optimizer_step";
constexpr const char* kDevice = "run.device";  // of partners; a run may go on on another

Expected<std::optional<RunCounters>> read_own(const std::filesystem::path& path, Network& network, OptimizerState& optimizer, const Metadata& identity) {
  auto state = read_state(path, network, optimizer, identity);
  if (state) return std::optional(std::move(*state));
  if (state.failure().fault == Fault::not_found) return std::optional<RunCounters>();
  if (state.failure().fault == Fault::corrupt)
    if (auto before = read_state(RunPaths::before(path), network, optimizer, identity); before) {
      before->damaged = state.failure().what;
      return std::optional(std::move(*before));
    }
  return state.failure();
}

Expected<Metadata> broadcast_metadata(Partners& partners, const Metadata& metadata) {
  const auto text = broadcast_text(partners, metadata_text(metadata));
  if (!text) return text.failure();
  return metadata_of(*text);
}

Expected<bool> same_identity(Partners& partners, const Metadata& identity) {
  const auto first = broadcast_metadata(partners, identity);
  if (!first) return first.failure();
  const auto other = identity_difference(*first, identity);
  const auto all = partners.gather(at::full({1}, other.empty() ? 1 : 0, at::kLong));
  if (!all) return all.failure();
  if (!other.empty())
    return Failure{Fault::invalid, "rank " + std::to_string(partners.rank()) + " has another " + other + " than rank 0; give all the same dataset and configuration, on processors of one kind"};
  if (std::any_of(all->begin(), all->end(), [](const at::Tensor& t) { return t.item<std::int64_t>() == 0; }))
    return Failure{Fault::invalid, "a partner has another dataset, configuration or processor; its own message says what"};
  return true;
}

}  // namespace

Expected<std::optional<RunCounters>> start_together(Partners* partners, const std::filesystem::path& path, Network& network, OptimizerState& optimizer,
                                                    const Metadata& identity, const Compute& compute) {
  if (!partners) return read_own(path, network, optimizer, identity);
  auto own_identity = identity;
  own_identity[kDevice] = compute.text();
  if (auto same = same_identity(*partners, own_identity); !same) return same.failure();
  Metadata told;
  if (partners->rank() == 0) {
    const auto own = read_own(path, network, optimizer, identity);
    if (!own) told[kFailed] = own.failure().what;
    else if (*own) told = counters_metadata(**own), told[kStep] = std::to_string(optimizer.step);
    if (auto sent = broadcast_metadata(*partners, told); !sent) return sent.failure();
    if (!own) return own.failure();
  } else {
    auto heard = broadcast_metadata(*partners, told);
    if (!heard) return heard.failure();
    told = std::move(*heard);
    if (told.contains(kFailed)) return Failure{Fault::invalid, "rank 0 cannot begin: " + told[kFailed]};
  }
  if (told.empty()) return std::optional<RunCounters>();
  for (auto [name, vector] : state_vectors(network, optimizer))
    if (auto sent = partners->broadcast(vector); !sent) return sent.failure();
  network.refresh();
  const auto step = natural_of(told, kStep, "rank 0");
  if (!step) return step.failure();
  optimizer.step = *step;
  auto counters = counters_of(told, "rank 0");
  if (!counters) return counters.failure();
  return std::optional(std::move(*counters));
}

}  // namespace mendel::model
