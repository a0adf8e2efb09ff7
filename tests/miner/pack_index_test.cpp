// Pack indices of both versions, whole, cut at every place and with each kind of lie.
#include "actors/miner/pack_index.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace mendel::miner;

namespace {

constexpr std::uint64_t kPackBytes = 1000;

std::string big_endian(std::uint64_t value, int bytes = 4) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i) & 255));
  return out;
}

std::string counts(std::size_t objects) {
  std::string out;
  for (std::size_t i = 0; i < 256; ++i) out += big_endian(i * objects / 255);
  return out;
}

std::string second_version(const std::vector<std::uint64_t>& offsets, const std::vector<std::uint64_t>& large = {}) {
  std::string out = "\xFFtOc" + big_endian(2) + counts(offsets.size()) + std::string(offsets.size() * 24, 'x');
  for (const auto offset : offsets) out += big_endian(offset);
  for (const auto offset : large) out += big_endian(offset, 8);
  return out + std::string(40, 't');
}

std::string first_version(const std::vector<std::uint64_t>& offsets) {
  std::string out = counts(offsets.size());
  for (const auto offset : offsets) out += big_endian(offset) + std::string(20, 'x');
  return out + std::string(40, 't');
}

}  // namespace

TEST_CASE("a sound index of either version has nothing wrong") {
  CHECK(std::string(why_no_pack_index(second_version({12, 999, 0x80000001}, {5, 900}), kPackBytes)) == "");
  CHECK(std::string(why_no_pack_index(second_version({}), kPackBytes)) == "");
  CHECK(std::string(why_no_pack_index(first_version({12, 999}), kPackBytes)) == "");
}

TEST_CASE("an index that was cut or grew is refused, wherever") {
  for (const auto& index : {second_version({12, 500}), first_version({12, 500})}) {
    for (std::size_t n = 0; n < index.size(); ++n) CHECK(*why_no_pack_index(std::string_view(index).substr(0, n), kPackBytes) != '\0');
    CHECK(*why_no_pack_index(index + "x", kPackBytes) != '\0');
  }
}

TEST_CASE("an offset outside the pack or the index is refused") {
  CHECK(std::string(why_no_pack_index(second_version({12, 1000}), kPackBytes)) == "an offset lies outside the pack");
  CHECK(std::string(why_no_pack_index(second_version({0x80000000}, {1000}), kPackBytes)) == "an offset lies outside the pack");
  CHECK(std::string(why_no_pack_index(second_version({0x80000002}, {1, 2}), kPackBytes)) == "an offset lies outside the index");
  CHECK(std::string(why_no_pack_index(second_version({0xFFFFFFFF}), kPackBytes)) == "an offset lies outside the index");
  CHECK(std::string(why_no_pack_index(first_version({1000}), kPackBytes)) == "an offset lies outside the pack");
}

TEST_CASE("counts that fall and unknown versions are refused") {
  auto index = second_version({12, 500});
  index[8 + 4 * 100] = 1;
  CHECK(std::string(why_no_pack_index(index, kPackBytes)) == "its counts are damaged");
  index = second_version({12, 500});
  index[7] = 3;
  CHECK(std::string(why_no_pack_index(index, kPackBytes)) == "its version is unknown");
}
