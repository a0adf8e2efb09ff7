// Splitting and joining of envelopes; the schema hash.
#include "actors/runtime/frames.hpp"

#include <google/protobuf/stubs/logging.h>

#include "proto/config.pb.h"
#include "proto/ids.hpp"
#include "proto/pair.pb.h"
#include "proto/work.pb.h"

namespace mendel::runtime {
namespace {

std::string compute_schema_hash() {
  ContentHash hash;
  for (const auto* file : {Envelope::descriptor()->file(), WorkItem::descriptor()->file(), Pair::descriptor()->file(), Config::descriptor()->file()})
    hash.add(file->DebugString());
  return hash.finish<>().hex();
}

}  // namespace

const std::string& schema_hash() {
  static const std::string kHash = compute_schema_hash();
  return kHash;
}

const std::string& build_name() {
  static const std::string kName = "mendel 0.1.0";
  return kName;
}

std::string refuse_reason(const Hello& hello) {
  const auto side = [](std::string_view build, std::uint32_t protocol, std::string_view schema) {
    return std::string(build) + " (protocol " + std::to_string(protocol) + ", schema " + std::string(schema.substr(0, 12)) + ")";
  };
  if (hello.protocol() == kProtocol && hello.schema() == schema_hash()) return {};
  return "mixed versions: the coordinator runs " + side(build_name(), kProtocol, schema_hash()) + ", the node " +
         side(hello.build(), hello.protocol(), hello.schema()) + "; install the same version on both";
}

Result<std::vector<std::string>> to_frames(const Envelope& envelope, std::uint64_t group) {
  std::vector<std::string> frames;
  std::string whole = envelope.SerializeAsString();
  if (whole.size() <= kChunkBytes) {
    frames.push_back(std::move(whole));
    return frames;
  }
  if (whole.size() > kEnvelopeBytesMax)
    return Error{ErrorCode::too_large, "a message of " + std::to_string(whole.size()) + " bytes is over the limit of " + std::to_string(kEnvelopeBytesMax)};
  const auto parts = static_cast<std::uint32_t>((whole.size() + kChunkBytes - 1) / kChunkBytes);
  for (std::uint32_t part = 0; part < parts; ++part) {
    Envelope frame;
    frame.set_protocol(envelope.protocol());
    frame.set_epoch(envelope.epoch());
    auto& fragment = *frame.mutable_fragment();
    fragment.set_group(group);
    fragment.set_part(part);
    fragment.set_parts(parts);
    fragment.set_chunk(whole.substr(part * kChunkBytes, kChunkBytes));
    frames.push_back(frame.SerializeAsString());
  }
  return frames;
}

Result<std::optional<Envelope>> FragmentJoiner::add(std::string_view frame) {
  const google::protobuf::LogSilencer silence;  // garbage is counted by the caller, not printed
  Envelope envelope;
  if (frame.size() > kFrameBytesMax || !envelope.ParseFromArray(frame.data(), static_cast<int>(frame.size())))
    return Error{ErrorCode::corrupt, "a frame of " + std::to_string(frame.size()) + " bytes is not an envelope"};
  if (!envelope.has_fragment()) return std::optional(std::move(envelope));
  const auto& fragment = envelope.fragment();
  if (fragment.part() == 0) {
    group_ = fragment.group();
    next_ = 0;
    joined_.clear();
  }
  if (fragment.group() != group_ || fragment.part() != next_ || joined_.size() + fragment.chunk().size() > kEnvelopeBytesMax) {
    joined_.clear();
    next_ = 0;
    group_ = 0;
    return Error{ErrorCode::corrupt, "a fragment out of turn"};
  }
  joined_ += fragment.chunk();
  if (++next_ < fragment.parts()) return std::optional<Envelope>();
  Envelope whole;
  const bool parsed = whole.ParseFromString(joined_) && !whole.has_fragment();
  joined_ = {};
  next_ = 0;
  group_ = 0;
  if (!parsed) return Error{ErrorCode::corrupt, "joined fragments are not an envelope"};
  return std::optional(std::move(whole));
}

}  // namespace mendel::runtime
