// What the store promises while nothing is damaged: one step or none, once, found again.
#include "storage/plant_store.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "storage/store_records.hpp"
#include "tests/storage/samples.hpp"

using namespace mendel;
using namespace mendel::storage;
using namespace mendel::storage::samples;

namespace {

std::vector<std::string> pending_ids(const PlantStore& store) {
  std::vector<std::string> out;
  REQUIRE(store.each_pending([&](const WorkItem& item) {
    out.push_back(item.id());
    return true;
  }));
  return out;
}

std::uint64_t rejections(const PlantStore& store) {
  std::uint64_t count = 0;
  REQUIRE(store.each_rejection([&](const Rejection&) { return ++count, true; }));
  return count;
}

}  // namespace

TEST_CASE("what was committed is there after the store is opened again") {
  Folder folder;
  {
    auto store = open_store(folder.path);
    REQUIRE(store);
    const auto answer = store->commit({.results = {mutate_result(1)}, .next = {mutate_item(1), mutate_item(2)}, .dead = {}, .requeue = {}, .meta = {{"phase", "collect"}}});
    REQUIRE(answer);
    CHECK(answer->stored == 1);
    CHECK(answer->planned == 2);
  }
  auto store = open_store(folder.path);
  REQUIRE(store);
  CHECK(store->is_done(Stage::mutate, item_id_of(mutate_item(1))));
  CHECK_FALSE(store->is_done(Stage::lint, item_id_of(mutate_item(1))));
  CHECK(pending_ids(*store) == std::vector{mutate_item(2).id()});
  CHECK(to_json(*store->pair(id_of(pair_of(1)))) == to_json(pair_of(1)));
  CHECK_FALSE(store->pair(id_of(pair_of(2))));
  const auto mark = store->done(Stage::mutate, item_id_of(mutate_item(1)));
  REQUIRE(mark);
  CHECK(mark->pairs == std::vector{id_of(pair_of(1))});
  CHECK(mark->funnel.at("mutate.pairs") == 1);
  CHECK(store->meta("phase") == "collect");
  CHECK_FALSE(store->meta("epoch"));
  CHECK(rejections(*store) == 1);
  CHECK(store->bytes_on_disk() > 0);
  CHECK(store->verify());
}

TEST_CASE("a result of a done item is dropped, in the same step and later") {
  Folder folder;
  auto store = open_store(folder.path);
  REQUIRE(store->commit({.results = {mutate_result(1), mutate_result(1)}, .next = {mutate_item(1), mutate_item(1)}, .dead = {}, .requeue = {}, .meta = {}})->duplicates == 1);
  auto again = mutate_result(1);
  *again.add_pairs() = pair_of(99);
  const auto answer = store->commit({.results = {again}, .next = {mutate_item(1)}, .dead = {}, .requeue = {}, .meta = {}});
  REQUIRE(answer);
  CHECK(answer->duplicates == 1);
  CHECK(answer->stored == 0);
  CHECK(answer->planned == 0);
  CHECK_FALSE(store->pair(id_of(pair_of(99))));
  CHECK(rejections(*store) == 1);
}

TEST_CASE("the epoch rises with every opening for writing and with no other") {
  Folder folder;
  CHECK(open_store(folder.path)->epoch() == 1);
  CHECK(open_store(folder.path, OpenMode::read_only)->epoch() == 1);
  CHECK(open_store(folder.path)->epoch() == 2);
}

TEST_CASE("pairs that ride along with an item are not stored with it and do not change its id") {
  Folder folder;
  auto store = open_store(folder.path);
  auto item = encode_item(1, std::string(32, 'a'));
  auto laden = item;
  *laden.mutable_encode()->add_pairs() = pair_of(1);
  laden.set_attempt(3);
  CHECK(item_id(laden, 1) == item_id(item, 1));
  CHECK(item_id(laden, 2) != item_id(item, 1));
  REQUIRE(store->commit({.results = {}, .next = {laden}, .dead = {}, .requeue = {}, .meta = {}}));
  REQUIRE(store->each_planned(Stage::encode, [&](const WorkItem& planned) {
    CHECK(planned.encode().pairs().empty());
    CHECK(planned.encode().pair_ids(0) == pair_of(1).id());
    CHECK(planned.attempt() == 0);
    return true;
  }));
}

