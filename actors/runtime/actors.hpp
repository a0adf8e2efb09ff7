// All actors of a process and the messages between them. Nothing here leaves the process: protobuf over
// ZeroMQ does (transport.hpp). Payloads are shared and constant, so a message costs a pointer.
//
//   planner ──▶ coordinator ◀──▶ dataset          node ◀──▶ roles (miner, mutator, linter, …)
//                    │  ▲                          ▲
//                    │  └──────── envelopes ───────┘   in one process as they are, else over the wire
//                    ▼
//                 metrics
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/runtime/frames.hpp"
#include "actors/runtime/plant_core.hpp"
#include "actors/runtime/plant_view.hpp"
#include "proto/wire.pb.h"

namespace mendel::runtime {

using WorkItemPtr = std::shared_ptr<const WorkItem>;
using WorkResultPtr = std::shared_ptr<const WorkResult>;
using ItemsPtr = std::shared_ptr<const std::vector<WorkItem>>;
using RejectionsPtr = std::shared_ptr<const std::vector<Rejection>>;
using ReportPtr = std::shared_ptr<const Report>;

// What the dataset actor works on: the proven pairs of the plan and the counts up to here.
struct DatasetOrder {
  Job job = Job::none;
  std::vector<PairId> pairs;
  std::map<std::string, std::uint64_t> funnel;
};
using DatasetOrderPtr = std::shared_ptr<const DatasetOrder>;

struct DatasetAnswer {
  std::optional<Error> failure;
  std::optional<Reduced> reduced;  // after Job::reduce, unless the dataset is there already
  std::string input_hash, digest;  // of the finished dataset
};
using DatasetAnswerPtr = std::shared_ptr<const DatasetAnswer>;

using drain_atom = caf::atom_constant<caf::atom("drain")>;
using failed_atom = caf::atom_constant<caf::atom("failed")>;
using flush_atom = caf::atom_constant<caf::atom("flush")>;
using gone_atom = caf::atom_constant<caf::atom("gone")>;
using join_atom = caf::atom_constant<caf::atom("join")>;
using planned_atom = caf::atom_constant<caf::atom("planned")>;
using quit_atom = caf::atom_constant<caf::atom("quit")>;
using start_atom = caf::atom_constant<caf::atom("start")>;
using tick_atom = caf::atom_constant<caf::atom("tick")>;
using view_atom = caf::atom_constant<caf::atom("view")>;

// Runs the items of one stage, one at a time, blocking, on a thread of its own. Answers the result and
// the seconds it took; an attempt that failed is a result with `error`, so this never answers an error.
using role_actor = caf::typed_actor<caf::replies_to<WorkItemPtr>::with<WorkResultPtr, double>,
                                    caf::reacts_to<quit_atom>>;

// One node's work: pulls items with credit and hands them to its role actors. Never blocks.
using node_actor = caf::typed_actor<
    // Says hello; once, after the way to the coordinator is open.
    caf::reacts_to<start_atom>,
    // From the coordinator.
    caf::reacts_to<EnvelopePtr>,
    // From training: samples to pass on.
    caf::reacts_to<ReportPtr>,
    // The transport says that trying again is no use; the text is the reason. The node ends.
    caf::reacts_to<failed_atom, std::string>,
    // To itself: results wait to be sent (runs after all that is queued) / time has passed.
    caf::reacts_to<flush_atom>, caf::reacts_to<tick_atom>,
    // Finish what runs, take no more, end.
    caf::reacts_to<drain_atom>,
    // End now.
    caf::reacts_to<quit_atom>>;

// Owns the plan and the store; detached, because the store blocks. The only place where work is decided.
using coordinator_actor = caf::typed_actor<
    // An envelope of a peer, by the name that the transport vouches for.
    caf::reacts_to<std::string, EnvelopePtr>,
    // A node of this process: envelopes for `name` go to it.
    caf::reacts_to<join_atom, std::string, node_actor>,
    // The peer was cut off: its leases go to others.
    caf::reacts_to<gone_atom, std::string>,
    // Sources to add to the plan. Answers once they are on disk (that is the planner's credit); false: the
    // plant is ending, stop planning.
    caf::replies_to<ItemsPtr>::with<bool>,
    // All sources are planned; what could not be used, with its reason.
    caf::reacts_to<planned_atom, RejectionsPtr>,
    // Planning failed: the plant ends with this message.
    caf::reacts_to<failed_atom, std::string>,
    // What the dataset actor decided or wrote.
    caf::reacts_to<DatasetAnswerPtr>,
    // Answers what is to be seen of the plant now.
    caf::replies_to<view_atom>::with<PlantViewPtr>,
    // To itself: results wait for the synced write (runs after all that is queued: group commit) / time.
    caf::reacts_to<flush_atom>, caf::reacts_to<tick_atom>,
    // No new leases; ends when nothing is leased to nodes of this process.
    caf::reacts_to<drain_atom>,
    // Writes what was taken and ends.
    caf::reacts_to<quit_atom>>;

// The reduce: near-duplicates, splits, vocabulary; and the writing of the dataset. Detached. Answers an
// order with its outcome; a failure is inside the answer.
using dataset_actor = caf::typed_actor<caf::replies_to<DatasetOrderPtr>::with<DatasetAnswerPtr>,
                                       caf::reacts_to<quit_atom>>;

// Serves Prometheus text on metrics.listen; keeps the newest view.
using metrics_actor = caf::typed_actor<caf::reacts_to<PlantViewPtr>, caf::reacts_to<quit_atom>>;

}  // namespace mendel::runtime

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mendel::runtime::EnvelopePtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mendel::runtime::WorkItemPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mendel::runtime::WorkResultPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mendel::runtime::ItemsPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mendel::runtime::RejectionsPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mendel::runtime::ReportPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mendel::runtime::PlantViewPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mendel::runtime::DatasetOrderPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mendel::runtime::DatasetAnswerPtr)
