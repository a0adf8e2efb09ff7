// Keys and value frames of the plant's RocksDB: the format of README.md as code.
//
// A value is 8 bytes little-endian XXH3-64 over (key, payload) followed by the payload, so that a byte
// that changes anywhere between write and read is found, and so is a value under a wrong key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/ids.hpp"
#include "proto/work.pb.h"

namespace mendel::storage {

inline constexpr std::uint32_t kStoreFormat = 1;

// Column families in the order of their handles. The names are part of the format.
enum Column : std::size_t { kMetaColumn, kItemColumn, kDoneColumn, kPairColumn, kProofColumn, kRowColumn, kRejectionColumn, kDeadColumn, kColumnCount };
inline constexpr const char* kColumnNames[kColumnCount] = {"default", "item", "done", "pair", "proof", "row", "rejection", "dead"};

inline constexpr char kEpochKey[] = "epoch";  // of the store itself
inline constexpr char kMetaPrefix[] = "meta/";  // before names that callers chose

// item, done: stage (1 byte), item id (16).
inline std::string item_key(Stage::Value stage, const ItemId& item) {
  std::string key(1, static_cast<char>(stage));
  return key.append(item.view());
}

// row: length of the vocabulary's hash (1 byte), the hash, pair id (16).
inline std::string row_key(std::string_view tokenizer_hash, const PairId& pair) {
  std::string key(1, static_cast<char>(tokenizer_hash.size()));
  return key.append(tokenizer_hash).append(pair.view());
}

// rejection: stage (1), item id (16), number within the result (4, big-endian so that order is kept).
inline std::string rejection_key(Stage::Value stage, const ItemId& item, std::uint32_t number) {
  std::string key = item_key(stage, item);
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift & 255));
  return key;
}

inline constexpr std::size_t kSealBytes = 8;

inline std::uint64_t seal_of(std::string_view key, std::string_view payload) { return hash64(payload, hash64(key)); }

// Into kSealBytes at `to`, little-endian.
inline void write_seal(std::uint64_t sum, char* to) {
  for (std::size_t i = 0; i < kSealBytes; ++i) to[i] = static_cast<char>(sum >> (8 * i) & 255);
}

// The payload with its checksum in front.
inline std::string seal(std::string_view key, std::string_view payload) {
  std::string out(kSealBytes, '\0');
  write_seal(seal_of(key, payload), out.data());
  return out.append(payload);
}

// The payload, or nothing if a byte changed. Points into `value`.
inline std::optional<std::string_view> unseal(std::string_view key, std::string_view value) {
  if (value.size() < kSealBytes) return std::nullopt;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kSealBytes; ++i) sum |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(value[i])) << (8 * i);
  const auto payload = value.substr(kSealBytes);
  if (seal_of(key, payload) != sum) return std::nullopt;
  return payload;
}

}  // namespace mendel::storage