TEST_CASE("a row comes back byte for byte, and the padding of its grids takes no room") {
  for (const auto& [buggy, fixed] : std::vector<std::pair<std::string, std::string>>{
           {std::string(6144, '\0'), std::string("ab\0cd", 5) + std::string(6139, '\0')}, {"", "no padding"}, {std::string("\0a", 2), std::string(1, '\0')}}) {
    Row row;
    row.set_id(pair_of(1).id());
    row.set_buggy_grid(buggy);
    row.set_fixed_grid(fixed);
    row.set_level(3);
    const auto stored = stored_row(row);
    CHECK(stored.size() < 80);
    const auto back = row_from(stored);
    REQUIRE(back);
    CHECK(back->SerializeAsString() == row.SerializeAsString());
    CHECK(row_from(row.SerializeAsString())->SerializeAsString() == row.SerializeAsString());  // as older stores kept it
  }
  CHECK_FALSE(row_from("\xff\xff"));
}

TEST_CASE("a stored row that claims a giant grid is damage, not memory") {
  StoredGrids grids;
  grids.set_buggy_bytes(0xffff'ffff);
  CHECK_FALSE(row_from(grids.SerializeAsString()));
}

TEST_CASE("rows are kept per vocabulary") {
  Folder folder;
  auto store = open_store(folder.path);
  for (const char* vocabulary : {"first", "second"}) {
    const auto item = encode_item(1, vocabulary);
    WorkResult result;
    result.set_item_id(item.id());
    result.set_stage(Stage::encode);
    auto& row = *result.add_rows();
    row.set_id(pair_of(1).id());
    row.set_symbol(vocabulary);
    REQUIRE(store->commit({.results = {result}, .next = {item}, .dead = {}, .requeue = {}, .meta = {}}));
    CHECK(store->done(Stage::encode, item_id_of(item))->pairs == std::vector{id_of(pair_of(1))});
  }
  CHECK(store->row("first", id_of(pair_of(1)))->symbol() == "first");
  CHECK(store->row("second", id_of(pair_of(1)))->symbol() == "second");
  CHECK_FALSE(store->row("third", id_of(pair_of(1))));
}

TEST_CASE("a step with anything wrong in it stores nothing, and the store goes on") {
  Folder folder;
  auto store = open_store(folder.path);
  auto short_id = mutate_result(2);
  short_id.set_item_id("short");
  auto failed = mutate_result(2);
  failed.set_error("the linter crashed");
  auto bad_pair = mutate_result(2);
  bad_pair.mutable_pairs(0)->set_id("x");
  auto unplanned = mutate_result(2);
  unplanned.set_stage(Stage::encode);
  unplanned.add_rows()->set_id(pair_of(2).id());
  for (const auto& bad : {short_id, failed, bad_pair, unplanned}) {
    const auto answer = store->commit({.results = {mutate_result(1), bad}, .next = {}, .dead = {}, .requeue = {}, .meta = {}});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::invalid_input);
    CHECK_FALSE(store->pair(id_of(pair_of(1))));
  }
  CHECK(store->commit({.results = {mutate_result(1)}, .next = {}, .dead = {}, .requeue = {}, .meta = {}}));
}

TEST_CASE("a dead letter is not pending until it is requeued, and a late result buries it") {
  Folder folder;
  auto store = open_store(folder.path);
  REQUIRE(store->commit({.results = {}, .next = {mutate_item(1), mutate_item(2)}, .dead = {{mutate_item(1), "crashed", "Traceback", 5, 1}, {mutate_item(2), "hung", "", 5, 0}}, .requeue = {}, .meta = {}}));
  CHECK(pending_ids(*store).empty());
  REQUIRE(store->commit({.results = {mutate_result(2)}, .next = {}, .dead = {}, .requeue = {}, .meta = {}}));
  std::vector<std::string> errors;
  REQUIRE(store->each_dead([&](const DeadLetter& letter) {
    errors.push_back(letter.error + "/" + letter.stderr_tail + "/" + std::to_string(letter.attempts));
    return true;
  }));
  CHECK(errors == std::vector<std::string>{"crashed/Traceback/5"});
  REQUIRE(store->commit({.results = {}, .next = {}, .dead = {}, .requeue = {item_id_of(mutate_item(1))}, .meta = {}}));
  CHECK(pending_ids(*store) == std::vector{mutate_item(1).id()});
}

