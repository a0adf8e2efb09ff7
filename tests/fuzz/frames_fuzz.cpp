// Frames of the wire: what a peer may send. Frames stand behind each other, two bytes of length before each.
#include "actors/runtime/frames.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rest = fuzz::text_of(data, size);
  runtime::FragmentJoiner joiner;
  while (rest.size() >= 2) {
    const auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(rest[0])) << 8 | static_cast<std::uint8_t>(rest[1]);
    const auto frame = rest.substr(2, length);
    rest.remove_prefix(std::min(rest.size(), 2 + length));
    auto joined = joiner.add(frame);
    if (!joined || !*joined) continue;
    const auto& envelope = **joined;
    (void)runtime::refuse_reason(envelope.hello());
    const auto frames = runtime::to_frames(envelope, 1);
    fuzz::claim(static_cast<bool>(frames), "what came in frames fits into frames");
    runtime::FragmentJoiner again;
    for (const auto& part : *frames) {
      const auto back = again.add(part);
      fuzz::claim(static_cast<bool>(back), "our own frames can be read");
      if (*back) fuzz::claim((**back).ByteSizeLong() == envelope.ByteSizeLong(), "the envelope comes back whole");
    }
  }
  return 0;
}
