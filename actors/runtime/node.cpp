// A node as a process of its own: keys, the wire, one node actor, metrics.
#include "actors/runtime/node.hpp"

#include <algorithm>
#include <thread>

#include "actors/runtime/keys.hpp"
#include "actors/runtime/metrics_actor.hpp"
#include "actors/runtime/node_actor.hpp"
#include "actors/runtime/stages.hpp"
#include "actors/runtime/transport.hpp"

namespace mendel::runtime {
namespace {

constexpr std::chrono::milliseconds kLook{100};

Result<ClientOptions> client_options(const NodeOptions& options) {
  ClientOptions out;
  out.name = options.name;
  out.endpoint = options.endpoint;
  auto secret = read_key(options.key_file, true);
  if (!secret) return secret.error();
  auto known = public_of(*secret);
  if (!known) return Error{known.error().code, options.key_file.string() + ": " + known.error().what};
  out.own = {*known, *secret};
  auto server = read_key(options.server_key_file, false);
  if (!server) return server.error();
  out.server_key = *server;
  return out;
}

class Node {
 public:
  explicit Node(const NodeOptions& options) : options_(options) {
    caf_.set("scheduler.policy", caf::atom("sharing"));
    caf_.set("scheduler.max-threads", std::size_t{2});
    system_ = std::make_unique<caf::actor_system>(caf_);
  }

  ~Node() {
    if (node_) caf::anon_send(node_, quit_atom::value);
    node_ = node_actor();
    system_->await_all_actors_done();
    wire_->store(nullptr);
    client_.reset();
  }

  Outcome start(std::vector<Stage::Value> stages, ClientOptions client) {
    NodeSetup setup;
    setup.hello = hello_of(options_.name, options_.roles);
    setup.stages = std::move(stages);
    setup.limits = limits_of(options_.config);
    setup.local = options_.config;
    setup.train = options_.train;
    setup.send = [wire = wire_](EnvelopePtr envelope) {
      if (auto* open = wire->load()) open->send(std::move(envelope));
    };
    setup.probe = probe_;
    setup.end = end_;
    setup.log = options_.log;
    if (const auto& listen = options_.config.metrics().listen(); !listen.empty()) {
      auto server = MetricsServer::start(listen, options_.name, probe_);
      if (!server) return server.error();
      metrics_ = std::move(*server);
    }
    node_ = system_->spawn(run_node_actor, std::move(setup));
    ClientEvents events;
    events.received = [to = node_](EnvelopePtr envelope) { caf::anon_send(to, std::move(envelope)); };
    events.refused = [to = node_](const std::string& reason) { caf::anon_send(to, failed_atom::value, reason); };
    auto opened = ClientTransport::start(std::move(client), std::move(events));
    if (!opened) return opened.error();
    client_ = std::move(*opened);
    wire_->store(client_.get());
    caf::anon_send(node_, start_atom::value);
    return Done{};
  }

  Outcome wait() {
    auto drained_by = std::chrono::steady_clock::time_point::max();
    bool draining = false;
    while (!end_->ended()) {
      const auto request = options_.stop();
      if (request == StopRequest::abort) return Error{ErrorCode::interrupted, "interrupted; the coordinator hands out again what this node held"};
      if (request == StopRequest::drain && !std::exchange(draining, true)) {
        options_.log("stopping: what runs is finished first (at most " + std::to_string(options_.config.runtime().drain_ms() / 1000) + " s)");
        drained_by = std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.config.runtime().drain_ms());
        caf::anon_send(node_, drain_atom::value);
      }
      if (std::chrono::steady_clock::now() >= drained_by) break;
      std::this_thread::sleep_for(kLook);
    }
    if (const auto refused = end_->refused(); !refused.empty()) return Error{ErrorCode::unavailable, refused};
    return Done{};
  }

 private:
  const NodeOptions& options_;
  caf::actor_system_config caf_;
  std::unique_ptr<caf::actor_system> system_;
  std::shared_ptr<std::atomic<ClientTransport*>> wire_ = std::make_shared<std::atomic<ClientTransport*>>(nullptr);
  std::shared_ptr<NodeProbe> probe_ = std::make_shared<NodeProbe>();
  std::shared_ptr<NodeEnd> end_ = std::make_shared<NodeEnd>();
  std::unique_ptr<MetricsServer> metrics_;
  node_actor node_;
  std::unique_ptr<ClientTransport> client_;
};

}  // namespace

Outcome run_node(const NodeOptions& options) {
  if (auto good = check_node_name(options.name); !good) return good;
  auto stages = stages_of(options.roles);
  if (!stages) return stages.error();
  const bool trains = std::find(stages->begin(), stages->end(), Stage::train) != stages->end();
  if (trains && !options.train)
    return Error{ErrorCode::invalid_input, "the role trainer needs `mendel-trainer node`: this program is built without LibTorch"};
  auto client = client_options(options);
  if (!client) return client.error();
  Node node(options);
  if (auto started = node.start(std::move(*stages), std::move(*client)); !started) return started;
  return node.wait();
}

}  // namespace mendel::runtime
