// One pass over the lines; memory holds one batch.
#include "actors/cli/pair_lines.hpp"

#include "actors/cli/context.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {

Outcome each_pair_batch(const std::string& path, std::size_t size, std::uint64_t& bad_lines,
                        const std::function<Outcome(std::vector<Pair>&)>& batch) {
  std::vector<Pair> pairs;
  auto read = each_line(path, [&](std::string_view line, std::uint64_t number) -> Outcome {
    if (interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return Done{};
    auto pair = pair_from_json(line);
    if (!pair) {
      if (++bad_lines <= kBadLinesNamedMax) warn(path + ":" + std::to_string(number) + ": " + pair.error().what.substr(0, 200));
      return Done{};
    }
    pairs.push_back(std::move(*pair));
    if (pairs.size() < size) return Done{};
    auto taken = batch(pairs);
    pairs.clear();
    return taken;
  });
  if (!read) return read;
  return batch(pairs);
}

}  // namespace mendel::cli
