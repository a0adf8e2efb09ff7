// mendel dead: items that failed for good, why, and again.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.hpp"
#include "actors/cli/coordinator_question.hpp"
#include "actors/runtime/plant.hpp"
#include "actors/runtime/stages.hpp"
#include "storage/plant_store.hpp"

namespace mendel::cli {
namespace {

using storage::DeadLetter;

// What the item is about, for people.
std::string subject_of(const WorkItem& item) {
  if (item.has_mutate() && item.mutate().files_size() > 0) return item.mutate().files(0).path();
  if (item.has_lint()) return std::to_string(item.lint().files_size()) + " files" + (item.lint().files_size() > 0 ? " from " + item.lint().files(0).path() : "");
  if (item.has_mine_release()) return item.mine_release().package() + " " + item.mine_release().before() + " -> " + item.mine_release().after();
  if (item.has_lint_history()) return std::to_string(item.lint_history().commits_size()) + " commits of " + item.lint_history().repository();
  if (item.has_mine_git()) return std::to_string(item.mine_git().commits_size()) + " commits of " + item.mine_git().repository();
  if (item.has_mine_github()) return std::to_string(item.mine_github().history().commits_size()) + " commits of " + item.mine_github().history().repository();
  if (item.has_mine_stackoverflow())
    return std::to_string(item.mine_stackoverflow().threads_size()) + " questions of " + item.mine_stackoverflow().site();
  if (item.has_validate()) return std::to_string(item.validate().pair_ids_size()) + " pairs";
  if (item.has_encode()) return std::to_string(item.encode().pair_ids_size()) + " pairs";
  if (item.has_train()) return item.train().run();
  return "an item that is gone from the store";
}

std::string hex_of(const WorkItem& item) {
  const auto id = ItemId::from_bytes(item.id());
  return id ? id->hex() : std::string();
}

nlohmann::ordered_json as_json(const DeadLetter& letter) {
  return {{"id", hex_of(letter.item)}, {"stage", runtime::stage_name(letter.item.stage())}, {"subject", subject_of(letter.item)}, {"error", letter.error},
          {"stderr", letter.stderr_tail}, {"attempts", letter.attempts}, {"workers_lost", letter.workers_lost}};
}

Result<std::vector<DeadLetter>> letters_of(const Context& context) {
  const auto folder = runtime::store_folder(context.data);
  std::vector<DeadLetter> out;
  if (!std::filesystem::exists(folder)) return Error{ErrorCode::not_found, context.data.string() + ": no plant has run on this data folder"};
  auto store = storage::PlantStore::open(folder, storage::OpenMode::read_only);
  if (!store) return store.error();
  auto read = (*store)->each_dead([&](const DeadLetter& letter) {
    out.push_back(letter);
    return true;
  });
  if (!read) return read.error();
  return out;
}

int list(const Context& context) {
  const auto letters = letters_of(context);
  if (!letters) return fail(letters.error());
  for (const auto& letter : *letters) {
    if (context.json) std::printf("%s\n", as_json(letter).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    else std::printf("%s  %-8s  %s: %s\n", hex_of(letter.item).c_str(), runtime::stage_name(letter.item.stage()), subject_of(letter.item).c_str(), letter.error.c_str());
  }
  if (letters->empty()) note("no dead letters");
  return kDone;
}

int show(const Context& context, const std::string& id) {
  const auto letters = letters_of(context);
  if (!letters) return fail(letters.error());
  for (const auto& letter : *letters) {
    if (hex_of(letter.item) != id) continue;
    if (context.json) std::printf("%s\n", as_json(letter).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    else
      std::printf("item      %s\nstage     %s\nsubject   %s\nattempts  %u\nlost      %u workers\nerror     %s\n%s", id.c_str(), runtime::stage_name(letter.item.stage()),
                  subject_of(letter.item).c_str(), letter.attempts, letter.workers_lost, letter.error.c_str(),
                  letter.stderr_tail.empty() ? "" : ("stderr:\n" + letter.stderr_tail + "\n").c_str());
    return kDone;
  }
  return fail({ErrorCode::not_found, "no dead letter " + id + "; see: mendel dead list"});
}

Result<std::uint64_t> requeue_in_store(const Context& context, const std::vector<ItemId>& ids) {
  auto letters = letters_of(context);
  if (!letters) return letters.error();
  storage::Commit commit;
  for (const auto& letter : *letters)
    if (const auto id = ItemId::from_bytes(letter.item.id()); id && (ids.empty() || std::find(ids.begin(), ids.end(), *id) != ids.end())) commit.requeue.push_back(*id);
  auto store = storage::PlantStore::open(runtime::store_folder(context.data), storage::OpenMode::read_write);
  if (!store) return store.error();
  if (auto written = (*store)->commit(commit); !written) return written.error();
  return commit.requeue.size();
}

// By the plant that runs, else in the store.
Result<std::uint64_t> requeue_items(const Context& context, const std::vector<ItemId>& ids) {
  Envelope question;
  auto& requeue = *question.mutable_requeue();
  for (const auto& id : ids) requeue.add_item_ids(std::string(id.view()));
  requeue.set_all(ids.empty());
  const auto answer = ask(context, question);
  if (!answer) return answer.error().code == ErrorCode::not_found ? requeue_in_store(context, ids) : answer.error();
  if (!answer->requeue_answer().error().empty()) return Error{ErrorCode::io_error, answer->requeue_answer().error()};
  return answer->requeue_answer().requeued();
}

int requeue(const Context& context, const std::string& id, bool all) {
  if (id.empty() == !all) return fail_use("name one ID, or --all");
  std::vector<ItemId> ids;
  if (!all) {
    const auto parsed = ItemId::from_hex(id);
    if (!parsed) return fail_use("\"" + id + "\" is no item id: 32 hex digits, see: mendel dead list");
    ids.push_back(*parsed);
  }
  const auto count = requeue_items(context, ids);
  if (!count) return fail(count.error());
  if (*count == 0 && !all) return fail({ErrorCode::not_found, "no dead letter " + id + "; see: mendel dead list"});
  note(std::to_string(*count) + " items are work again");
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto id = std::make_shared<std::string>();
  const auto all = std::make_shared<bool>(false);
  app.require_subcommand(1);
  auto* listing = app.add_subcommand("list", "one line an item")->fallthrough();
  auto* showing = app.add_subcommand("show", "one item with its stderr")->fallthrough();
  showing->add_option("ID", *id)->required();
  auto* again = app.add_subcommand("requeue", "make items work again, with all their attempts")->fallthrough();
  again->add_option("ID", *id);
  again->add_flag("--all", *all);
  return [=, &context] {
    if (listing->parsed()) return list(context);
    return showing->parsed() ? show(context, *id) : requeue(context, *id, *all);
  };
}

}  // namespace

const Subcommand kDeadCommand = {"dead", "items that failed for good: what, why, with stderr; again",
                                 "  mendel dead list\n  mendel dead show 0123456789abcdef0123456789abcdef\n  mendel dead requeue --all", declare};

}  // namespace mendel::cli
