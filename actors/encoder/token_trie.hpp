// The longest token that a text starts with: a trie over tokens as a double array.
//
// A child of a node lies at the node's base plus the byte; bases are unique, so the byte stored there
// tells whose child it is. 8 bytes a node: the vocabulary of 32,768 tokens stays in a core's own cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace mendel::encoder {

// Immutable after construction; thread-safe.
class TokenTrie {
 public:
  static constexpr std::uint16_t kNone = std::numeric_limits<std::uint16_t>::max();

  // `tokens`: bytes, none empty or twice, and the id of each; ids are not kNone.
  explicit TokenTrie(std::vector<std::pair<std::string_view, std::uint16_t>> tokens = {});

  // The id of the longest token at the start of `bytes`; kNone if there is none.
  std::uint16_t longest(const char* bytes, std::size_t size) const {
    std::uint16_t found = kNone;
    std::uint32_t base = nodes_[0].base;
    for (std::size_t i = 0; i < size; ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      const Node& child = nodes_[base + byte];
      if (child.byte != byte) break;
      found = child.longest;
      base = child.base;
    }
    return found;
  }

 private:
  static constexpr std::uint16_t kFree = 256;  // no byte
  struct Node {
    std::uint32_t base = 0;  // 0: a leaf; every child it would have lies before the first base
    std::uint16_t longest = kNone;  // the longest token on the way here, this node's own included
    std::uint16_t byte = kFree;
  };

  std::vector<Node> nodes_;  // the root first, then 255 that stay free; 256 free ones after the last base
};

}  // namespace mendel::encoder
