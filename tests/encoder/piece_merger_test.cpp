// Pieces read from the left beside merging done by its definition, over merges that no training would make.
#include "actors/encoder/piece_merger.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "actors/encoder/byte_alphabet.hpp"
#include "proto/ids.hpp"

using namespace mendel;
using namespace mendel::encoder;

namespace {

std::uint16_t id_of(char c) { return kIdOfByte[static_cast<unsigned char>(c)]; }

// Any two tokens that exist already may merge next: overlaps, dead tokens and equal bytes by two ways included.
std::vector<Merge> random_merges(Random& random, std::size_t count, std::string_view letters) {
  std::vector<std::uint16_t> tokens;
  for (const char c : letters) tokens.push_back(id_of(c));
  std::vector<Merge> merges;
  std::set<Merge> seen;
  while (merges.size() < count) {
    const Merge merge{tokens[random.below(tokens.size())], tokens[random.below(tokens.size())]};
    if (!seen.insert(merge).second) continue;
    tokens.push_back(static_cast<std::uint16_t>(kMergeFirst + static_cast<TokenId>(merges.size())));
    merges.push_back(merge);
  }
  return merges;
}

// Again and again the pair of the smallest id, leftmost first.
std::vector<std::uint16_t> by_definition(const std::map<Merge, std::uint16_t>& made, std::string_view piece) {
  std::vector<std::uint16_t> ids;
  for (const char c : piece) ids.push_back(id_of(c));
  for (;;) {
    std::size_t best = ids.size();
    std::uint16_t least = MergeTable::kNoMerge;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = made.find({ids[i], ids[i + 1]});
      if (found != made.end() && found->second < least) least = found->second, best = i;
    }
    if (best == ids.size()) return ids;
    ids[best] = least;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

std::vector<std::uint16_t> merged(const PieceMerger& merger, std::string_view piece) {
  std::vector<std::uint16_t> ids(piece.size());
  ids.resize(merger.merge(piece.data(), piece.size(), ids.data()));
  return ids;
}

std::string random_piece(Random& random, std::string_view letters, std::size_t size) {
  std::string piece;
  while (piece.size() < size) piece.push_back(letters[random.below(letters.size())]);
  return piece;
}

}  // namespace

TEST_CASE("a piece has the ids that merging by the definition gives, whatever the merges") {
  Random random(41);
  for (int round = 0; round < 400; ++round) {
    const std::string_view letters = std::string_view("abcd").substr(0, 1 + random.below(4));
    const auto merges = random_merges(random, random.below(30), letters);
    std::map<Merge, std::uint16_t> made;
    for (std::size_t i = 0; i < merges.size(); ++i) made[merges[i]] = static_cast<std::uint16_t>(kMergeFirst + static_cast<TokenId>(i));
    const PieceMerger merger(merges);
    for (int k = 0; k < 50; ++k) {
      const std::string piece = random_piece(random, letters, 1 + random.below(k % 10 ? 24 : 400));
      CAPTURE(round);
      CAPTURE(piece);
      CHECK(merged(merger, piece) == by_definition(made, piece));
    }
  }
}

TEST_CASE("without merges every byte is a token") {
  const PieceMerger merger;
  CHECK(merged(merger, "ab\xff") == std::vector<std::uint16_t>{id_of('a'), id_of('b'), id_of('\xff')});
}

TEST_CASE("a long run of one letter takes time in proportion") {
  std::vector<Merge> merges{{id_of('a'), id_of('a')}};
  for (std::uint16_t i = 0; i < 6; ++i) merges.push_back({static_cast<std::uint16_t>(kMergeFirst + i), static_cast<std::uint16_t>(kMergeFirst + i)});
  const PieceMerger merger(merges);
  const auto ids = merged(merger, std::string((1 << 20) + 3, 'a'));
  CHECK(ids.size() == (1 << 13) + 2);  // tokens of 128 bytes, then 2 and 1
  CHECK(ids.back() == id_of('a'));
}
