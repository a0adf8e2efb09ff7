// A loose object of git: one zlib stream, "TYPE SIZE\0" and then the bytes. Read here with a bound on
// everything, because libgit2's own reader never returns from a stream that ends too early.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/result.hpp"

namespace mendel::miner {

enum class ObjectType { commit = 1, tree = 2, blob = 3, tag = 4 };  // the numbers of pack files

struct LooseHeader {
  ObjectType type = ObjectType::blob;
  std::uint64_t size = 0;  // of the bytes that follow, as the object itself claims
};

struct LooseObject {
  LooseHeader header;
  std::string bytes;  // exactly header.size
};

// What the first bytes of a loose object's file say. corrupt if they are no such file.
Result<LooseHeader> loose_header(std::string_view file);

// too_large above `bytes_max` or if the file is too short to hold what it claims, told before anything
// is allocated; corrupt if the stream is damaged, ends too early or holds more than it claims.
Result<LooseObject> unpack_loose(std::string_view file, std::uint64_t bytes_max);

}  // namespace mendel::miner
