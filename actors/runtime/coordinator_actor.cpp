// CoordinatorCore and PlantCore decide; this carries out.
#include "actors/runtime/coordinator_actor.hpp"

#include <algorithm>
#include <chrono>

#include "actors/runtime/stages.hpp"

namespace mendel::runtime {
namespace {

constexpr std::chrono::milliseconds kTick{50};
constexpr Moment kGoodbye{2000};  // nodes of other processes have this long to say goodbye
constexpr Moment kMetricsEvery{1000};
constexpr std::uint64_t kMebibyte = 1u << 20;
using Self = coordinator_actor::stateful_pointer<coordinator_state>;

void post(Self self, const Outbox& out) {
  auto& state = self->state;
  for (const auto& [peer, envelope] : out) {
    const auto here = state.here.find(peer);
    if (here != state.here.end()) self->send(here->second, envelope);
    else if (auto* wire = state.setup.wire->load()) wire->send(peer, envelope);
  }
}

void fail(Self self, Error error) {
  auto& state = self->state;
  if (state.failure) return;
  if (state.setup.journal) state.setup.journal->say(LogLevel::error, error.what);
  state.failure = std::move(error);
  state.core->stop_intake();
}

// True while a write may start. Pauses intake when the reserve is touched, and ends the pause by itself once
// there is a tenth more than that.
bool has_room(Self self) {
  auto& state = self->state;
  const auto reserve = state.setup.reserve_bytes;
  state.free_bytes = state.setup.free_bytes();
  const bool paused = state.free_bytes < (state.paused ? reserve + reserve / 10 : reserve);
  if (paused == state.paused) return !paused;
  state.paused = paused;
  const auto reason = "less than " + std::to_string(reserve / kMebibyte) + " MiB are free on the disk (queue.disk_reserve_mib)";
  state.core->pause_intake(paused ? reason : std::string());
  state.setup.log(paused ? "intake is paused: " + reason + "; make room and it goes on by itself" : "there is room on the disk again: intake goes on");
  return !paused;
}

// The work between the phases, if there is any to start.
void order_job(Self self) {
  auto& state = self->state;
  if (state.failure || state.draining || state.paused) return;
  const auto job = state.plant->next_job();
  if (job == Job::none) return;
  auto order = std::make_shared<DatasetOrder>();
  order->job = job;
  order->pairs = state.plant->proven_pairs();
  order->funnel = state.plant->funnel();
  self->request(state.setup.dataset, caf::infinite, DatasetOrderPtr(std::move(order)))
      .then([self](const DatasetAnswerPtr& answer) { self->send(self, answer); },
            [self](const caf::error& error) { fail(self, {ErrorCode::io_error, "the dataset actor died: " + self->system().render(error)}); });
}

void settle(Self self, const Outcome& outcome) {
  if (!outcome) fail(self, outcome.error());
  order_job(self);
}

void arm_flush(Self self) {
  auto& state = self->state;
  if (state.core->dirty() && !std::exchange(state.flushing, true)) self->send(self, flush_atom::value);
}

void flush(Self self) {
  auto& state = self->state;
  state.flushing = false;
  if (state.failure || !has_room(self)) return;
  Outbox out;
  settle(self, state.core->flush(monotonic_now(), out));
  post(self, out);
}

void answer_control(Self self, const std::string& peer, const Envelope& question) {
  auto& state = self->state;
  auto answer = std::make_shared<Envelope>();
  answer->set_protocol(kProtocol);
  if (question.has_status_request()) {
    *answer->mutable_status() = state.core->status(monotonic_now());
  } else if (question.has_requeue()) {
    std::vector<ItemId> ids;
    for (const auto& raw : question.requeue().item_ids())
      if (const auto id = ItemId::from_bytes(raw)) ids.push_back(*id);
    const bool none = ids.empty() && !question.requeue().all();
    const auto requeued = none ? Result<std::uint64_t>(std::uint64_t{0}) : state.plant->requeue(ids);
    if (requeued) answer->mutable_requeue_answer()->set_requeued(*requeued);
    else answer->mutable_requeue_answer()->set_error(requeued.error().what);
  } else if (question.has_drain()) {
    if (state.core->drain(question.drain().node())) *answer->mutable_drain() = question.drain();
    else answer->mutable_goodbye()->set_reason("no node " + question.drain().node() + " is here");
  }
  post(self, {{peer, std::move(answer)}});
}

// The trace of what other processes did: their own logs lie on their machines.
void log_envelope(const coordinator_state& state, const std::string& peer, const Envelope& envelope) {
  if (!state.setup.journal || state.here.contains(peer)) return;
  for (const auto& result : envelope.results().results()) state.setup.journal->result(result, peer, -1);
  std::vector<LogField> fields;
  std::uint32_t stage = 1;
  constexpr std::string_view kPrefix = "training_";
  for (const auto& sample : envelope.report().samples()) {
    if (!sample.name().starts_with(kPrefix)) continue;
    if (sample.name() == "training_stage") stage = static_cast<std::uint32_t>(std::clamp(sample.value(), 1.0, 99.0));
    fields.push_back({std::string_view(sample.name()).substr(kPrefix.size()), std::to_string(sample.value())});
  }
  if (!fields.empty()) state.setup.journal->write(LogFile::training, LogLevel::info, fields, stage);
}

void log_phase(coordinator_state& state) {
  const auto phase = state.plant->phase();
  if (!state.setup.journal || std::exchange(state.logged, phase) == phase) return;
  state.setup.journal->write(LogFile::plant, LogLevel::info, {{"phase", name_of(phase)}});
}

void log_dataset(const coordinator_state& state, const DatasetAnswer& answer) {
  if (!state.setup.journal) return;
  if (answer.reduced)
    state.setup.journal->write(LogFile::tokenization, LogLevel::info,
                               {{"vocabulary", answer.reduced->tokenizer_hash}, {"accepted", std::to_string(answer.reduced->accepted.size())}});
  if (!answer.digest.empty()) state.setup.journal->write(LogFile::encoding, LogLevel::info, {{"dataset", answer.digest}, {"input", answer.input_hash}});
}

void receive(Self self, const std::string& peer, const Envelope& envelope) {
  auto& state = self->state;
  if (peer.starts_with(kControlPeer)) return answer_control(self, peer, envelope);
  if (state.failure || state.ended) return;
  const bool elsewhere = !state.here.contains(peer);
  if (elsewhere && envelope.has_hello() && !state.seen.contains(peer)) state.setup.log("node " + peer + " asks to join (" + envelope.hello().build() + ")");
  log_envelope(state, peer, envelope);
  Outbox out;
  state.core->receive(peer, envelope, monotonic_now(), out);
  if (elsewhere && state.core->knows(peer)) state.seen.insert(peer);
  else if (state.seen.erase(peer) > 0) state.setup.log("node " + peer + " left");
  post(self, out);
  arm_flush(self);
}

void take_answer(Self self, const DatasetAnswer& answer) {
  auto& state = self->state;
  if (answer.failure) return fail(self, *answer.failure);
  log_dataset(state, answer);
  state.reused = !answer.reduced && state.plant->phase() == Phase::reduce;
  settle(self, answer.reduced ? state.plant->reduced(*answer.reduced) : state.plant->finalised(answer.input_hash, answer.digest));
  flush(self);
}

bool quiet_here(const coordinator_state& state) {
  return state.plant->leases() == 0 || state.here.empty();
}

// Whether the owner may take everything down.
void check_end(Self self) {
  auto& state = self->state;
  const auto now = monotonic_now();
  const bool done = state.plant->phase() == Phase::done && !state.setup.serve_on;
  if (state.failure) state.ended = true;
  if (state.ended || (!done && !(state.draining && quiet_here(state)))) return;
  if (state.goodbye_at == Moment(0)) state.goodbye_at = now;
  if (done) {
    Outbox out;
    state.core->say_goodbye({}, out);
    post(self, out);
  }
  if (state.core->nodes() == 0 || now - state.goodbye_at >= kGoodbye || state.draining) state.ended = true;
}

PlantViewPtr view_of(const coordinator_state& state) {
  auto view = std::make_shared<PlantView>();
  view->status = state.core->status(monotonic_now());
  view->training = state.core->training();
  view->stored = state.core->stored();
  view->failures = state.core->failures();
  view->duplicates = state.core->duplicates();
  for (const auto& row : stages()) view->retries[row.name] = state.plant->counts(row.stage).retries;
  view->dead = state.plant->dead();
  view->oldest_lease_s = std::chrono::duration<double>(state.plant->oldest_lease(monotonic_now())).count();
  view->reused = state.reused;
  view->ended = state.ended;
  view->failure = state.failure;
  view->status.set_disk_free_bytes(state.free_bytes);
  return view;
}

bool plan(Self self, const std::vector<WorkItem>& items) {
  auto& state = self->state;
  if (state.failure || state.draining || state.ended) return false;
  settle(self, state.plant->plan(items));
  Outbox out;
  state.core->tick(monotonic_now(), out);
  post(self, out);
  return !state.failure;
}

// The planner waits for its answer, and so for room on the disk.
caf::result<bool> plan_or_wait(Self self, const ItemsPtr& items) {
  if (has_room(self)) return plan(self, *items);
  auto promise = self->make_response_promise<caf::typed_response_promise<bool>>();
  self->state.waiting_plans.emplace_back(items, promise);
  return promise;
}

void serve_waiting_plans(Self self) {
  auto& state = self->state;
  if (state.paused && !state.failure && !state.draining) return;
  for (auto& [items, promise] : std::exchange(state.waiting_plans, {})) promise.deliver(plan(self, *items));
}

void tell_gone(coordinator_state& state) {
  std::erase_if(state.seen, [&](const std::string& peer) {
    if (state.core->knows(peer)) return false;
    state.setup.log("node " + peer + " was not heard for two leases: its work goes to others");
    return true;
  });
}

void tick(Self self) {
  auto& state = self->state;
  const auto now = monotonic_now();
  state.setup.beat();
  if (!state.failure && !state.ended) {
    has_room(self);
    Outbox out;
    state.core->tick(now, out);
    tell_gone(state);
    post(self, out);
    arm_flush(self);
    order_job(self);
  }
  log_phase(state);
  serve_waiting_plans(self);
  check_end(self);
  if (state.setup.metrics && now - state.measured_at >= kMetricsEvery) {
    state.measured_at = now;
    self->send(state.setup.metrics, view_of(state));
  }
  if (!state.ended) self->delayed_send(self, kTick, tick_atom::value);
}

void set_up(Self self, CoordinatorSetup setup) {
  auto& state = self->state;
  state.setup = std::move(setup);
  state.plant = std::make_unique<PlantCore>(state.setup.config, state.setup.until, state.setup.folders, *state.setup.store, state.setup.queue);
  state.core = std::make_unique<CoordinatorCore>(*state.plant, *state.setup.store, monotonic_now());
  if (auto recovered = state.plant->recover(); !recovered) fail(self, recovered.error());
  self->set_exception_handler([self](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      fail(self, {ErrorCode::io_error, std::string("the coordinator failed: ") + error.what()});
    }
    return {};
  });
  self->delayed_send(self, kTick, tick_atom::value);
}

}  // namespace

