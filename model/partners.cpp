// Partners over c10d's gloo backend, or the message that this build has none.
#include "partners.hpp"

#include <ATen/ATen.h>

#include <bit>
#include <chrono>
#include <cstring>

#ifdef MENDEL_C10D
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

namespace mendel::model {
namespace {

constexpr std::uint32_t kPartnersMax = 1024;

std::string group_fault(const Group& group) {
  if (group.size == 0 || group.size > kPartnersMax || !std::has_single_bit(group.size))
    return "WORLD_SIZE is " + std::to_string(group.size) + "; allowed are 1, 2, 4, 8 and so on to " + std::to_string(kPartnersMax) +
           ": only so does the sum of the gradients not depend on it";
  if (group.rank >= group.size) return "RANK is " + std::to_string(group.rank) + "; allowed is 0 to " + std::to_string(group.size - 1);
  if (group.address.empty() || group.port == 0) return "MASTER_ADDR and MASTER_PORT must name where the process of rank 0 listens";
  return {};
}

#ifdef MENDEL_C10D

std::string first_line(const char* text) {
  const std::string all = text;
  return all.substr(0, all.find('\n'));
}

class GlooPartners : public Partners {
 public:
  GlooPartners(const Group& group, c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo) : group_(group), gloo_(std::move(gloo)) {}

  std::uint32_t rank() const override { return group_.rank; }
  std::uint32_t size() const override { return group_.size; }

  Expected<std::vector<at::Tensor>> gather(const at::Tensor& mine) override {
    std::vector<std::vector<at::Tensor>> out(1);
    std::vector<at::Tensor> in = {mine.cpu()};
    for (std::uint32_t i = 0; i < group_.size; ++i) out[0].push_back(at::empty_like(in[0]));
    if (auto done = wait([&] { gloo_->allgather(out, in)->wait(); }); !done) return done.failure();
    for (auto& t : out[0]) t = t.to(mine.device());
    return std::move(out[0]);
  }

  Expected<bool> broadcast(at::Tensor& tensor) override {
    std::vector<at::Tensor> all = {tensor.cpu()};
    auto done = wait([&] { gloo_->broadcast(all)->wait(); });
    if (done && !tensor.is_cpu()) tensor.copy_(all[0]);
    return done;
  }

 private:
  template <class F>
  Expected<bool> wait(F call) {
    try {
      call();
      return true;
    } catch (const std::exception& error) {
      return Failure{Fault::partner_lost, "rank " + std::to_string(group_.rank) + " of " + std::to_string(group_.size) +
                                              " lost a partner (it ended, or did not answer for " + std::to_string(group_.timeout_s) +
                                              " s; see its own message): " + first_line(error.what())};
    }
  }

  Group group_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
};

bool is_loopback(const std::string& address) { return address == "localhost" || address == "::1" || address.starts_with("127."); }

c10::intrusive_ptr<c10d::ProcessGroupGloo> rendezvous(const Group& group) {
  const std::chrono::milliseconds timeout = std::chrono::seconds(group.timeout_s);
  c10d::TCPStoreOptions options;
  options.port = group.port;
  options.isServer = group.rank == 0 && !group.has_store;
  options.numWorkers = group.has_store ? std::nullopt : std::optional<std::size_t>(group.size);
  options.waitWorkers = !group.has_store;
  options.timeout = timeout;
  auto store = c10::make_intrusive<c10d::TCPStore>(group.address, options);
  auto own = c10::make_intrusive<c10d::PrefixStore>("mendel/" + group.attempt, std::move(store));
  auto gloo = c10d::ProcessGroupGloo::Options::create(timeout);
  if (!group.interface.empty()) gloo->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(group.interface));
  else if (is_loopback(group.address)) gloo->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(group.address));
  else gloo->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
  return c10::make_intrusive<c10d::ProcessGroupGloo>(std::move(own), static_cast<int>(group.rank), static_cast<int>(group.size), std::move(gloo));
}

#endif

}  // namespace

Expected<std::unique_ptr<Partners>> Partners::join(const Group& group) {
  if (const auto why = group_fault(group); !why.empty()) return Failure{Fault::invalid, why};
#ifdef MENDEL_C10D
  try {
    return std::unique_ptr<Partners>(std::make_unique<GlooPartners>(group, rendezvous(group)));
  } catch (const std::exception& error) {
    return Failure{Fault::partner_lost, "rank " + std::to_string(group.rank) + " of " + std::to_string(group.size) + " did not meet its partners at " + group.address + ":" +
                                            std::to_string(group.port) + " (start all of them within " + std::to_string(group.timeout_s) + " s): " + first_line(error.what())};
  }
#else
  return Failure{Fault::invalid, "this program was built without c10d (gloo's headers were missing); install libgloo-dev and build again, or train in one process"};
#endif
}

Expected<std::string> broadcast_text(Partners& partners, const std::string& text) {
  auto length = at::full({1}, static_cast<std::int64_t>(text.size()), at::kLong);
  if (auto sent = partners.broadcast(length); !sent) return sent.failure();
  auto bytes = at::zeros({length.item<std::int64_t>()}, at::kByte);
  if (bytes.numel() == 0) return std::string();
  if (partners.rank() == 0) std::memcpy(bytes.data_ptr(), text.data(), text.size());
  if (auto sent = partners.broadcast(bytes); !sent) return sent.failure();
  return std::string(static_cast<const char*>(bytes.data_ptr()), static_cast<std::size_t>(bytes.numel()));
}

}  // namespace mendel::model
