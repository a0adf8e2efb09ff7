// A node as a process of its own: keys, the wire, one node actor, metrics.
#include "actors/runtime/node.hpp"

#include <algorithm>
#include <thread>

#include "actors/runtime/keys.hpp"
#include "actors/runtime/metrics_server.hpp"
#include "actors/runtime/node_actor.hpp"
#include "actors/runtime/plant_log.hpp"
#include "actors/runtime/service_notice.hpp"
#include "actors/runtime/stages.hpp"
#include "actors/runtime/transport.hpp"

namespace mendel::runtime {
namespace {

constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::seconds kPatience{2};  // before people are told what is waited for

enum class Link { none, connected, lost };

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
    metrics_.reset();
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
    setup.journal = journal_;
    setup.log = [this](std::string_view line) { say(line); };
    if (const auto& listen = options_.config.metrics().listen(); !listen.empty()) {
      auto server = MetricsServer::start(listen, {options_.name, probe_, health_, wire_counters(), host_folders()});
      if (!server) return server.error();
      metrics_ = std::move(*server);
    }
    node_ = system_->spawn(run_node_actor, std::move(setup));
    ClientEvents events;
    events.received = [to = node_](EnvelopePtr envelope) { caf::anon_send(to, std::move(envelope)); };
    events.refused = [to = node_](const std::string& reason) { caf::anon_send(to, failed_atom::value, reason); };
    events.link = [link = link_](bool connected) { *link = connected ? Link::connected : Link::lost; };
    auto opened = ClientTransport::start(std::move(client), std::move(events));
    if (!opened) return opened.error();
    client_ = std::move(*opened);
    wire_->store(client_.get());
    caf::anon_send(node_, start_atom::value);
    return Done{};
  }

  Outcome wait() {
    notice_.started();
    auto drained_by = std::chrono::steady_clock::time_point::max();
    bool draining = false;
    while (!end_->ended()) {
      observe(draining);
      tell_link();
      const auto request = options_.stop();
      if (request == StopRequest::abort) return Error{ErrorCode::interrupted, "interrupted; the coordinator hands out again what this node held"};
      if (request == StopRequest::drain && !std::exchange(draining, true)) {
        say("stopping: what runs is finished first (at most " + std::to_string(options_.config.runtime().drain_ms() / 1000) + " s)");
        drained_by = std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.config.runtime().drain_ms());
        caf::anon_send(node_, drain_atom::value);
        notice_.stopping("finishing what runs");
      }
      if (std::chrono::steady_clock::now() >= drained_by) break;
      std::this_thread::sleep_for(kLook);
    }
    notice_.stopping(end_->refused().empty() ? "ended" : end_->refused());
    if (const auto refused = end_->refused(); !refused.empty()) return Error{ErrorCode::unavailable, refused};
    say((draining ? "stopped: " : "the plant needs no more of this node: ") + std::to_string(done_) + " items done");
    return Done{};
  }

 private:
  void say(std::string_view line) {
    options_.log(line);
    journal_->say(LogLevel::info, line);
  }

  std::function<const TransportCounters*()> wire_counters() const {
    return [wire = wire_]() -> const TransportCounters* {
      const auto* open = wire->load();
      return open == nullptr ? nullptr : &open->counters();
    };
  }

  HostFolders host_folders() const {
    const auto& metrics = options_.config.metrics();
    return {metrics.proc(), metrics.sys(), options_.data};
  }

  // The words of a node's life on the wire, each once.
  void tell_link() {
    const Link link = *link_;
    const auto said = std::exchange(told_, link);
    if (link == Link::none && std::chrono::steady_clock::now() - started_ > kPatience && !std::exchange(told_waiting_, true))
      say("waiting for the coordinator at " + options_.endpoint);
    if (link == Link::lost && said == Link::connected)
      say("lost the coordinator at " + options_.endpoint + ": what runs goes on, results are kept until it is back");
    if (link == Link::connected && said == Link::lost && told_joined_) say("the coordinator at " + options_.endpoint + " is back");
    if (probe_->joined() && !std::exchange(told_joined_, true)) say("joined the plant at " + options_.endpoint + " as " + options_.name);
  }

  // What the actor did since the last look, for those who watch this process.
  void observe(bool draining) {
    if (const auto ticks = probe_->ticks(); ticks != std::exchange(seen_ticks_, ticks)) health_->beat();
    std::uint64_t in = 0, out = 0, failed = 0;
    for (const auto& [stage, counts] : probe_->counts()) {
      in += counts.items_in;
      out += counts.items_out;
      for (const auto& [kind, count] : counts.failed) failed += count;
    }
    done_ = out;
    const auto work = std::to_string(in - out - failed) + " running, " + std::to_string(out) + " done, " + std::to_string(failed) + " failed";
    if (draining) health_->set_unready("finishing: " + work);
    else if (probe_->joined()) health_->set_ready(work);
    else health_->set_unready("waiting for the coordinator at " + options_.endpoint);
    notice_.tell(health_->look());
  }

  const NodeOptions& options_;
  caf::actor_system_config caf_;
  std::unique_ptr<caf::actor_system> system_;
  std::shared_ptr<std::atomic<ClientTransport*>> wire_ = std::make_shared<std::atomic<ClientTransport*>>(nullptr);
  std::shared_ptr<NodeProbe> probe_ = std::make_shared<NodeProbe>();
  std::shared_ptr<NodeEnd> end_ = std::make_shared<NodeEnd>();
  std::shared_ptr<ProcessHealth> health_ = std::make_shared<ProcessHealth>(std::chrono::milliseconds(options_.config.health().stalled_ms()));
  std::shared_ptr<PlantLog> journal_ = std::make_shared<PlantLog>(options_.data / "logs", options_.config);
  ServiceNotice notice_;
  std::uint64_t seen_ticks_ = 0, done_ = 0;
  std::shared_ptr<std::atomic<Link>> link_ = std::make_shared<std::atomic<Link>>(Link::none);
  Link told_ = Link::none;
  bool told_waiting_ = false, told_joined_ = false;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  node_actor node_;
  std::unique_ptr<ClientTransport> client_;
  std::unique_ptr<MetricsServer> metrics_;  // after what it reads
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
