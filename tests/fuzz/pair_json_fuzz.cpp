// Pairs as JSON lines: what any program may pipe in.
#include "proto/pair_json.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pair = pair_from_json(fuzz::text_of(data, size));
  if (!pair) return 0;
  const auto line = to_json(*pair);
  fuzz::claim(line.find('\n') == std::string::npos, "a line has no line feed");
  const auto again = pair_from_json(line);
  fuzz::claim(static_cast<bool>(again), "our own line can be read");
  fuzz::claim(to_json(*again) == line, "a second round changes nothing");
  return 0;
}
