// Steps of 10 ms: disaster strikes, messages arrive, nodes work, the coordinator commits.
#include "tests/runtime/simulated_plant.hpp"

#include <algorithm>

namespace mendel::runtime::samples {
namespace {

constexpr Moment kStep{10};
constexpr Moment kTimeMax{600'000};  // virtual; a run that takes longer hangs
constexpr Moment kFarewellMax{60'000};  // for nodes to end once all is done and the weather calm
constexpr int kSources = 8, kNodes = 3, kPlannedAtOnce = 3;
constexpr Stage::Value kStages[] = {Stage::mutate, Stage::validate, Stage::encode};
constexpr const char* kVocabulary = "vocabulary-1";

Hello hello_of(const std::string& name, std::uint64_t instance) {
  Hello hello;
  hello.set_node(name);
  for (const char* role : {"mutator", "validator", "encoder"}) hello.add_roles(role);
  hello.set_protocol(kProtocol);
  hello.set_schema(schema_hash());
  hello.set_instance(instance);
  return hello;
}

// What an item is about, whatever its id: who asks for it twice asks for the same work.
std::string content_of(const WorkItem& item) {
  std::string out = std::to_string(item.stage());
  for (const auto& file : item.mutate().files()) out += " " + file.path();
  for (const auto& id : (item.has_validate() ? item.validate() : item.encode()).pair_ids()) out += " " + id;
  return out;
}

const std::string& name_of(const Envelope& envelope) {
  return Envelope::descriptor()->FindFieldByNumber(envelope.body_case())->name();
}

}  // namespace

SimulatedPlant::SimulatedPlant(std::uint64_t seed, Weather weather, Mechanisms mechanisms, Trace trace)
    : random_(seed), weather_(weather), mechanisms_(mechanisms), trace_(std::move(trace)), config_(small_config()) {
  auto& runtime = *config_.mutable_runtime();
  runtime.set_deaths_max(100'000);  // here workers die by the weather, not by the item
  runtime.set_attempts_max(100'000);
  if (!mechanisms.leases_end) runtime.set_lease_ms(3'600'000);
  store_.one_batch = mechanisms.one_batch;
  store_.synced = mechanisms.synced;
  store_.effect = [this] {
    if (chance(weather_.effect_crash, 1000)) throw Crash();
  };
  store_.fault = [this] {
    if (!chance(weather_.disk_error, 1000)) return Fault::none;
    ++ending_.disk_errors;
    return chance(1, 2) ? Fault::refused : Fault::stored_all_the_same;
  };
  for (int i = 0; i < kNodes; ++i) nodes_.push_back({"node-" + std::to_string(i), nullptr, {}, {}, {}, {}, {}});
  for (auto& node : nodes_) start_node(node);
}

Ending SimulatedPlant::run() {
  while (now_ < kTimeMax && ending_.digest.empty()) {
    now_ += kStep;
    strike();
    deliver();
    for (auto& node : nodes_) step(node);
    if (!plant_ && now_ >= up_at_) as_coordinator([this] { start_coordinator(); });
    if (plant_) as_coordinator([this] { step_coordinator(); });
    if (plant_ && plant_->phase() == Phase::done) ending_.digest = plant_->digest();
  }
  if (ending_.digest.empty()) break_promise("the run does not end");
  else say_goodbye(ending_);
  ending_.ended_at = now_;
  return ending_;
}

void SimulatedPlant::note(std::string_view who, std::string_view what) {
  ending_.history = hash64(what, hash64(who, ending_.history ^ static_cast<std::uint64_t>(now_.count())));
  if (trace_) trace_(now_, who, what);
}

void SimulatedPlant::break_promise(std::string what) {
  note("!", what);
  ending_.broken.push_back(std::move(what));
}

// A life of the coordinator: it ends wherever a Crash is thrown or the disk refuses a write.
template <class Act>
void SimulatedPlant::as_coordinator(Act act) {
  try {
    act();
  } catch (const Crash&) {
    crash_coordinator();
  }
}

void SimulatedPlant::start_coordinator() {
  note("coordinator", "starts");
  planned_ = 0;
  if (!mechanisms_.content_key) config_.set_seed(++life_);
  plant_ = std::make_unique<PlantCore>(config_, Until::dataset, Folders{"dataset", "runs"}, store_);
  coordinator_ = std::make_unique<CoordinatorCore>(*plant_, store_, now_);
  if (!plant_->recover()) throw Crash();
}

void SimulatedPlant::crash_coordinator() {
  const bool power_cut = chance(1, 2);
  note("coordinator", power_cut ? "loses its power" : "crashes");
  ++ending_.crashes;
  coordinator_.reset();
  plant_.reset();
  store_.restart(power_cut);
  up_at_ = now_ + within(500);
}

// Sources are read while nodes work already. False: the disk refused.
bool SimulatedPlant::carry_plan_on() {
  if (planned_ > kSources) return true;
  std::vector<WorkItem> items;
  for (; planned_ < kSources && items.size() < kPlannedAtOnce; ++planned_) items.push_back(source(planned_));
  if (!items.empty()) return static_cast<bool>(plant_->plan(std::move(items)));
  ++planned_;
  return static_cast<bool>(plant_->planning_finished({}));
}

Outcome SimulatedPlant::work_between_phases() {
  for (auto job = plant_->next_job(); job != Job::none; job = plant_->next_job()) {
    const auto ids = plant_->proven_pairs();
    auto done = job == Job::reduce ? plant_->reduced({ids, kVocabulary, "merges"}) : plant_->finalised("input", digest_of(store_, kVocabulary, ids));
    if (!done) return done;
  }
  return Done{};
}

void SimulatedPlant::step_coordinator() {
  Outbox out;
  if (chance(20, 100) && !carry_plan_on()) throw Crash();
  coordinator_->tick(now_, out);
  if (chance(25, 100) && !coordinator_->flush(now_, out)) throw Crash();  // group commit: not at once
  if (!work_between_phases()) throw Crash();
  post(out);
  if (plant_->phase() != Phase::done) return;
  if (plant_->dead() > 0) break_promise("items are given up that nothing is wrong with");
  ending_.pairs = plant_->funnel().at("mutate.pairs");
}

// What the coordinator says is an effect like any other: it may end before each message.
void SimulatedPlant::post(const Outbox& out) {
  for (const auto& [peer, envelope] : out) {
    store_.effect();
    if (envelope->has_lease()) check_leases(envelope->lease());
    if (envelope->has_ack()) check_ack(peer, envelope->ack().batch());
    for (auto& node : nodes_)
      if (node.name == peer) send(node, true, envelope);
  }
}

void SimulatedPlant::check_leases(const Lease& lease) {
  for (const auto& item : lease.items()) {
    const auto content = content_of(item);
    contents_[item.id()] = content;
    if (acked_.contains(content)) break_promise("acked work is handed out again: " + content);
  }
}

void SimulatedPlant::check_ack(const std::string& peer, std::uint64_t batch) {
  for (const auto& work : batches_[{peer, batch}]) {
    ++ending_.acked;
    acked_.insert(work.content);
    if (!store_.on_disk(work.stage, work.id)) break_promise("acked and not on the disk: " + work.content);
  }
}

void SimulatedPlant::ack_at_once(const Message& message) {
  auto ack = std::make_shared<Envelope>();
  ack->set_epoch(store_.epoch());
  ack->mutable_ack()->set_batch(message.envelope->results().batch());
  post({{message.from, std::move(ack)}});
}

void SimulatedPlant::start_node(Node& node) {
  note(node.name, "starts");
  node.running.clear();
  node.sent.clear();
  node.core = std::make_unique<NodeCore>(hello_of(node.name, random_.next()), std::vector<Stage::Value>(std::begin(kStages), std::end(kStages)),
                                         NodeLimits{2, 4, Moment(300)});
  NodeActions actions;
  node.core->start(now_, actions);
  carry_out(node, actions);
}

void SimulatedPlant::strike() {
  if (plant_ && chance(weather_.coordinator_crash, 1000)) crash_coordinator();
  for (auto& node : nodes_) {
    if (chance(weather_.node_crash, 1000)) start_node(node);
    if (chance(weather_.sleep, 1000)) node.asleep_until = now_ + within(4000);
    if (!chance(weather_.partition, 1000)) continue;
    note(node.name, "is cut off");
    ++ending_.partitions;
    const auto way = random_.below(3);  // towards it, from it, both
    if (way != 1) node.deaf_until = now_ + within(5000);
    if (way != 0) node.mute_until = now_ + within(5000);
  }
}

void SimulatedPlant::send(Node& node, bool to_node, const EnvelopePtr& envelope) {
  if ((to_node ? node.deaf_until : node.mute_until) > now_) return;
  for (int copies = chance(weather_.twice, 100) ? 2 : 1; copies > 0; --copies) {
    if (chance(weather_.drop, 100)) continue;
    wire_.emplace(now_ + within(weather_.delay_ms_max), Message{to_node ? "" : node.name, to_node ? node.name : "", envelope});
  }
}

void SimulatedPlant::deliver() {
  while (!wire_.empty() && wire_.begin()->first <= now_) {
    const auto message = wire_.begin()->second;
    wire_.erase(wire_.begin());
    note(message.to.empty() ? message.from : message.to, name_of(*message.envelope));
    for (auto& node : nodes_)
      if (node.name == message.to) receive(node, *message.envelope);
    if (!message.to.empty() || !plant_) continue;
    as_coordinator([&] {
      Outbox out;
      coordinator_->receive(message.from, *message.envelope, now_, out);
      if (!mechanisms_.ack_after && message.envelope->has_results()) ack_at_once(message);
      post(out);
    });
  }
}

void SimulatedPlant::receive(Node& node, const Envelope& envelope) {
  if (!node.core || node.asleep_until > now_) return;  // its queue is lost with the connection
  NodeActions actions;
  node.core->receive(envelope, now_, actions);
  carry_out(node, actions);
}

void SimulatedPlant::step(Node& node) {
  if (!node.core || node.asleep_until > now_) return;
  NodeActions actions;
  while (!node.running.empty() && node.running.begin()->first <= now_) {
    auto result = work(node.running.begin()->second);
    if (chance(weather_.fail, 100)) {
      result.Clear();
      result.set_item_id(node.running.begin()->second.id());
      result.set_stage(node.running.begin()->second.stage());
      result.set_error("out of memory");
    }
    node.core->finished(std::move(result), actions);
    node.running.erase(node.running.begin());
  }
  node.core->flush(now_, actions);
  node.core->tick(now_, actions);
  carry_out(node, actions);
}

void SimulatedPlant::carry_out(Node& node, const NodeActions& actions) {
  if (!actions.refused.empty()) break_promise(node.name + " is refused: " + actions.refused);
  for (const auto& item : actions.start) node.running.emplace(now_ + within(300), item);
  for (const auto& envelope : actions.send) {
    if (envelope->has_results()) {
      const bool again = !node.sent.insert(envelope->results().batch()).second;
      if (again && !mechanisms_.resend) continue;
      remember(node, envelope->results());
    }
    send(node, false, envelope);
  }
  if (actions.ended) node.core.reset();
}

void SimulatedPlant::remember(const Node& node, const Results& results) {
  auto& batch = batches_[{node.name, results.batch()}];
  batch.clear();
  for (const auto& result : results.results())
    if (result.error().empty()) batch.push_back({result.stage(), *ItemId::from_bytes(result.item_id()), contents_[result.item_id()]});
}

// All is done and the weather calm: every node that lives hears of it, gets its acks and ends.
void SimulatedPlant::say_goodbye(Ending& ending) {
  weather_ = {};
  const auto until = now_ + kFarewellMax;
  const auto all_ended = [this] { return std::all_of(nodes_.begin(), nodes_.end(), [](const Node& node) { return !node.core; }); };
  while (now_ < until && !all_ended()) {
    now_ += kStep;
    deliver();
    for (auto& node : nodes_) step(node);
    Outbox out;
    if (!coordinator_->flush(now_, out)) break;
    coordinator_->say_goodbye({}, out);
    post(out);
  }
  if (!all_ended()) break_promise("a node waits for an ack for ever");
  ending.digest = plant_->digest();
}

}  // namespace mendel::runtime::samples
