// Envelopes as frames: one ZeroMQ message each, at most kFrameBytesMax; larger envelopes travel as
// fragments and are joined on the other side. Also what both sides must agree on before they talk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/result.hpp"
#include "proto/wire.pb.h"

namespace mendel::runtime {

using EnvelopePtr = std::shared_ptr<const Envelope>;

inline constexpr std::uint32_t kProtocol = 1;
inline constexpr std::size_t kFrameBytesMax = 1u << 20;  // ZMQ_MAXMSGSIZE: larger disconnects the sender
inline constexpr std::size_t kChunkBytes = 512u << 10;
inline constexpr std::size_t kEnvelopeBytesMax = 64u << 20;  // joined; larger is refused by both sides

// Hash of every message definition that crosses the wire; differs if any field does.
const std::string& schema_hash();

// What this build says of itself, for people.
const std::string& build_name();

// Empty if `hello` speaks our language, else a sentence that names both sides.
std::string refuse_reason(const Hello& hello);

// One frame, or the fragments of one group in order. too_large beyond kEnvelopeBytesMax.
Result<std::vector<std::string>> to_frames(const Envelope& envelope, std::uint64_t group);

// Joins fragments of one peer. A group that is broken off by another group is dropped: what was in it
// is sent again by those who wait for it. Not thread-safe; one per peer.
class FragmentJoiner {
 public:
  // The whole envelope of a frame, nothing while parts are missing, or corrupt for what cannot be read.
  Result<std::optional<Envelope>> add(std::string_view frame);

 private:
  std::uint64_t group_ = 0;
  std::uint32_t next_ = 0;
  std::string joined_;
};

}  // namespace mendel::runtime
