// Envelopes as frames: round trip, the boundary of one frame, broken and foreign fragments.
#include "actors/runtime/frames.hpp"

#include <doctest/doctest.h>

#include "proto/ids.hpp"

using namespace mendel;
using namespace mendel::runtime;

namespace {

// An envelope of exactly `bytes` serialized bytes.
Envelope envelope_of(std::size_t bytes) {
  Envelope out;
  out.set_protocol(kProtocol);
  out.mutable_blob()->set_hash("h");
  out.mutable_blob()->set_data(std::string(bytes > 64 ? bytes - 64 : 0, 'x'));
  while (out.ByteSizeLong() < bytes) out.mutable_blob()->mutable_data()->push_back('x');
  REQUIRE(out.ByteSizeLong() == bytes);
  return out;
}

std::string joined(FragmentJoiner& joiner, const std::vector<std::string>& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    auto whole = joiner.add(frames[i]);
    REQUIRE(whole);
    REQUIRE(whole->has_value() == (i + 1 == frames.size()));
    if (*whole) return (*whole)->SerializeAsString();
  }
  return {};
}

}  // namespace

TEST_CASE("an envelope comes back as it was, in one frame up to the limit and in parts above it") {
  for (const std::size_t bytes : {std::size_t{100}, kChunkBytes, kChunkBytes + 1, 3 * kChunkBytes, 5 * kChunkBytes + 7}) {
    CAPTURE(bytes);
    const auto envelope = envelope_of(bytes);
    const auto frames = to_frames(envelope, 9);
    REQUIRE(frames);
    CHECK((frames->size() == 1) == (bytes <= kChunkBytes));
    for (const auto& frame : *frames) CHECK(frame.size() <= kFrameBytesMax);
    FragmentJoiner joiner;
    CHECK(joined(joiner, *frames) == envelope.SerializeAsString());
  }
}

TEST_CASE("an envelope over the limit is refused before it is sent") {
  CHECK(to_frames(envelope_of(kEnvelopeBytesMax + 1), 1).error().code == ErrorCode::too_large);
}

TEST_CASE("a fragment that is missing, repeated or of another group drops its group, and the next one works") {
  const auto frames = *to_frames(envelope_of(3 * kChunkBytes), 1);
  const auto others = *to_frames(envelope_of(3 * kChunkBytes), 2);
  const auto whole = envelope_of(3 * kChunkBytes).SerializeAsString();
  FragmentJoiner joiner;
  REQUIRE(joiner.add(frames[0]));
  CHECK(joiner.add(frames[2]).error().code == ErrorCode::corrupt);
  CHECK(joined(joiner, others) == whole);
  REQUIRE(joiner.add(frames[0]));
  REQUIRE(joiner.add(frames[1]));
  CHECK_FALSE(joiner.add(frames[1]));
  CHECK(joined(joiner, frames) == whole);
  REQUIRE(joiner.add(frames[0]));
  CHECK_FALSE(joiner.add(others[1]));
  CHECK(joined(joiner, others) == whole);
}

TEST_CASE("a new group breaks off an unfinished one") {
  const auto frames = *to_frames(envelope_of(3 * kChunkBytes), 1);
  const auto others = *to_frames(envelope_of(2 * kChunkBytes), 2);
  FragmentJoiner joiner;
  REQUIRE(joiner.add(frames[0]));
  CHECK(joined(joiner, others) == envelope_of(2 * kChunkBytes).SerializeAsString());
}

TEST_CASE("garbage of any size is an error or a harmless envelope, never a crash") {
  Random random(7);
  FragmentJoiner joiner;
  std::uint64_t refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string frame(random.below(300), '\0');
    for (auto& c : frame) c = static_cast<char>(random.next());
    refused += !joiner.add(frame);
  }
  CHECK(refused > 15000);
  CHECK_FALSE(joiner.add(std::string(kFrameBytesMax + 1, 'x')));
}

TEST_CASE("flipped bits in real frames are refused or parsed, never a crash") {
  const auto frame = to_frames(envelope_of(500), 1)->front();
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    auto damaged = frame;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    FragmentJoiner joiner;
    static_cast<void>(joiner.add(damaged));
  }
}

TEST_CASE("a nest of fragments is refused") {
  Envelope inner;
  inner.mutable_fragment()->set_parts(1);
  Envelope outer;
  outer.mutable_fragment()->set_parts(1);
  outer.mutable_fragment()->set_chunk(inner.SerializeAsString());
  FragmentJoiner joiner;
  CHECK_FALSE(joiner.add(outer.SerializeAsString()));
}

TEST_CASE("another protocol or schema is refused by a sentence that names both sides") {
  Hello hello;
  hello.set_protocol(kProtocol);
  hello.set_schema(schema_hash());
  hello.set_build("mendel 9.9");
  CHECK(refuse_reason(hello).empty());
  hello.set_schema("0123456789abcdef");
  const auto reason = refuse_reason(hello);
  CHECK(reason.find("mendel 9.9") != std::string::npos);
  CHECK(reason.find(build_name()) != std::string::npos);
}