TEST_CASE("iteration is ascending whatever the order of writing, and stops when told") {
  Folder first, second;
  auto a = open_store(first.path), b = open_store(second.path);
  for (int n = 0; n < 20; ++n) {
    REQUIRE(a->commit({.results = {mutate_result(n)}, .next = {mutate_item(n + 100)}, .dead = {}, .requeue = {}, .meta = {}}));
    REQUIRE(b->commit({.results = {mutate_result(19 - n)}, .next = {mutate_item(119 - n)}, .dead = {}, .requeue = {}, .meta = {}}));
  }
  const auto ids = pending_ids(*a);
  CHECK(std::is_sorted(ids.begin(), ids.end()));
  CHECK(ids == pending_ids(*b));
  int visits = 0;
  REQUIRE(a->each_done(Stage::mutate, [&](const ItemId&, const DoneMark&) { return ++visits < 3; }));
  CHECK(visits == 3);
}

TEST_CASE("a second writer is told who holds the store, a reader is let in") {
  Folder folder;
  auto store = open_store(folder.path);
  REQUIRE(store->commit({.results = {mutate_result(1)}, .next = {}, .dead = {}, .requeue = {}, .meta = {}}));
  const auto second = PlantStore::open(folder.path, OpenMode::read_write);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::busy);
  CHECK(second.error().what.find("held by process " + std::to_string(getpid()) + " (test_storage") != std::string::npos);
  auto reader = open_store(folder.path, OpenMode::read_only);
  REQUIRE(reader);
  CHECK(reader->pair(id_of(pair_of(1))));
  REQUIRE(store->commit({.results = {mutate_result(2)}, .next = {}, .dead = {}, .requeue = {}, .meta = {}}));
  CHECK_FALSE(reader->pair(id_of(pair_of(2))));
  CHECK(reader->commit({}).error().code == ErrorCode::invalid_input);
}

TEST_CASE("every acked commit is there after a process was killed at any moment") {
  Folder folder;
  for (int round = 0; round < 4; ++round) {
    int acks[2];
    REQUIRE(pipe(acks) == 0);
    const pid_t child = fork();
    if (child == 0) {
      auto store = open_store(folder.path);
      for (int n = round * 1000; store; ++n) {
        if (!store->commit({.results = {mutate_result(n)}, .next = {mutate_item(n)}, .dead = {}, .requeue = {}, .meta = {}})) break;
        if (write(acks[1], &n, sizeof n) != sizeof n) break;
      }
      _exit(1);
    }
    close(acks[1]);
    std::vector<int> acked;
    for (int n; acked.size() < 5 + static_cast<std::size_t>(round) * 7 && read(acks[0], &n, sizeof n) == sizeof n;) acked.push_back(n);
    kill(child, SIGKILL);
    for (int n; read(acks[0], &n, sizeof n) == sizeof n;) acked.push_back(n);
    close(acks[0]);
    waitpid(child, nullptr, 0);
    REQUIRE(acked.size() >= 5);
    auto store = open_store(folder.path);
    REQUIRE(store);
    for (const int n : acked) {
      CHECK(store->is_done(Stage::mutate, item_id_of(mutate_item(n))));
      CHECK(store->pair(id_of(pair_of(n))));
    }
    // Data and done-mark are one step: no mark without its pair.
    REQUIRE(store->each_done(Stage::mutate, [&](const ItemId&, const DoneMark& mark) { return store->pair(mark.pairs.at(0)).has_value(); }));
    CHECK(store->verify());
  }
}
