// Which borders between tokens hold, and the walk over a piece that uses it.
#include "actors/encoder/piece_merger.hpp"

#include <string>

#include "actors/encoder/byte_alphabet.hpp"

namespace mendel::encoder {
namespace {

constexpr auto kFirst = static_cast<std::uint16_t>(kMergeFirst);
constexpr std::size_t kShortBytesMax = 255;  // their marks fit the stack

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges) : filter_(std::size_t{1} << kFilterBits >> 6) {
  std::size_t size = 2;
  while (size < merges.size() * 2) size *= 2;
  slots_.resize(size);
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::uint32_t key = std::uint32_t{merges[i].first} << 16 | merges[i].second;
    slots_[slot_of(key)] = {key, static_cast<std::uint16_t>(kFirst + i)};
    const std::uint64_t bit = hash_of(key) >> (64 - kFilterBits);
    filter_[bit >> 6] |= 1ull << (bit & 63);
  }
}

PieceMerger::PieceMerger(const std::vector<Merge>& merges) : table_(merges), merges_(merges) {
  // Tokens that merging their own bytes does not give never occur: the border of their halves breaks.
  std::vector<std::string> tokens(kFirst + merges.size());
  std::vector<bool> occurs(tokens.size());
  std::vector<std::pair<std::string_view, std::uint16_t>> known;
  for (std::size_t id = kByteFirst; id < tokens.size(); ++id) {
    if (id < kFirst) {
      tokens[id] = static_cast<char>(kByteOfId[id - kByteFirst]);
      occurs[id] = true;
    } else {
      const auto [left, right] = merges[id - kFirst];
      tokens[id] = tokens[left] + tokens[right];
      occurs[id] = occurs[left] && occurs[right] && table_.find(left, right) == id && border_holds(left, right, static_cast<std::uint32_t>(id));
    }
    if (occurs[id]) known.emplace_back(tokens[id], static_cast<std::uint16_t>(id));
  }
  trie_ = TokenTrie(known);
  bytes_of_.resize(tokens.size());
  shorter_.resize(tokens.size(), TokenTrie::kNone);
  for (const auto& [bytes, id] : known) {
    bytes_of_[id] = static_cast<std::uint16_t>(bytes.size());
    if (bytes.size() > 1) shorter_[id] = trie_.longest(bytes.data(), bytes.size() - 1);
  }
}

// Undoes merges from the last on: what stood on both sides of the border when only ids below `limit` had
// been made. Of equal pairs the left one merges first, so a pair across the border beats its equal on
// the right, not the one on the left.
bool PieceMerger::border_holds(std::uint16_t left, std::uint16_t right, std::uint32_t limit) const {
  for (;;) {
    if (table_.find(left, right) < limit) return false;
    if (left > right) {
      if (left < kFirst) return true;
      limit = left;
      left = merges_[left - kFirst].second;
    } else {
      if (right < kFirst) return true;
      limit = std::uint32_t{right} + 1;
      right = merges_[right - kFirst].first;
    }
  }
}

std::size_t PieceMerger::merge(const char* bytes, std::size_t size, std::uint16_t* ids) const {
  if (size <= kShortBytesMax) {
    std::uint64_t dead[kShortBytesMax / 64 + 1] = {};
    return merge_with(dead, bytes, size, ids);
  }
  std::vector<std::uint64_t> dead(size / 64 + 1);
  return merge_with(dead.data(), bytes, size, ids);
}

// `dead`: a bit for each place, set once no row of tokens up to there can be gone on with.
std::size_t PieceMerger::merge_with(std::uint64_t* dead, const char* bytes, std::size_t size, std::uint16_t* ids) const {
  std::size_t at = 0, count = 0;
  std::uint16_t token = trie_.longest(bytes, size);
  for (;;) {
    const std::size_t end = at + bytes_of_[token];
    if (!(dead[end >> 6] >> (end & 63) & 1) && (count == 0 || border_holds(ids[count - 1], token, MergeTable::kNoMerge))) {
      ids[count++] = token;
      if (end == size) return count;
      at = end;
      token = trie_.longest(bytes + at, size - at);
    } else if (shorter_[token] != TokenTrie::kNone) {
      token = shorter_[token];
    } else {
      dead[at >> 6] |= 1ull << (at & 63);
      token = ids[--count];
      at -= bytes_of_[token];
    }
  }
}

}  // namespace mendel::encoder
