// Small pairs, items, results and a folder that goes away: material of the storage tests.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "proto/ids.hpp"
#include "proto/pair_json.hpp"
#include "storage/plant_store.hpp"

namespace mendel::storage::samples {

namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  Folder() {
    static int count = 0;
    path = fs::temp_directory_path() / ("mendel-storage-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() {
    std::error_code error;
    fs::remove_all(path, error);
  }
};

inline std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void overwrite(const fs::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

inline Pair pair_of(int n) {
  Pair pair;
  pair.set_buggy("def f" + std::to_string(n) + "(x):\n    return x - " + std::to_string(n) + "\n");
  pair.set_fixed("def f" + std::to_string(n) + "(x):\n    return x + " + std::to_string(n) + "\n");
  pair.mutable_bug()->set_class_(BugClass::logic);
  pair.mutable_bug()->set_type("wrong_operator");
  pair.mutable_source()->set_kind(SourceKind::mutation);
  pair.mutable_source()->set_path("pkg/module.py");
  set_pair_id(pair);
  return pair;
}

inline PairId id_of(const Pair& pair) { return *PairId::from_hex(pair.id()); }

// A file to mutate; `n` makes its id.
inline WorkItem mutate_item(int n) {
  WorkItem item;
  item.set_stage(Stage::mutate);
  auto& file = *item.mutable_mutate()->add_files();
  file.set_repository("pkg");
  file.set_path("pkg/" + std::to_string(n) + ".py");
  file.set_text("x = " + std::to_string(n) + "\n");
  item.set_id(std::string(item_id(item, 1).view()));
  return item;
}

inline ItemId item_id_of(const WorkItem& item) { return *ItemId::from_bytes(item.id()); }

// What mutating it gave: one pair, one rejection, one counter.
inline WorkResult mutate_result(int n) {
  WorkResult result;
  result.set_item_id(mutate_item(n).id());
  result.set_stage(Stage::mutate);
  *result.add_pairs() = pair_of(n);
  auto& rejection = *result.add_rejections();
  rejection.set_subject("pkg/" + std::to_string(n) + ".py");
  rejection.set_reason("too_short");
  (*result.mutable_funnel())["mutate.pairs"] = 1;
  return result;
}

inline WorkItem encode_item(int n, const std::string& vocabulary) {
  WorkItem item;
  item.set_stage(Stage::encode);
  item.mutable_encode()->add_pair_ids(pair_of(n).id());
  item.mutable_encode()->set_tokenizer(vocabulary);
  item.set_id(std::string(item_id(item, 1).view()));
  return item;
}

inline std::unique_ptr<PlantStore> open_store(const fs::path& folder, OpenMode mode = OpenMode::read_write) {
  auto store = PlantStore::open(folder, mode);
  return store ? std::move(*store) : nullptr;
}

}  // namespace mendel::storage::samples
