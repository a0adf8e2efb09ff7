// Loose objects: a round trip through zlib, every truncation, damage, and claims that are lies.
#include "actors/miner/loose_object.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <string>

using namespace mendel;
using namespace mendel::miner;

namespace {

constexpr std::uint64_t kMax = 1u << 20;

std::string deflated(const std::string& text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string out(size, '\0');
  REQUIRE(compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()), static_cast<uLong>(text.size())) == Z_OK);
  out.resize(size);
  return out;
}

std::string object(const std::string& header, const std::string& bytes) { return deflated(header + '\0' + bytes); }

// Bytes that do not compress, the same every time.
std::string noise(std::size_t n) {
  std::string out;
  std::uint32_t state = 7;
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<char>((state = state * 1664525u + 1013904223u) >> 24));
  return out;
}

}  // namespace

TEST_CASE("objects of every type and size come back byte for byte") {
  for (const auto& [word, type] : {std::pair{"commit", ObjectType::commit}, {"tree", ObjectType::tree}, {"blob", ObjectType::blob}, {"tag", ObjectType::tag}})
    for (const std::size_t size : {0u, 1u, 22u, 25u, 26u, 4096u, 70000u}) {
      const auto bytes = noise(size);
      const auto file = object(std::string(word) + " " + std::to_string(size), bytes);
      const auto read = unpack_loose(file, kMax);
      REQUIRE(read);
      CHECK(read->header.type == type);
      CHECK(read->bytes == bytes);
      CHECK(loose_header(file)->size == size);
    }
}

TEST_CASE("a file that ends too early is corrupt, wherever it ends") {
  const auto file = object("blob 300", noise(300));
  for (std::size_t n = 0; n + 4 < file.size(); ++n) {
    const auto read = unpack_loose(std::string_view(file).substr(0, n), kMax);
    REQUIRE_FALSE(read);
    CHECK((read.error().code == ErrorCode::corrupt || read.error().code == ErrorCode::too_large));
  }
}

TEST_CASE("a header alone can be read from the start of a file") {
  const auto file = object("tree 70000", noise(70000));
  const auto header = loose_header(std::string_view(file).substr(0, 256));
  REQUIRE(header);
  CHECK(header->type == ObjectType::tree);
  CHECK(header->size == 70000);
}

TEST_CASE("headers that are none are corrupt") {
  for (const char* header : {"", "blob", "blob ", "blob x", "blob 3x", "blob -3", "blob 99999999999999999999", "bulb 3", " 3", "commit 00000000000000000000000000003"}) {
    CAPTURE(header);
    CHECK(unpack_loose(object(header, "abc"), kMax).error().code == ErrorCode::corrupt);
  }
  CHECK_FALSE(unpack_loose("", kMax));
  CHECK_FALSE(unpack_loose(std::string(1000, 'x'), kMax));
}

TEST_CASE("a size that is a lie is refused before anything is allocated for it") {
  CHECK(unpack_loose(object("blob 2", "abc"), kMax).error().code == ErrorCode::corrupt);
  CHECK(unpack_loose(object("blob 4", "abc"), kMax).error().code == ErrorCode::corrupt);
  CHECK(unpack_loose(object("blob 18446744073709551615", "abc"), ~std::uint64_t{0}).error().code == ErrorCode::too_large);
  CHECK(unpack_loose(object("blob 1000000000000", "abc"), ~std::uint64_t{0}).error().code == ErrorCode::too_large);
  CHECK(unpack_loose(object("blob 3", "abc"), 2).error().code == ErrorCode::too_large);
  CHECK(unpack_loose(object("blob 3", "abc"), 3));
}

TEST_CASE("a flipped bit never gives a longer answer than was claimed") {
  const auto file = object("blob 300", noise(300));
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    auto damaged = file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    if (const auto read = unpack_loose(damaged, kMax)) CHECK(read->bytes.size() == read->header.size);
  }
}
