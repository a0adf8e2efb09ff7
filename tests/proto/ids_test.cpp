// Ids and hashes: the same on every machine, forever; stored data depends on it.
#include "proto/ids.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace mendel;

TEST_CASE("an id comes back from its hex form and from its bytes") {
  const auto id = ContentHash().add("a").add(std::uint64_t{7}).finish<PairId>();
  CHECK(PairId::from_hex(id.hex()) == id);
  CHECK(PairId::from_bytes(id.view()) == id);
}

TEST_CASE("what is not 32 lower-case hex digits is no id") {
  CHECK_FALSE(PairId::from_hex(""));
  CHECK_FALSE(PairId::from_hex(std::string(31, 'a')));
  CHECK_FALSE(PairId::from_hex(std::string(33, 'a')));
  CHECK_FALSE(PairId::from_hex(std::string(32, 'A')));
  CHECK_FALSE(PairId::from_hex(std::string(31, 'a') + "g"));
  CHECK_FALSE(PairId::from_bytes("short"));
}

TEST_CASE("fields that would join to the same bytes have different hashes") {
  CHECK(ContentHash().add("ab").add("c").finish() != ContentHash().add("a").add("bc").finish());
  CHECK(ContentHash().add("ab").finish() != ContentHash().add("ab").add("").finish());
}

TEST_CASE("the hash is pinned: another value would orphan every stored id") {
  CHECK(hash64("mendel") == 13370864355863825909ull);
  CHECK(ContentHash().add("mendel").finish().hex() == "14275ef34fb68c034d64decd6cc80a59");
}

TEST_CASE("the random stream is pinned and stays below its bound") {
  Random random(7);
  CHECK(random.next() == 7191089600892374487ull);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto value = random.below(10);
    REQUIRE(value < 10);
    seen.insert(value);
    const auto u = random.uniform();
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
  }
  CHECK(seen.size() == 10);
}
