// The keys and seals of the README's worked example.
#include "storage/store_keys.hpp"

#include <doctest/doctest.h>

using namespace mendel;
using namespace mendel::storage;

namespace {

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

}  // namespace

TEST_CASE("keys and seals are those of the worked example in the folder's README") {
  CHECK(hex(seal(kEpochKey, "1")) == "2a6cd61eb548514d31");
  ItemId item;
  item.bytes[15] = 7;
  CHECK(hex(rejection_key(Stage::validate, item, 1)) == "0400000000000000000000000000000007" "00000001");
}

TEST_CASE("a changed byte or another key breaks the seal") {
  std::string value = seal("a", "payload");
  CHECK(unseal("a", value) == "payload");
  CHECK_FALSE(unseal("b", value));
  value.back() ^= 1;
  CHECK_FALSE(unseal("a", value));
  CHECK_FALSE(unseal("a", "short"));
}
