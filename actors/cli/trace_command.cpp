// mendel trace ID: where a pair came from, what every stage said of it, and where it ended up.
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.hpp"
#include "actors/runtime/store_pairs.hpp"
#include "proto/pair_json.hpp"
#include "storage/dataset.hpp"
#include "storage/plant_store.hpp"

namespace mendel::cli {
namespace {

using Json = nlohmann::ordered_json;
using storage::PlantStore;

constexpr const char* kSplitNames[] = {"train", "validation", "test"};

Json json_of(const google::protobuf::Message& message) { return Json::parse(to_json(message)); }

// The item of a collecting stage whose done-mark names the pair.
Result<Json> origin_of(const PlantStore& store, const PairId& id) {
  Json out;
  for (const auto stage : {Stage::mine_git, Stage::mine_github, Stage::mine_stackoverflow, Stage::mine_release, Stage::mutate, Stage::lint}) {
    auto read = store.each_done(stage, [&](const ItemId& item, const storage::DoneMark& mark) {
      if (std::find(mark.pairs.begin(), mark.pairs.end(), id) == mark.pairs.end()) return true;
      out = {{"stage", Stage::Value_Name(stage)}, {"item", item.hex()}};
      return false;
    });
    if (!read) return read.error();
    if (!out.is_null()) break;
  }
  return out;
}

Result<Json> decision_of(const PlantStore& store, const Config& config, const PairId& id) {
  const auto selection = runtime::select_pairs(runtime::StorePairs(store), config);
  if (!selection) return selection.error();
  for (const auto& decision : selection->decisions)
    if (decision.id == id)
      return Json{{"accepted", decision.accepted}, {"reason", decision.reason}, {"detail", decision.detail}, {"cluster", decision.cluster.hex()},
                  {"split", decision.accepted ? kSplitNames[static_cast<int>(decision.split)] : ""}};
  return Json();
}

// Fills in pair, origin, verdict and decision; false if the store does not hold the pair.
Result<bool> trace_in_store(const Context& context, const PairId& id, Json& out) {
  const auto store = PlantStore::open(context.data / "store", storage::OpenMode::read_only);
  if (!store) return store.error();
  const auto pair = (*store)->pair(id);
  if (auto intact = (*store)->intact(); !intact) return intact.error();
  if (!pair) return false;
  out["bug"] = json_of(pair->bug());
  out["source"] = json_of(pair->source());
  auto origin = origin_of(**store, id);
  if (!origin) return origin.error();
  out["origin"] = *std::move(origin);
  const auto proof = (*store)->proof(id);
  if (!proof) return true;
  out["verdict"] = json_of(proof->verdict());
  if (!proof->verdict().accepted()) return true;
  auto decision = decision_of(**store, context.config, id);
  if (!decision) return decision.error();
  out["decision"] = *std::move(decision);
  return true;
}

Result<bool> trace_in_dataset(const std::string& folder, const PairId& id, Json& out) {
  const auto reader = storage::DatasetReader::open(folder);
  if (!reader) return reader.error();
  const std::string wanted = id.hex();
  for (const auto split : {storage::SplitName::train, storage::SplitName::validation, storage::SplitName::test}) {
    std::uint64_t number = 0;
    bool found = false;
    auto read = (*reader)->each(split, [&](const Row& row) {
      found = row.id() == wanted;
      if (!found) return ++number, !interrupted();
      out["dataset"] = {{"folder", folder}, {"digest", (*reader)->digest()}, {"split", name_of(split)}, {"row", number},
                        {"cluster", row.cluster()}, {"quality", row.quality()}, {"difficulty", row.difficulty()}, {"level", row.level()},
                        {"edits", row.edits_size()}, {"window_first_line", row.window_first_line()}};
      if (out["source"].is_null())
        out["source"] = {{"kind", row.source()}, {"repository", row.repository()}, {"commit", row.commit()}, {"path", row.path()},
                         {"symbol", row.symbol()}, {"license", row.license()}};
      if (out["bug"].is_null()) out["bug"] = {{"class", row.bug_class()}, {"type", row.bug_type()}, {"operator", row.operator_()}};
      return false;
    });
    if (!read) return read.error();
    if (interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
    if (found) return true;
  }
  return false;
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void print(const Json& trace) {
  for (const auto& [part, value] : trace.items()) {
    if (value.is_null()) {
      std::printf("%-9s -\n", part.c_str());
    } else if (!value.is_object()) {
      std::printf("%-9s %s\n", part.c_str(), text_of(value).c_str());
    } else {
      std::printf("%s\n", part.c_str());
      for (const auto& [name, fact] : value.items()) {
        if (name == "stages" || fact == "" || (name == "pair_id")) continue;
        std::printf("  %-18s %s\n", name.c_str(), text_of(fact).c_str());
      }
      if (value.contains("stages"))
        for (const auto& stage : value["stages"])
          std::printf("  %-18s %-8s %-22s %s\n", text_of(stage["name"]).c_str(), text_of(stage["result"]).c_str(),
                      text_of(stage["reason"]).c_str(), text_of(stage["detail"]).c_str());
    }
  }
}

int trace(const Context& context, const std::string& text, std::string dataset) {
  const auto id = PairId::from_hex(text);
  if (!id) return fail_use("trace: an id is 32 lower-case hex digits, not \"" + text + "\"");
  const bool named = !dataset.empty();
  if (!named) dataset = (context.data / "dataset").string();
  Json out = {{"id", text}};
  for (const char* part : {"bug", "source", "origin", "verdict", "decision", "dataset"}) out[part] = nullptr;
  std::error_code error;
  bool found = false, looked = false;
  if (std::filesystem::exists(context.data / "store", error)) {
    const auto in_store = trace_in_store(context, *id, out);
    if (!in_store) return fail(in_store.error());
    found = *in_store;
    looked = true;
  }
  if (named || std::filesystem::exists(dataset, error)) {
    const auto in_dataset = trace_in_dataset(dataset, *id, out);
    if (!in_dataset) return fail(in_dataset.error());
    found = found || *in_dataset;
    looked = true;
  }
  if (!looked) return fail({ErrorCode::not_found, context.data.string() + ": neither a store nor a dataset; name them by --data or --dataset"});
  if (!found) return fail({ErrorCode::not_found, "no pair " + text + " in " + context.data.string() + " or " + dataset});
  if (context.json)
    std::printf("%s\n", out.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  else
    print(out);
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto id = std::make_shared<std::string>(), dataset = std::make_shared<std::string>();
  app.add_option("ID", *id, "of a pair or a dataset row, 32 hex digits")->required();
  app.add_option("--dataset", *dataset, "dataset to look in (default: DATA/dataset)");
  return [=, &context] { return trace(context, *id, *dataset); };
}

}  // namespace

const Subcommand kTraceCommand = {"trace", "the whole provenance of a pair or a row: source, verdict, cluster, split",
                                  "  mendel trace 0123456789abcdef0123456789abcdef\n"
                                  "  mendel trace 0123456789abcdef0123456789abcdef --dataset dataset",
                                  declare};

}  // namespace mendel::cli
