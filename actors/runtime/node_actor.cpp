// Envelopes and results in, NodeCore's actions out.
#include "actors/runtime/node_actor.hpp"

#include <chrono>
#include <random>
#include <thread>

namespace mendel::runtime {
namespace {

constexpr std::chrono::milliseconds kTick{50};
using Self = node_actor::stateful_pointer<node_state>;

Moment now() { return std::chrono::duration_cast<Moment>(std::chrono::steady_clock::now().time_since_epoch()); }

// Everything of the coordinator but what belongs to this machine.
Config effective(Config theirs, const Config& ours) {
  *theirs.mutable_runtime() = ours.runtime();
  *theirs.mutable_python() = ours.python();
  *theirs.mutable_metrics() = ours.metrics();
  *theirs.mutable_log() = ours.log();
  *theirs.mutable_health() = ours.health();
  theirs.mutable_lint()->set_ruff(ours.lint().ruff());
  theirs.mutable_lint()->set_python(ours.lint().python());
  theirs.mutable_mine()->set_clones(ours.mine().clones());
  theirs.mutable_mine()->set_releases(ours.mine().releases());
  theirs.mutable_train()->set_threads(ours.train().threads());
  theirs.mutable_train()->set_device(ours.train().device());
  theirs.mutable_train()->set_memory_mib(ours.train().memory_mib());
  return theirs;
}

void carry_out(Self self, NodeActions actions);

role_actor idle_role(Self self, Stage::Value stage) {
  auto& idle = self->state.idle[stage];
  if (idle.empty()) {
    auto fresh = self->spawn<caf::detached>(run_role, stage, self->state.config, std::shared_ptr<const StageTools>(self->state.tools));
    self->state.roles.push_back(fresh);
    return fresh;
  }
  auto out = idle.back();
  idle.pop_back();
  return out;
}

void take_result(Self self, const WorkResult& result, double seconds) {
  auto& state = self->state;
  state.setup.probe->finished(result, seconds, result.error() == kBrokenOff);
  if (state.setup.journal) state.setup.journal->result(result, state.setup.hello.node(), seconds);
  NodeActions actions;
  if (result.error() == kBrokenOff) {
    if (const auto id = ItemId::from_bytes(result.item_id())) state.core->broken_off(*id, actions);
  } else {
    state.core->finished(result, actions);
  }
  if (!std::exchange(state.flushing, true)) self->send(self, flush_atom::value);
  carry_out(self, std::move(actions));
}

void start_item(Self self, WorkItem item) {
  const auto role = idle_role(self, item.stage());
  self->state.setup.probe->started(item);
  const auto shared = std::make_shared<const WorkItem>(std::move(item));
  self->request(role, caf::infinite, WorkItemPtr(shared))
      .then(
          [self, shared, role](const WorkResultPtr& result, double seconds) {
            self->state.idle[shared->stage()].push_back(role);
            take_result(self, *result, seconds);
          },
          [self, shared](const caf::error& error) {
            take_result(self, failed_result(*shared, {ErrorCode::io_error, "the worker died: " + self->system().render(error)}), 0);
          });
}

void end(Self self, const std::string& refused) {
  auto& state = self->state;
  if (std::exchange(state.ended, true)) return;
  *state.tools->stop = true;
  NodeActions last;
  state.core->say_goodbye(last);
  for (const auto& envelope : last.send) state.setup.send(envelope);
  for (const auto& role : state.roles) self->send(role, quit_atom::value);
  state.setup.end->set(refused);
  self->quit();
}

void carry_out(Self self, NodeActions actions) {
  auto& state = self->state;
  if (state.ended) return;
  if (actions.configured) state.setup.probe->join();
  if (actions.configured) state.config = std::make_shared<const Config>(effective(state.core->config(), state.setup.local));
  for (const auto& [hash, merges] : actions.vocabularies)
    if (auto added = state.tools->vocabularies->add(hash, merges); !added) state.setup.log(added.error().what);
  for (auto& item : actions.start) start_item(self, std::move(item));
  for (const auto& envelope : actions.send) state.setup.send(envelope);
  if (!actions.refused.empty() || actions.ended) end(self, actions.refused);
}

template <class F>
void act(Self self, F decide) {
  if (self->state.ended) return;
  NodeActions actions;
  decide(*self->state.core, actions);
  carry_out(self, std::move(actions));
}

}  // namespace

Hello hello_of(const std::string& name, const std::vector<std::string>& roles) {
  Hello hello;
  hello.set_node(name);
  hello.mutable_roles()->Assign(roles.begin(), roles.end());
  hello.set_protocol(kProtocol);
  hello.set_schema(schema_hash());
  hello.set_build(build_name());
  std::random_device random;  // only tells two lives of a node apart; decides no content
  hello.set_instance(static_cast<std::uint64_t>(random()) << 32 | random());
  return hello;
}

NodeLimits limits_of(const Config& config) {
  NodeLimits limits;
  limits.workers = config.runtime().workers() > 0 ? config.runtime().workers() : std::max(1u, std::thread::hardware_concurrency());
  limits.held_max = limits.workers * config.runtime().credit();
  limits.resend = Moment(config.runtime().resend_ms());
  return limits;
}

node_actor::behavior_type run_node_actor(Self self, NodeSetup setup) {
  auto& state = self->state;
  state.setup = std::move(setup);
  state.core = std::make_unique<NodeCore>(state.setup.hello, state.setup.stages, state.setup.limits);
  state.tools = std::make_shared<StageTools>();
  state.tools->train = state.setup.train;
  state.tools->report = [handle = caf::actor_cast<node_actor>(self)](const Report& report) {
    caf::anon_send(handle, std::make_shared<const Report>(report));
  };
  self->set_exception_handler([self](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      end(self, std::string("the node failed: ") + error.what());
    }
    return caf::exit_reason::unhandled_exception;
  });
  return {
      [self](start_atom) {
        act(self, [](NodeCore& core, NodeActions& actions) { core.start(now(), actions); });
        self->delayed_send(self, kTick, tick_atom::value);
      },
      [self](const EnvelopePtr& envelope) {
        act(self, [&](NodeCore& core, NodeActions& actions) { core.receive(*envelope, now(), actions); });
      },
      [self](const ReportPtr& report) {
        act(self, [&](NodeCore& core, NodeActions& actions) { core.report(*report, actions); });
      },
      [self](failed_atom, const std::string& reason) { end(self, reason); },
      [self](flush_atom) {
        self->state.flushing = false;
        act(self, [](NodeCore& core, NodeActions& actions) { core.flush(now(), actions); });
      },
      [self](tick_atom) {
        self->state.setup.probe->tick();
        act(self, [](NodeCore& core, NodeActions& actions) { core.tick(now(), actions); });
        if (!self->state.ended) self->delayed_send(self, kTick, tick_atom::value);
      },
      [self](drain_atom) {
        *self->state.tools->stop = true;
        act(self, [](NodeCore& core, NodeActions& actions) { core.drain(actions); });
      },
      [self](quit_atom) { end(self, {}); },
  };
}

}  // namespace mendel::runtime
