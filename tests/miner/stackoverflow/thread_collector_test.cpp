// Which posts become threads: tags, scores, order of rows, bounded memory.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "actors/miner/stackoverflow/dump_funnel.hpp"
#include "actors/miner/stackoverflow/thread_collector.hpp"
#include "tests/miner/stackoverflow/threads.hpp"

using namespace mendel;
using namespace mendel::miner;

namespace {

namespace fs = std::filesystem;

struct Joined {
  std::vector<std::string> threads;  // "question:answer,answer"
  DumpCounts counts;
  bool used_disk = false;
};

std::string scratch() { return (fs::temp_directory_path() / ("mendel-threads-" + std::to_string(::getpid()))).string(); }

Joined join(const std::vector<RowText>& rows, Stackoverflow settings = {}) {
  Joined out;
  {
    ThreadCollector collector(settings, scratch());
    PostScanner scanner(1u << 22);
    REQUIRE(scanner.feed(dump_of(rows), [&](const PostRow& row) { collector.take(row); }));
    REQUIRE(collector.state());
    out.used_disk = fs::exists(scratch());
    REQUIRE(collector.each_thread([&](Thread thread) -> Outcome {
      auto line = std::to_string(thread.question().id()) + ":";
      for (const auto& answer : thread.answers()) line += (line.ends_with(':') ? "" : ",") + std::to_string(answer.id());
      out.threads.push_back(line);
      return Done{};
    }));
    out.counts = collector.counts();
  }
  CHECK_FALSE(fs::exists(scratch()));
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the accepted answer comes first, then the best of the others") {
  CHECK(join({question(1, "a", 3), answer(2, 1, "a", 9), answer(3, 1, "a", 5), answer(4, 1, "a", 9)}).threads == Lines{"1:3,2"});
  CHECK(join({question(1, "a", 2), answer(2, 1, "a", 9)}).threads == Lines{"1:2"});
  CHECK(join({question(1, "a"), answer(2, 1, "a", 6), answer(3, 1, "a", 7)}).threads == Lines{"1:3"});
}

TEST_CASE("an answer at the least score counts, one below does not") {
  CHECK(join({question(1, "a", 2), answer(2, 1, "a", 5), answer(3, 1, "a", 4), answer(4, 1, "a", -7)}).threads == Lines{"1:2"});
  Stackoverflow strict;
  strict.set_min_score(6);
  CHECK(join({question(1, "a", 2), answer(2, 1, "a", 5)}, strict).threads.empty());
}

TEST_CASE("both forms of tags are read, and only wanted ones count") {
  const Stackoverflow any;
  for (const char* raw : {"&lt;python&gt;", "&lt;c&gt;&lt;python-3.x&gt;", "|c|python|", "|python|"}) CHECK(has_tag(raw, any));
  for (const char* raw : {"", "&lt;c&gt;", "|c|", "|ironpython|", "&lt;cpython&gt;", "python", "|", "&lt;python"}) CHECK_FALSE(has_tag(raw, any));
  Stackoverflow named;
  named.add_tags("django");
  CHECK(has_tag("|django|", named));
  CHECK_FALSE(has_tag("|python|", named));
}

TEST_CASE("threads do not depend on the order of the rows") {
  std::vector<RowText> rows = {question(10, "a", 12), answer(11, 10, "a"), answer(12, 10, "a"), question(500000, "b"), answer(500001, 500000, "b"), answer(13, 10, "x", 50)};
  rows[3].tags = "|python|";
  const auto expected = join(rows);
  CHECK(expected.threads == Lines{"10:12,13", "500000:500001"});
  std::reverse(rows.begin(), rows.end());
  const auto reversed = join(rows);
  CHECK(reversed.threads == expected.threads);
  CHECK(reversed.counts.at(kThreads) == expected.counts.at(kThreads));
}

TEST_CASE("posts go to disk above the memory limit and come back the same") {
  std::vector<RowText> rows;
  const std::string filler(4000, 'x');
  for (unsigned i = 1; i <= 300; ++i) {
    rows.push_back(question(i * 3000, "# " + filler));
    rows.push_back(answer(i * 3000 + 1, i * 3000, "# " + filler));
  }
  const auto in_memory = join(rows);
  Stackoverflow small;
  small.set_memory_mib(1);
  const auto on_disk = join(rows, small);
  CHECK_FALSE(in_memory.used_disk);
  CHECK(on_disk.used_disk);
  CHECK(on_disk.threads.size() == 300);
  CHECK(on_disk.threads == in_memory.threads);
}

TEST_CASE("planted, deleted, foreign and doubled posts are left out and counted") {
  auto planted = question(1000000001, "a");
  auto deleted = question(7, "a");
  deleted.extra = "DeletionDate=\"2020-01-01T00:00:00\"";
  const auto joined = join({question(1, "a"), answer(2, 1, "a"), answer(2, 1, "b"), question(1, "c"), planted, deleted, answer(9, 4, "a"), answer(1000000010, 1, "a"), answer(5, 5, "a")});
  CHECK(joined.threads == Lines{"1:2"});
  CHECK(joined.counts.at("stackoverflow.left_out.planted") == 2);
  CHECK(joined.counts.at("stackoverflow.left_out.deleted") == 1);
  CHECK(joined.counts.at("stackoverflow.left_out.orphan") == 1);
  CHECK(joined.counts.at("stackoverflow.left_out.seen_twice") == 2);
  CHECK(joined.counts.at("stackoverflow.left_out.bad_id") == 1);
}

TEST_CASE("posts without a block of code are passed over undecoded") {
  auto bare = question(1, "a");
  bare.body = "<p>use <code>x</code></p>";
  auto text = answer(4, 3, "a");
  text.body = "<pre>x</pre>";
  const auto joined = join({bare, answer(2, 1, "a"), question(3, "a"), text});
  CHECK(joined.threads.empty());
  CHECK(joined.counts.at(kAsked) == 2);
  CHECK(joined.counts.at(kAskedWithCode) == 1);
}
