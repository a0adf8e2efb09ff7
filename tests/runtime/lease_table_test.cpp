// Leases: one holder, deadlines with the boundary, order of expiry.
#include "actors/runtime/lease_table.hpp"

#include <doctest/doctest.h>

using namespace mendel;
using namespace mendel::runtime;
using namespace std::chrono_literals;

namespace {

ItemId item(std::uint8_t n) {
  ItemId id;
  id.bytes[15] = n;
  return id;
}

}  // namespace

TEST_CASE("an item is held by one worker at a time") {
  LeaseTable leases{10s};
  REQUIRE(leases.grant(item(7), "first", 0s));
  CHECK_FALSE(leases.grant(item(7), "second", 9'999ms));
  CHECK(leases.held_by("first") == 1);
  CHECK(leases.held_by("second") == 0);
}

TEST_CASE("a worker that slept past its lease cannot renew it") {
  LeaseTable leases{10s};
  REQUIRE(leases.grant(item(7), "first", 0s));
  CHECK_FALSE(leases.renew(item(7), "first", 10s));  // the boundary belongs to the next worker
  CHECK(leases.grant(item(7), "second", 10s));
  CHECK_FALSE(leases.renew(item(7), "first", 11s));
  CHECK(leases.renew(item(7), "second", 19'999ms));
}

TEST_CASE("a renewed lease lasts from the renewal on") {
  LeaseTable leases{10s};
  REQUIRE(leases.grant(item(1), "first", 0s));
  REQUIRE(leases.renew(item(1), "first", 9s));
  CHECK(leases.expire(18'999ms).empty());
  CHECK(leases.expire(19s).size() == 1);
}

TEST_CASE("expired items come back in ascending order with the worker that held them") {
  LeaseTable leases{10s};
  for (const int n : {3, 1, 2}) REQUIRE(leases.grant(item(static_cast<std::uint8_t>(n)), "w" + std::to_string(n), 0s));
  const auto ended = leases.expire(10s);
  CHECK(ended == std::vector<std::pair<ItemId, std::string>>{{item(1), "w1"}, {item(2), "w2"}, {item(3), "w3"}});
  CHECK(leases.size() == 0);
}

TEST_CASE("only the holder gives an item back, and only what it holds") {
  LeaseTable leases{10s};
  REQUIRE(leases.grant(item(1), "first", 0s));
  REQUIRE(leases.grant(item(2), "second", 0s));
  CHECK_FALSE(leases.release(item(1), "second"));
  CHECK(leases.take_back("second") == std::vector{item(2)});
  CHECK(leases.release(item(1), "first"));
  CHECK(leases.size() == 0);
}
