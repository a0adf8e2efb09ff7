// A node: joins a coordinator over CURVE, pulls work with credit, runs it on its workers, sends results
// until they are acked. Both executables run this; only `mendel-trainer` passes in `train`.
//
// Guarantees: every result is resent until the coordinator has stored it; what is leased when the node
// dies is handed to another (docs/reliability.md).
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/wire.pb.h"
#include "proto/work.pb.h"

namespace mendel::runtime {

// Runs one `train` item; blocking, on a thread of its own. `config` is the coordinator's. `report` may be
// called at any time from that thread: samples named training_* appear in `mendel status` (training_step,
// training_steps, training_loss, training_minutes, training_minutes_total, …; the last value of a name
// counts). Once `stop` is true it writes a checkpoint and answers ErrorCode::interrupted: the item is
// then handed out again and the function must go on from that checkpoint.
using TrainFunction = std::function<Result<WorkResult>(const WorkItem& item, const Config& config,
                                                       const std::function<void(const Report&)>& report,
                                                       const std::atomic<bool>& stop)>;

enum class StopRequest {
  none,
  drain,  // SIGTERM: finish what is leased within runtime.drain_ms, then end well
  abort,  // SIGINT: end now; leases are taken back by the coordinator
};

struct NodeOptions {
  std::string name;  // as on the allow-list; also the routing id
  std::vector<std::string> roles;  // miner, mutator, linter, validator, encoder, trainer
  std::string endpoint;  // tcp://HOST:PORT of the coordinator
  std::filesystem::path key_file;  // NODE.secret
  std::filesystem::path server_key_file;  // server.public
  Config config;  // local: workers, tool paths and metrics are taken from here, all else from the coordinator
  std::filesystem::path data;  // this node's own folder: its logs go below
  TrainFunction train;  // empty: this executable cannot train
  std::function<StopRequest()> stop;  // asked about every 100 ms
  std::function<void(std::string_view)> log;  // one line for people, no line feed
};

// Blocks until there is nothing more to do (the coordinator said so), a stop was requested, or the node
// was not let in (unavailable: the message says why: unknown key, revoked, mixed versions).
// interrupted after StopRequest::abort.
Outcome run_node(const NodeOptions& options);

}  // namespace mendel::runtime