Moment monotonic_now() { return std::chrono::duration_cast<Moment>(std::chrono::steady_clock::now().time_since_epoch()); }

coordinator_actor::behavior_type run_coordinator(Self self, CoordinatorSetup setup) {
  set_up(self, std::move(setup));
  return {
      [self](const std::string& peer, const EnvelopePtr& envelope) { receive(self, peer, *envelope); },
      [self](join_atom, const std::string& name, const node_actor& node) { self->state.here[name] = node; },
      [self](gone_atom, const std::string& peer) {
        self->state.core->lose(peer, monotonic_now());
        self->state.seen.erase(peer);
      },
      [self](const ItemsPtr& items) -> caf::result<bool> { return plan_or_wait(self, items); },
      [self](planned_atom, const RejectionsPtr& rejections) { settle(self, self->state.plant->planning_finished(*rejections)); },
      [self](failed_atom, const std::string& reason) { fail(self, {ErrorCode::invalid_input, reason}); },
      [self](const DatasetAnswerPtr& answer) { take_answer(self, *answer); },
      [self](view_atom) -> caf::result<PlantViewPtr> { return view_of(self->state); },
      [self](flush_atom) { flush(self); },
      [self](tick_atom) { tick(self); },
      [self](drain_atom) {
        self->state.draining = true;
        self->state.core->stop_intake();
      },
      [self](quit_atom) {
        flush(self);
        self->state.draining = true;
        serve_waiting_plans(self);
        self->state.here.clear();
        self->quit();
      },
  };
}

}  // namespace mendel::runtime
