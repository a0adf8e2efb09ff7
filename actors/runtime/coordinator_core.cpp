// The protocol of the coordinator.
#include "actors/runtime/coordinator_core.hpp"

#include <algorithm>

#include "actors/runtime/stages.hpp"

namespace mendel::runtime {
namespace {

constexpr Moment kArrival{2000};  // a lease that a node does not count by then may be lost

// More wants may come while a lease is on its way, and were each served in full, the node would be buried:
// what it did not know of when it asked is taken off.
std::uint32_t credit_of(const Want& want, std::uint64_t in_hand) {
  const std::uint64_t most = std::uint64_t{want.credit()} + want.in_hand();
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(want.credit(), most > in_hand ? most - in_hand : 0));
}

}  // namespace

// The message must be filled in at once: it is shared as constant from the moment it is sent.
Envelope& CoordinatorCore::post(const std::string& peer, Outbox& out) {
  auto envelope = std::make_shared<Envelope>();
  envelope->set_protocol(kProtocol);
  envelope->set_epoch(store_.epoch());
  auto& filled = *envelope;
  out.push_back({peer, std::move(envelope)});
  return filled;
}

void CoordinatorCore::receive(const std::string& peer, const Envelope& envelope, Moment now, Outbox& out) {
  if (envelope.has_hello()) return on_hello(peer, envelope.hello(), now, out);
  const auto at = nodes_.find(peer);
  if (at == nodes_.end()) {
    // We were restarted, or the node was given up: it says hello again.
    post(peer, out).mutable_goodbye()->set_reason("hello");
    return;
  }
  auto& node = at->second;
  node.seen = now;
  switch (envelope.body_case()) {
    case Envelope::kWant:
      node.credit = credit_of(envelope.want(), now - node.served < kArrival ? plant_.leased_by(node.worker) + node.unstored : 0);
      serve(peer, node, now, out);
      break;
    case Envelope::kResults: on_results(peer, node, envelope.results(), now, out); break;
    case Envelope::kRenew: on_renew(peer, node, envelope, now, out); break;
    case Envelope::kBlobRequest: on_blob(peer, envelope.blob_request(), out); break;
    case Envelope::kReport: on_report(envelope.report(), now); break;
    case Envelope::kGoodbye:
      plant_.release(node.worker);
      nodes_.erase(at);
      break;
    default: break;
  }
}

void CoordinatorCore::on_hello(const std::string& peer, const Hello& hello, Moment now, Outbox& out) {
  auto refused = refuse_reason(hello);
  auto stages = stages_of(std::vector<std::string>(hello.roles().begin(), hello.roles().end()));
  if (refused.empty() && !stages) refused = stages.error().what;
  if (refused.empty() && nodes_.size() >= kNodesMax) refused = "the plant has " + std::to_string(kNodesMax) + " nodes already";
  auto& welcome = *post(peer, out).mutable_welcome();
  if (!refused.empty()) {
    welcome.set_refused(refused);
    return;
  }
  const auto worker = peer + "/" + std::to_string(hello.instance());
  auto& node = nodes_[peer];
  if (!node.worker.empty() && node.worker != worker) plant_.lose(node.worker, now);
  if (node.worker != worker) node = {};
  node.hello = hello;
  node.stages = *stages;
  node.worker = worker;
  node.credit = 0;
  node.seen = now;
  welcome.set_lease_ms(plant_.config().runtime().lease_ms());
  welcome.set_config(plant_.config().SerializeAsString());
}

