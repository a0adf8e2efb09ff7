// The control socket, else the store read-only.
#include "actors/cli/coordinator_question.hpp"

#include "actors/runtime/frames.hpp"
#include "actors/runtime/plant.hpp"
#include "actors/runtime/stages.hpp"
#include "actors/runtime/transport.hpp"
#include "storage/plant_store.hpp"

namespace mendel::cli {
namespace {

constexpr int kAnswerMs = 5000;

}  // namespace

Result<Envelope> ask(const Context& context, const Envelope& question) {
  auto sent = question;
  sent.set_protocol(runtime::kProtocol);
  return runtime::ask_coordinator(runtime::control_folder(context.data), sent, kAnswerMs);
}

Result<std::optional<Status>> running_status(const Context& context) {
  Envelope question;
  question.mutable_status_request();
  auto answer = ask(context, question);
  if (answer) return std::optional(answer->status());
  if (answer.error().code == ErrorCode::not_found) return std::optional<Status>();
  return answer.error();
}

Result<Status> stored_status(const Context& context) {
  const auto folder = runtime::store_folder(context.data);
  if (!std::filesystem::exists(folder)) return Error{ErrorCode::not_found, context.data.string() + ": no plant has run on this data folder; start one with: mendel up"};
  auto store = storage::PlantStore::open(folder, storage::OpenMode::read_only);
  if (!store) return store.error();
  Status status;
  status.set_phase("stopped");
  for (const auto& row : runtime::stages()) {
    auto& stage = *status.add_stages();
    stage.set_stage(row.name);
    std::uint64_t planned = 0, done = 0;
    auto read = (*store)->each_planned(row.stage, [&](const WorkItem& item) {
      ++planned;
      const auto id = ItemId::from_bytes(item.id());
      done += id && (*store)->is_done(row.stage, *id);
      return true;
    });
    if (!read) return read.error();
    stage.set_done(done);
    stage.set_pending(planned - done);
  }
  auto read = (*store)->each_dead([&](const storage::DeadLetter& letter) {
    for (auto& stage : *status.mutable_stages())
      if (stage.stage() == runtime::stage_name(letter.item.stage())) {
        stage.set_dead(stage.dead() + 1);
        if (stage.pending() > 0) stage.set_pending(stage.pending() - 1);
      }
    return true;
  });
  if (!read) return read.error();
  if (const auto digest = (*store)->meta("dataset.digest")) status.set_dataset_digest(*digest);
  return status;
}

}  // namespace mendel::cli
