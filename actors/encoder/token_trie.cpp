// Nodes breadth first; each takes the first base where all its children find a free place,
// looked for from where the last node of as many children found its own.
#include "actors/encoder/token_trie.hpp"

#include <algorithm>
#include <array>

namespace mendel::encoder {
namespace {

constexpr std::uint32_t kBaseFirst = 256;  // what a leaf looks at, 0 + byte, is never anyone's child

// Tokens [begin, end) of the sorted list share their first `depth` bytes, which lead to `node`.
struct Branch {
  std::size_t begin, end, depth;
  std::uint32_t node;
};

}  // namespace

TokenTrie::TokenTrie(std::vector<std::pair<std::string_view, std::uint16_t>> tokens) : nodes_(kBaseFirst) {
  std::sort(tokens.begin(), tokens.end());
  std::vector<bool> base_taken;
  std::array<std::uint32_t, 257> tried{};  // by number of children: no base below is free for so many, as a rule
  std::vector<Branch> branches{{0, tokens.size(), 0, 0}};
  for (std::size_t next = 0; next < branches.size(); ++next) {
    auto [begin, end, depth, node] = branches[next];
    if (begin < end && tokens[begin].first.size() == depth) nodes_[node].longest = tokens[begin++].second;
    if (begin == end) continue;
    std::vector<Branch> children;  // by rising byte; node is set below
    std::vector<unsigned char> bytes;
    for (std::size_t i = begin; i < end; ++i) {
      const auto byte = static_cast<unsigned char>(tokens[i].first[depth]);
      if (bytes.empty() || bytes.back() != byte) {
        bytes.push_back(byte);
        children.push_back({i, i, depth + 1, 0});
      }
      children.back().end = i + 1;
    }
    std::uint32_t& base = tried[bytes.size()];
    base = std::max(base, kBaseFirst);
    const auto fits = [&] {
      if (base < base_taken.size() && base_taken[base]) return false;
      return std::all_of(bytes.begin(), bytes.end(), [&](unsigned char byte) { return base + byte >= nodes_.size() || nodes_[base + byte].byte == kFree; });
    };
    while (!fits()) ++base;
    if (base_taken.size() <= base) base_taken.resize(base + 1);
    base_taken[base] = true;
    if (nodes_.size() < base + 256) nodes_.resize(base + 256);
    nodes_[node].base = base;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      children[i].node = base + bytes[i];
      nodes_[children[i].node].byte = bytes[i];
      nodes_[children[i].node].longest = nodes_[node].longest;
      branches.push_back(children[i]);
    }
  }
}

}  // namespace mendel::encoder