void CoordinatorCore::on_results(const std::string& peer, Node& node, const Results& results, Moment now, Outbox& out) {
  if (node.waiting.contains(results.batch())) return;
  if (std::find(node.acked.begin(), node.acked.end(), results.batch()) != node.acked.end()) {
    post(peer, out).mutable_ack()->set_batch(results.batch());
    return;
  }
  PendingAck ack{peer, results.batch(), 0, 0};
  for (const auto& result : results.results()) {
    switch (plant_.take(node.worker, result, now)) {
      case PlantCore::Taken::stored: ++ack.stored; break;
      case PlantCore::Taken::duplicate: ++ack.duplicates; break;
      case PlantCore::Taken::failed: ++failures_; break;
    }
  }
  node.done += ack.stored;
  node.unstored += ack.stored;
  stored_ += ack.stored;
  duplicates_ += ack.duplicates;
  node.waiting.insert(ack.batch);
  acks_.push_back(ack);
}

// A renewal from before our restart says nothing: that lease is not in our table.
void CoordinatorCore::on_renew(const std::string& peer, Node& node, const Envelope& envelope, Moment now, Outbox& out) {
  std::vector<ItemId> items;
  for (const auto& raw : envelope.renew().item_ids())
    if (const auto id = ItemId::from_bytes(raw)) items.push_back(*id);
  const auto lost = envelope.epoch() == store_.epoch() ? plant_.renew(node.worker, items, now) : items;
  if (lost.empty()) return;
  auto& answer = *post(peer, out).mutable_renew_answer();
  for (const auto& id : lost) answer.add_lost(std::string(id.view()));
}

void CoordinatorCore::on_blob(const std::string& peer, const BlobRequest& request, Outbox& out) {
  auto& blob = *post(peer, out).mutable_blob();
  blob.set_hash(request.hash());
  if (auto merges = store_.meta("vocabulary:" + request.hash())) {
    blob.set_total_bytes(merges->size());
    blob.set_data(std::move(*merges));
  }
}

void CoordinatorCore::on_report(const Report& report, Moment now) {
  const bool first = training_.empty();
  for (const auto& sample : report.samples())
    if (sample.name().starts_with("training_") && (training_.size() < 64 || training_.contains(sample.name()))) training_[sample.name()] = sample.value();
  if (!first) return;
  training_since_ = now;
  minutes_before_ = training_sample("training_minutes");
}

double CoordinatorCore::training_sample(const std::string& name) const {
  const auto at = training_.find(name);
  return at == training_.end() ? 0 : at->second;
}

void CoordinatorCore::serve(const std::string& peer, Node& node, Moment now, Outbox& out) {
  if (node.draining && plant_.leased_by(node.worker) == 0) {
    post(peer, out).mutable_lease()->set_drained(true);
    return;
  }
  if (!intake_ || !paused_.empty() || node.draining || node.credit == 0) return;
  while (node.credit > 0) {
    auto items = plant_.lease(node.worker, node.stages, node.credit, now);
    if (items.empty()) return;
    node.credit -= static_cast<std::uint32_t>(items.size());
    node.served = now;
    auto& lease = *post(peer, out).mutable_lease();
    for (auto& item : items) *lease.add_items() = std::move(item);
  }
}

Outcome CoordinatorCore::flush(Moment now, Outbox& out) {
  if (auto written = plant_.flush(now); !written) return written;
  for (const auto& ack : acks_) {
    const auto at = nodes_.find(ack.peer);
    if (at != nodes_.end()) {
      at->second.unstored -= std::min<std::uint64_t>(at->second.unstored, ack.stored);
      at->second.waiting.erase(ack.batch);
      at->second.acked.push_back(ack.batch);
      if (at->second.acked.size() > kAckedKept) at->second.acked.pop_front();
    }
    auto& message = *post(ack.peer, out).mutable_ack();
    message.set_batch(ack.batch);
    message.set_stored(ack.stored);
    message.set_duplicates(ack.duplicates);
  }
  acks_.clear();
  for (auto& [peer, node] : nodes_) serve(peer, node, now, out);
  return Done{};
}

