// Spawns the actors of a plant, waits for its end, takes everything down in order.
#include "actors/runtime/plant.hpp"

#include <unistd.h>

#include <limits>
#include <thread>

#include "actors/runtime/coordinator_actor.hpp"
#include "actors/runtime/dataset_actor.hpp"
#include "actors/runtime/github_source.hpp"
#include "actors/runtime/metrics_actor.hpp"
#include "actors/runtime/node_actor.hpp"
#include "actors/runtime/planning.hpp"
#include "actors/runtime/plant_log.hpp"
#include "actors/runtime/service_notice.hpp"
#include "actors/runtime/stages.hpp"
#include "actors/runtime/trainer_child.hpp"
#include "actors/runtime/transport.hpp"
#include "actors/runtime/watchdog.hpp"

namespace mendel::runtime {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHere = "(here)";  // no name that a key can have
constexpr Moment kLook{100};
constexpr Moment kTrainerPatience{20'000};  // to write a checkpoint

// Detached: reads sources and hands them to the coordinator, one batch at a time.
void plan(caf::blocking_actor* self, const PlantOptions& options, const coordinator_actor& coordinator) {
  const auto& config = options.config;
  auto rejections = std::make_shared<std::vector<Rejection>>();
  bool ending = false;
  PlanSink sink;
  sink.rejected = [&](Rejection rejection) { rejections->push_back(std::move(rejection)); };
  sink.stopped = [&] { return ending || options.stop() != StopRequest::none; };
  sink.tell = [&](const std::string& line) { options.log(line); };
  sink.items = [&](std::vector<WorkItem> items) -> Outcome {
    self->request(coordinator, caf::infinite, ItemsPtr(std::make_shared<const std::vector<WorkItem>>(std::move(items))))
        .receive([&](bool go_on) { ending = !go_on; }, [&](const caf::error&) { ending = true; });
    return ending ? Outcome(Error{ErrorCode::interrupted, "the plant is ending"}) : Outcome(Done{});
  };
  Outcome planned = Done{};
  try {
    planned = plan_sources(config, sink);
  } catch (const std::exception& thrown) {
    planned = Error{ErrorCode::io_error, std::string("planning: ") + thrown.what()};
  }
  if (planned) self->send(coordinator, planned_atom::value, RejectionsPtr(std::move(rejections)));
  else if (planned.error().code != ErrorCode::interrupted) self->send(coordinator, failed_atom::value, planned.error().what);
}

// Tools that are missing are told before any work, not by dead letters.
Outcome check_tools(const PlantOptions& options) {
  const auto& sources = options.config.sources();
  StageTools tools;
  const bool python = sources.python_size() > 0, git = sources.git_size() > 0;
  const std::pair<Stage::Value, bool> wanted[] = {{Stage::mine_git, git},
                                                  {Stage::mine_github, wants_github(options.config)},
                                                  {Stage::mine_stackoverflow, sources.stackoverflow_size() > 0},
                                                  {Stage::mine_release, sources.releases_size() > 0},
                                                  {Stage::mutate, python},
                                                  {Stage::lint, python || (git && options.config.lint().history_commits() > 0)},
                                                  {Stage::validate, true}};
  for (const auto& [stage, is_wanted] : wanted) {
    if (!is_wanted) continue;
    if (auto started = start_stage(stage, options.config, tools); !started) return started.error();
  }
  return Done{};
}

// Everything of one plant that must be taken down in order.
class Plant {
 public:
  explicit Plant(const PlantOptions& options) : options_(options), keys_(keys_folder(options.data)) {
    caf_.set("scheduler.policy", caf::atom("sharing"));
    caf_.set("scheduler.max-threads", std::size_t{2});
    system_ = std::make_unique<caf::actor_system>(caf_);
  }

  ~Plant() {
    watchdog_.reset();
    if (trainer_) trainer_->stop(kTrainerPatience);
    if (node_) caf::anon_send(node_, quit_atom::value);
    if (coordinator_) caf::anon_send(coordinator_, quit_atom::value);
    if (dataset_) caf::anon_send(dataset_, quit_atom::value);
    if (metrics_) caf::anon_send(metrics_, quit_atom::value);
    setup_ = {};
    node_ = node_actor();
    coordinator_ = coordinator_actor();
    dataset_ = dataset_actor();
    metrics_ = metrics_actor();
    system_->await_all_actors_done();
    wire_->store(nullptr);
    server_.reset();
  }

  Outcome start() {
    auto opened = storage::PlantStore::open(store_folder(options_.data), storage::OpenMode::read_write);
    if (!opened) return opened.error();
    store_ = std::move(*opened);
    if (store_->lost_writes() > 0)
      say("the end of the store's log was cut: " + std::to_string(store_->lost_writes()) + " writes are gone; their work is done again");
    auto queue = open_queue(options_.config);
    if (!queue) return queue.error();
    setup_.queue = std::move(*queue);
    if (const auto& settings = options_.config.queue(); settings.backend() == "nats")
      say("items wait in NATS at " + settings.nats_url() + "; what its server has not synced when the power goes is put again from the store");
    if (!options_.roles.empty())
      if (auto checked = check_tools(options_); !checked) return checked;
    if (auto started = start_metrics(); !started) return started;
    start_coordinator();
    if (auto opened_wire = open_wire(); !opened_wire) return opened_wire;
    if (!options_.roles.empty())
      if (auto started = start_node(); !started) return started;
    system_->spawn<caf::detached>([options = options_, coordinator = coordinator_](caf::blocking_actor* self) { plan(self, options, coordinator); });
    return start_trainer();
  }

  // Until the plant says that nothing more will happen, or a stop.
  Result<PlantView> wait() {
    caf::scoped_actor self{*system_};
    bool draining = false;
    notice_.started();
    const auto started = monotonic_now();
    Moment drained_by{0};
    for (;;) {
      auto view = look(self);
      if (!view) return view.error();
      options_.watch(*view);
      observe(*view, draining);
      if (view->ended) return view->failure ? Result<PlantView>(*view->failure) : view;
      const auto request = options_.stop();
      if (request == StopRequest::abort) say("stopping as soon as what runs can be left; Ctrl-C again ends at once, and nothing is lost then either");
      if (request == StopRequest::abort) return Error{ErrorCode::interrupted, "interrupted; run the same command again to go on"};
      if (request == StopRequest::drain && !std::exchange(draining, true)) {
        drained_by = monotonic_now() + Moment(options_.config.runtime().drain_ms());
        drain();
      }
      if (draining && monotonic_now() >= drained_by) return view;
      if (auto kept = keep_trainer(view->status); !kept) return kept.error();
      const bool young = monotonic_now() - started < Moment(2000);
      std::this_thread::sleep_for(young ? kLook / 4 : kLook);
    }
  }

 private:
  void say(std::string_view line) {
    options_.log(line);
    journal_->say(LogLevel::info, line);
  }

  // What the coordinator just answered, for those who watch this process.
  void observe(const PlantView& view, bool draining) {
    std::uint64_t pending = 0, leased = 0, done = 0;
    for (const auto& stage : view.status.stages()) {
      pending += stage.pending();
      leased += stage.leased();
      done += stage.done();
    }
    const auto text = view.status.phase() + ": " + std::to_string(pending) + " pending, " + std::to_string(leased) + " leased, " + std::to_string(done) +
                      " done, " + std::to_string(view.dead) + " dead; " + std::to_string(view.status.nodes_size()) + " nodes";
    health_->beat();
    if (view.failure) health_->set_unready("failed: " + view.failure->what);
    else if (draining) health_->set_unready("stopping; " + text);
    else health_->set_ready(text);
    notice_.tell(health_->look());
    if (view.ended || draining) notice_.stopping(text);
  }

  std::function<const TransportCounters*()> wire_counters() const {
    return [wire = wire_]() -> const TransportCounters* {
      const auto* open = wire->load();
      return open == nullptr ? nullptr : &open->counters();
    };
  }

  Outcome start_metrics() {
    const auto& settings = options_.config.metrics();
    if (settings.listen().empty()) return Done{};
    auto server = MetricsServer::start(settings.listen(), {"coordinator", probe_, health_, wire_counters(), {settings.proc(), settings.sys(), options_.data}});
    if (!server) return server.error();
    say("metrics: http://" + settings.listen() + "/metrics");
    metrics_ = system_->spawn(run_metrics, std::shared_ptr<MetricsServer>(std::move(*server)));
    return Done{};
  }

  void start_coordinator() {
    std::error_code ignored;
    const auto data = fs::absolute(options_.data, ignored);
    dataset_ = system_->spawn<caf::detached>(run_dataset, DatasetSetup{options_.config, data / "dataset", store_});
    setup_.config = options_.config;
    setup_.until = options_.until;
    setup_.serve_on = options_.serve_on;
    setup_.folders = {(data / "dataset").string(), (data / "runs").string()};
    setup_.store = store_;
    setup_.dataset = dataset_;
    setup_.metrics = metrics_;
    setup_.wire = wire_;
    setup_.journal = journal_;
    setup_.log = [this](std::string_view line) { say(line); };
    setup_.free_bytes = [folder = store_folder(data)] {
      std::error_code unknown;
      const auto space = fs::space(folder, unknown);
      return unknown ? std::numeric_limits<std::uint64_t>::max() : space.available;
    };
    setup_.reserve_bytes = std::uint64_t{options_.config.queue().disk_reserve_mib()} << 20;
    watchdog_ = std::make_shared<Watchdog>(Moment(options_.config.queue().watchdog_ms()), [this, ms = options_.config.queue().watchdog_ms()] {
      say("the coordinator has not moved for " + std::to_string(ms / 1000) + " s (queue.watchdog_ms): ending the process; nothing that was acked is lost, start it again");
      ::_exit(1);
    });
    setup_.beat = [weak = std::weak_ptr(watchdog_)] {
      if (const auto watchdog = weak.lock()) watchdog->beat();
    };
    coordinator_ = system_->spawn<caf::detached>(run_coordinator, setup_);
  }

  Outcome open_wire() {
    ServerEvents events;
    events.received = [to = coordinator_](const std::string& peer, EnvelopePtr envelope) { caf::anon_send(to, peer, std::move(envelope)); };
    events.gone = [to = coordinator_, this](const std::string& peer) {
      say("node " + peer + " is no longer on the allow-list: cut off");
      caf::anon_send(to, gone_atom::value, peer);
    };
    if (!options_.listen.empty()) {
      if (auto made = keys_.init(); !made) return made.error();
      if (!options_.trainer.empty())
        if (auto made = keys_.ensure(kTrainerNode); !made) return made;
    }
    auto server = ServerTransport::start(options_.listen, keys_, control_folder(options_.data), std::move(events));
    if (!server) return server.error();
    server_ = std::move(*server);
    wire_->store(server_.get());
    if (!options_.listen.empty() && options_.trainer.empty()) say("nodes join at " + server_->endpoint());
    return Done{};
  }

  Outcome start_node() {
    auto stages = stages_of(options_.roles);
    if (!stages) return stages.error();
    NodeSetup setup;
    setup.hello = hello_of(kHere, options_.roles);
    setup.stages = *stages;
    setup.limits = limits_of(options_.config);
    setup.local = options_.config;
    setup.send = [to = coordinator_](EnvelopePtr envelope) { caf::anon_send(to, std::string(kHere), std::move(envelope)); };
    setup.probe = probe_;
    setup.end = node_end_;
    setup.journal = journal_;
    setup.log = [this](std::string_view line) { say(line); };
    node_ = system_->spawn(run_node_actor, std::move(setup));
    caf::anon_send(coordinator_, join_atom::value, std::string(kHere), node_);
    caf::anon_send(node_, start_atom::value);
    return Done{};
  }

  Outcome start_trainer() {
    if (options_.trainer.empty()) return Done{};
    auto command = options_.trainer;
    for (const auto& word : {std::string("--name"), std::string(kTrainerNode), std::string("--roles"), std::string("trainer"), std::string("--connect"),
                             server_->endpoint(), std::string("--key"), keys_.secret_file(kTrainerNode).string(), std::string("--server-key"),
                             keys_.public_file("server").string()})
      command.push_back(word);
    trainer_ = std::make_unique<TrainerChild>(std::move(command));
    return Done{};
  }

  // The child is only needed while there is something to train.
  Outcome keep_trainer(const Status& status) {
    if (!trainer_ || status.phase() != name_of(Phase::train)) return Done{};
    auto said = trainer_->poll(monotonic_now());
    if (!said) return said.error();
    if (!said->empty()) say(*said);
    return Done{};
  }

  Result<PlantView> look(caf::scoped_actor& self) {
    Result<PlantView> out = Error{ErrorCode::io_error, {}};
    self->request(coordinator_, caf::infinite, view_atom::value)
        .receive([&](const PlantViewPtr& view) { out = *view; },
                 [&](const caf::error& error) { out = Error{ErrorCode::io_error, "the coordinator ended: " + system_->render(error)}; });
    return out;
  }

  void drain() {
    say("stopping: what runs is finished first (at most " + std::to_string(options_.config.runtime().drain_ms() / 1000) + " s)");
    caf::anon_send(coordinator_, drain_atom::value);
    if (node_) caf::anon_send(node_, drain_atom::value);
    if (trainer_) trainer_->stop(kTrainerPatience);
    trainer_.reset();
  }

  const PlantOptions& options_;
  KeyFolder keys_;
  caf::actor_system_config caf_;
  std::shared_ptr<storage::PlantStore> store_;
  std::unique_ptr<caf::actor_system> system_;
  std::shared_ptr<std::atomic<ServerTransport*>> wire_ = std::make_shared<std::atomic<ServerTransport*>>(nullptr);
  std::shared_ptr<NodeProbe> probe_ = std::make_shared<NodeProbe>();
  std::shared_ptr<ProcessHealth> health_ = std::make_shared<ProcessHealth>(std::chrono::milliseconds(options_.config.health().stalled_ms()));
  std::shared_ptr<PlantLog> journal_ = std::make_shared<PlantLog>(options_.data / "logs", options_.config);
  ServiceNotice notice_;
  std::shared_ptr<NodeEnd> node_end_ = std::make_shared<NodeEnd>();
  std::shared_ptr<Watchdog> watchdog_;
  CoordinatorSetup setup_;
  coordinator_actor coordinator_;
  dataset_actor dataset_;
  metrics_actor metrics_;
  node_actor node_;
  std::unique_ptr<ServerTransport> server_;
  std::unique_ptr<TrainerChild> trainer_;
};

}  // namespace

Result<PlantView> run_plant(const PlantOptions& given) {
  auto options = given;
  auto& mine = *options.config.mutable_mine();
  if (mine.clones().empty()) mine.set_clones((options.data / "raw" / "git").string());
  auto& github = *options.config.mutable_github();
  if (github.cache().empty()) github.set_cache((options.data / "raw" / "github").string());
  if (auto& dumps = *options.config.mutable_stackoverflow(); dumps.scratch().empty()) dumps.set_scratch((options.data / "raw" / "stackoverflow").string());
  if (mine.releases().empty()) mine.set_releases((options.data / "raw" / "releases").string());
  std::error_code error;
  fs::create_directories(options.data, error);
  if (error) return Error{ErrorCode::io_error, options.data.string() + ": " + error.message()};
  Plant plant(options);
  if (auto started = plant.start(); !started) return started.error();
  return plant.wait();
}

fs::path store_folder(const fs::path& data) { return data / "store"; }
fs::path control_folder(const fs::path& data) { return data / "control"; }
fs::path keys_folder(const fs::path& data) { return data / "keys"; }

}  // namespace mendel::runtime
