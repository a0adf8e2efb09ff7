// The protocol of a node.
#include "actors/runtime/node_core.hpp"

#include <algorithm>

namespace mendel::runtime {
namespace {

constexpr Moment kAskAgain{500};  // a want or a lease may have been lost
constexpr std::size_t kBatchBytes = 4u << 20;

}  // namespace

std::shared_ptr<Envelope> NodeCore::envelope() const {
  auto out = std::make_shared<Envelope>();
  out->set_protocol(kProtocol);
  out->set_epoch(epoch_);
  return out;
}

void NodeCore::start(Moment now, NodeActions& actions) {
  hello_at_ = now;
  joined_ = false;
  auto message = envelope();
  *message->mutable_hello() = hello_;
  actions.send.push_back(std::move(message));
}

void NodeCore::receive(const Envelope& message, Moment now, NodeActions& actions) {
  epoch_ = message.epoch();
  switch (message.body_case()) {
    case Envelope::kWelcome:
      actions.refused = message.welcome().refused();
      if (!actions.refused.empty() || joined_) return;
      lease_ = Moment(message.welcome().lease_ms());
      config_.ParseFromString(message.welcome().config());
      joined_ = true;
      actions.configured = true;
      for (auto& [batch, sent] : unacked_) sent.sent_at = now - limits_.resend;
      ask(now, actions);
      break;
    case Envelope::kLease: on_lease(message.lease(), actions); break;
    case Envelope::kAck:
      take_ack(message.ack().batch());
      if (room() * 2 >= limits_.held_max) ask(now, actions);
      check_end(actions);
      break;
    case Envelope::kRenewAnswer:
      for (const auto& lost : message.renew_answer().lost())
        std::erase_if(queue_, [&](const WorkItem& item) { return item.id() == lost; });
      break;
    case Envelope::kBlob:
      if (message.blob().data().empty()) return;
      vocabularies_.insert(message.blob().hash());
      actions.vocabularies.emplace_back(message.blob().hash(), message.blob().data());
      start_ready(actions);
      break;
    case Envelope::kGoodbye:
      if (message.goodbye().reason() == "hello") {
        if (now - hello_at_ >= Moment(100)) start(now, actions);
      } else {
        on_goodbye(message.goodbye(), actions);
      }
      break;
    default: break;
  }
}

void NodeCore::on_goodbye(const Goodbye& goodbye, NodeActions& actions) { actions.refused = goodbye.reason(); }

void NodeCore::on_lease(const Lease& lease, NodeActions& actions) {
  if (lease.drained()) drained_ = true;
  for (const auto& item : lease.items()) {
    const auto id = ItemId::from_bytes(item.id());
    const bool known = !id || running_.contains(*id) || std::any_of(queue_.begin(), queue_.end(), [&](const auto& q) { return q.id() == item.id(); });
    if (!known && !draining_) queue_.push_back(item);
  }
  start_ready(actions);
  check_end(actions);
}

// Encoding waits for its vocabulary; everything else starts as soon as a worker is free.
void NodeCore::start_ready(NodeActions& actions) {
  for (auto at = queue_.begin(); at != queue_.end() && running_.size() < limits_.workers;) {
    if (at->stage() == Stage::encode && !vocabularies_.contains(at->encode().tokenizer())) {
      ++at;
      continue;
    }
    running_.insert(*ItemId::from_bytes(at->id()));
    actions.start.push_back(std::move(*at));
    at = queue_.erase(at);
  }
  for (const auto& item : queue_) {
    if (item.stage() != Stage::encode || vocabularies_.contains(item.encode().tokenizer())) continue;
    auto message = envelope();
    message->mutable_blob_request()->set_hash(item.encode().tokenizer());
    actions.send.push_back(std::move(message));
    break;
  }
}

void NodeCore::finished(WorkResult result, NodeActions& actions) {
  if (const auto id = ItemId::from_bytes(result.item_id())) running_.erase(*id);
  fresh_.push_back(std::move(result));
  start_ready(actions);
}

void NodeCore::broken_off(const ItemId& item, NodeActions& actions) {
  running_.erase(item);
  check_end(actions);
}

void NodeCore::flush(Moment now, NodeActions& actions) {
  while (!fresh_.empty()) {
    auto message = envelope();
    auto& results = *message->mutable_results();
    results.set_batch(next_batch_);
    std::size_t bytes = 0, taken = 0;
    for (; taken < fresh_.size() && bytes < kBatchBytes; ++taken) {
      bytes += fresh_[taken].ByteSizeLong();
      *results.add_results() = std::move(fresh_[taken]);
    }
    fresh_.erase(fresh_.begin(), fresh_.begin() + static_cast<std::ptrdiff_t>(taken));
    actions.send.push_back(message);
    unacked_.emplace(next_batch_++, Batch{std::move(message), now, taken});
    sent_results_ += taken;
  }
  if (joined_ && room() * 2 >= limits_.held_max) ask(now, actions);
}

void NodeCore::take_ack(std::uint64_t batch) {
  const auto at = unacked_.find(batch);
  if (at == unacked_.end()) return;
  sent_results_ -= at->second.results;
  unacked_.erase(at);
}

std::uint32_t NodeCore::room() const {
  const std::size_t most = 2 * std::size_t{limits_.held_max}, in_hand = held() + unacked();
  const std::size_t unheld = limits_.held_max > held() ? limits_.held_max - held() : 0;
  return static_cast<std::uint32_t>(std::min(unheld, most > in_hand ? most - in_hand : 0));
}

void NodeCore::ask(Moment now, NodeActions& actions) {
  asked_at_ = now;
  if (draining_ || drained_) return;
  auto message = envelope();
  auto& want = *message->mutable_want();
  want.set_credit(room());
  want.set_in_hand(static_cast<std::uint32_t>(held() + unacked()));
  for (const auto stage : stages_) want.add_stages(stage);
  actions.send.push_back(std::move(message));
}

void NodeCore::tick(Moment now, NodeActions& actions) {
  if (!joined_) {
    if (now - hello_at_ >= limits_.resend) start(now, actions);
    return;
  }
  for (auto& [number, batch] : unacked_) {
    if (now - batch.sent_at < limits_.resend) continue;
    batch.sent_at = now;
    actions.send.push_back(batch.envelope);
  }
  if (held() > 0 && now - renewed_at_ >= lease_ / 3) {
    renewed_at_ = now;
    auto message = envelope();
    for (const auto& id : running_) message->mutable_renew()->add_item_ids(std::string(id.view()));
    for (const auto& item : queue_) message->mutable_renew()->add_item_ids(item.id());
    actions.send.push_back(std::move(message));
  }
  if (now - asked_at_ >= kAskAgain) {
    ask(now, actions);
    start_ready(actions);
  }
  check_end(actions);
}

void NodeCore::drain(NodeActions& actions) {
  draining_ = true;
  queue_.clear();
  check_end(actions);
}

void NodeCore::say_goodbye(NodeActions& actions) const {
  if (!joined_) return;
  auto message = envelope();
  message->mutable_goodbye()->set_reason("done");
  actions.send.push_back(std::move(message));
}

void NodeCore::check_end(NodeActions& actions) const {
  if ((drained_ || draining_) && held() == 0 && unacked() == 0) actions.ended = true;
}

void NodeCore::report(const Report& report, NodeActions& actions) {
  auto message = envelope();
  *message->mutable_report() = report;
  actions.send.push_back(std::move(message));
}

}  // namespace mendel::runtime