void CoordinatorCore::tick(Moment now, Outbox& out) {
  plant_.tick(now);
  const Moment silent(2 * static_cast<std::int64_t>(plant_.config().runtime().lease_ms()));
  std::vector<std::string> gone;
  for (const auto& [peer, node] : nodes_)
    if (node.seen + silent < now) gone.push_back(peer);
  for (const auto& peer : gone) lose(peer, now);
  for (auto& [peer, node] : nodes_) serve(peer, node, now, out);
}

void CoordinatorCore::lose(const std::string& peer, Moment now) {
  const auto at = nodes_.find(peer);
  if (at == nodes_.end()) return;
  plant_.lose(at->second.worker, now);
  nodes_.erase(at);
}

bool CoordinatorCore::drain(const std::string& name) {
  const auto at = nodes_.find(name);
  if (at == nodes_.end()) return false;
  at->second.draining = true;
  return true;
}

void CoordinatorCore::say_goodbye(const std::string& reason, Outbox& out) {
  for (const auto& [peer, node] : nodes_) {
    auto& envelope = post(peer, out);
    if (reason.empty()) envelope.mutable_lease()->set_drained(true);
    else envelope.mutable_goodbye()->set_reason(reason);
  }
}

// By the rate since the start, all items alike; training by the rate since its first report.
double CoordinatorCore::seconds_left(Moment now) const {
  if (plant_.phase() == Phase::train) {
    const double minutes = training_sample("training_minutes"), spent = minutes - minutes_before_;
    const double seconds = std::chrono::duration<double>(now - training_since_).count();
    return spent > 0 ? seconds * std::max(0.0, training_sample("training_minutes_total") - minutes) / spent : -1;
  }
  std::uint64_t open = 0;
  for (const auto& row : stages()) open += plant_.counts(row.stage).open();
  const double seconds = std::chrono::duration<double>(now - started_).count();
  return stored_ > 0 && open > 0 ? static_cast<double>(open) * seconds / static_cast<double>(stored_) : -1;
}

Status CoordinatorCore::status(Moment now) const {
  Status status;
  status.set_phase(name_of(plant_.phase()));
  for (const auto& row : stages()) {
    const auto& counts = plant_.counts(row.stage);
    auto& stage = *status.add_stages();
    stage.set_stage(row.name);
    stage.set_pending(counts.pending);
    stage.set_leased(counts.leased);
    stage.set_done(counts.done);
    stage.set_dead(counts.dead);
    stage.set_paused(counts.pending > 0 && plant_.gate().paused(row.stage));
  }
  for (const auto& [peer, node] : nodes_) {
    auto& entry = *status.add_nodes();
    entry.set_name(peer);
    *entry.mutable_roles() = node.hello.roles();
    entry.set_leased(plant_.leased_by(node.worker));
    entry.set_done(node.done);
    entry.set_seen_s_ago(std::chrono::duration<double>(now - node.seen).count());
    entry.set_draining(node.draining);
  }
  status.set_elapsed_s(std::chrono::duration<double>(now - started_).count());
  status.set_eta_s(seconds_left(now));
  status.set_dataset_digest(plant_.digest());
  status.set_intake_paused(paused_);
  for (const auto& [name, count] : plant_.funnel()) (*status.mutable_funnel())[name] = count;
  const auto counted = [&](const char* name) {
    const auto at = plant_.funnel().find(name);
    return at == plant_.funnel().end() ? 0 : at->second;
  };
  status.set_pairs(counted("mine.pairs") + counted("stackoverflow.pairs") + counted("mutate.pairs") + counted("lint.pairs"));
  status.set_accepted(counted("validate.accepted"));
  status.set_rejected(counted("validate.pairs") - std::min(counted("validate.pairs"), counted("validate.accepted")));
  std::string training;
  for (const auto& [name, value] : training_) training += (training.empty() ? "{\"" : ", \"") + name + "\": " + std::to_string(value);
  if (!training.empty()) status.set_training_json(training + "}");
  if (!plant_.training_report().empty()) status.set_training_json(plant_.training_report());
  return status;
}

}  // namespace mendel::runtime
