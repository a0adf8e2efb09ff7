// Learning merges and encoding with them, beside the definition done slowly.
#include "actors/encoder/tokenizer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <sstream>
#include <thread>

#include "actors/encoder/bpe_training.hpp"
#include "actors/encoder/lines.hpp"
#include "actors/encoder/pretokenizer.hpp"
#include "tests/encoder/texts.hpp"

using namespace mendel;
using namespace mendel::encoder;

namespace {

Tokenizer train_on(const std::vector<std::string>& texts, TrainOptions options) {
  std::vector<std::string_view> views(texts.begin(), texts.end());
  return Tokenizer::train(views, options);
}

std::vector<TokenId> ids_of(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<TokenId> ids;
  tokenizer.encode(text, ids);
  return ids;
}

// The definition, slow: recount all pairs after each merge.
std::vector<std::pair<int, int>> merges_by_definition(const std::vector<std::string>& texts, std::size_t merges_max, int count_min) {
  const Tokenizer bytes = train_on({}, {.vocabulary = 326});
  std::map<std::vector<int>, int> pieces;
  for (const auto& text : texts)
    for_each_line(text, [&](const Line& line) {
      for (const char *at = line.body.data(), *end = at + line.body.size(); at < end;) {
        const char* stop = next_piece(at, end);
        const auto ids = ids_of(bytes, {at, static_cast<std::size_t>(stop - at)});
        ++pieces[{ids.begin(), ids.end()}];
        at = stop;
      }
    });
  std::vector<std::pair<int, int>> merges;
  while (merges.size() < merges_max) {
    std::map<std::pair<int, int>, int> counts;
    for (const auto& [ids, count] : pieces)
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) counts[{ids[i], ids[i + 1]}] += count;
    const auto best = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second < b.second : a.first > b.first;
    });
    if (best == counts.end() || best->second < count_min) break;
    std::map<std::vector<int>, int> merged;
    for (const auto& [ids, count] : pieces) {
      std::vector<int> out;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const bool here = i + 1 < ids.size() && ids[i] == best->first.first && ids[i + 1] == best->first.second;
        out.push_back(here ? 326 + static_cast<int>(merges.size()) : ids[i]);
        i += here;
      }
      merged[out] += count;
    }
    pieces.swap(merged);
    merges.push_back(best->first);
  }
  return merges;
}

}  // namespace

TEST_CASE("ids of specials and bytes are fixed and the bytes follow their characters") {
  const Tokenizer tokenizer = train_on({}, {});
  CHECK(tokenizer.size() == 326);
  CHECK(tokenizer.bytes_of(kPad) == "<pad>");
  CHECK(tokenizer.bytes_of(kContinuation) == "<cont>");
  CHECK(tokenizer.bytes_of(kIndentFirst + 63) == "<I63>");
  CHECK(ids_of(tokenizer, "!~") == std::vector<TokenId>{70, 70 + '~' - '!'});
  CHECK(ids_of(tokenizer, "\xa1\xff") == std::vector<TokenId>{164, 257});
  const std::string nul(1, '\0');
  CHECK(ids_of(tokenizer, nul) == std::vector<TokenId>{258});  // the first byte that is not printable
}

TEST_CASE("merges are those of the definition, overlaps and ties included") {
  Random random(5);
  for (int round = 0; round < 30; ++round) {
    std::vector<std::string> texts;
    for (int i = 0; i < 5; ++i) {
      texts.push_back(random_code(random, 40));
      std::string letters;
      for (int k = 0; k < 60; ++k) letters.push_back("aab \n"[random.below(5)]);
      texts.push_back(letters);
    }
    const int count_min = 1 + static_cast<int>(random.below(3));
    const auto expected = merges_by_definition(texts, 60, count_min);
    std::vector<std::string_view> views(texts.begin(), texts.end());
    const auto learned = learn_merges(views, {.vocabulary = 326 + 60, .min_frequency = static_cast<std::uint32_t>(count_min)});
    CAPTURE(round);
    CHECK(std::vector<std::pair<int, int>>(learned.merges.begin(), learned.merges.end()) == expected);
  }
}

TEST_CASE("the order of texts does not change what is learned") {
  auto texts = sample_texts();
  const Tokenizer first = train_on(texts, {.vocabulary = 420});
  std::reverse(texts.begin(), texts.end());
  const Tokenizer second = train_on(texts, {.vocabulary = 420});
  CHECK(first.hash() == second.hash());
  CHECK(first.merges() == second.merges());
  CHECK(std::ranges::equal(first.frequencies(), second.frequencies()));
}

TEST_CASE("another vocabulary has another hash") {
  CHECK(sample_tokenizer(420).hash() != sample_tokenizer(340).hash());
  CHECK(sample_tokenizer(420).hash().size() == 32);
}

TEST_CASE("the vocabulary ends at the size asked for, at the least count and at the grid's range") {
  CHECK(sample_tokenizer(340).size() == 340);
  CHECK(sample_tokenizer(100).size() == 326);
  CHECK(train_on(sample_texts(), {.vocabulary = 32768, .min_frequency = 1000}).size() == 326);
  CHECK(train_on(sample_texts(), {.vocabulary = 4000000000u, .min_frequency = 0}).size() <= kVocabularyMax);
}

TEST_CASE("decode gives every byte string back") {
  const Tokenizer tokenizer = sample_tokenizer();
  auto texts = nasty_texts();
  texts.insert(texts.end(), sample_texts().begin(), sample_texts().end());
  Random random(3);
  for (int i = 0; i < 500; ++i) texts.push_back(i % 2 ? random_bytes(random, random.below(200)) : random_code(random, 30));
  for (const auto& text : texts) CHECK(tokenizer.decode(ids_of(tokenizer, text)) == text);
}

TEST_CASE("no text can name a special") {
  const Tokenizer tokenizer = sample_tokenizer();
  for (TokenId id = 0; id < kByteFirst; ++id)
    for (const auto got : ids_of(tokenizer, tokenizer.bytes_of(id))) CHECK(got >= kByteFirst);
}

TEST_CASE("ids do not depend on what was encoded before or by whom") {
  const Tokenizer first = sample_tokenizer(420), second = sample_tokenizer(350);
  std::vector<std::vector<TokenId>> alone;
  for (const auto& text : sample_texts()) alone.push_back(ids_of(sample_tokenizer(420), text));
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < alone.size(); ++i) {
      CHECK(ids_of(first, sample_texts()[i]) == alone[i]);
      CHECK(second.decode(ids_of(second, sample_texts()[i])) == sample_texts()[i]);
    }
  }
}

TEST_CASE("long pieces are merged as short ones are") {
  // A piece below, at and above the lengths at which the method changes, of letters that merge often.
  std::vector<std::string> texts(20, "abababab aaaa aabb abab bbbb aaaaaaaa");
  const Tokenizer tokenizer = train_on(texts, {.vocabulary = 345, .min_frequency = 1});
  Random random(17);
  for (std::size_t size : {14u, 15u, 16u, 63u, 64u, 65u, 300u}) {
    std::string piece;
    for (std::size_t i = 0; i < size; ++i) piece.push_back(random.below(2) ? 'a' : 'b');
    // By definition: again and again the pair of the smallest id, leftmost first.
    std::vector<TokenId> expected;
    for (const char c : piece) expected.push_back(70 + c - '!');
    for (TokenId made = kMergeFirst; made < static_cast<TokenId>(tokenizer.size()); ++made) {
      for (std::size_t i = 0; i + 1 < expected.size(); ++i) {
        const std::string joined = std::string(tokenizer.bytes_of(expected[i])).append(tokenizer.bytes_of(expected[i + 1]));
        std::string line;
        std::istringstream merges(tokenizer.merges());
        for (TokenId k = kMergeFirst - 1; k <= made; ++k) std::getline(merges, line);
        if (line == std::string(tokenizer.bytes_of(expected[i])) + " " + std::string(tokenizer.bytes_of(expected[i + 1]))) {
          expected[i] = made;
          expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        }
      }
    }
    CAPTURE(size);
    CHECK(ids_of(tokenizer, piece) == expected);
  }
}

TEST_CASE("threads share one tokenizer") {
  const Tokenizer tokenizer = sample_tokenizer();
  std::vector<std::string> texts;
  Random random(23);
  for (int i = 0; i < 200; ++i) texts.push_back(random_code(random, 50));
  std::vector<std::vector<TokenId>> expected;
  for (const auto& text : texts) expected.push_back(ids_of(tokenizer, text));
  std::vector<int> equal(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < equal.size(); ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < texts.size(); ++i) equal[t] += ids_of(tokenizer, texts[i]) == expected[i];
    });
  for (auto& thread : threads) thread.join();
  for (const int count : equal) CHECK(count == 200);
}

TEST_CASE("frequencies count the cells of the training texts") {
  const std::vector<std::string> texts = {"  a\n  a", "b"};
  const Tokenizer tokenizer = train_on(texts, {.vocabulary = 326});
  const auto frequencies = tokenizer.frequencies();
  CHECK(frequencies[kIndentFirst + 2] == 2);
  CHECK(frequencies[kIndentFirst] == 1);
  CHECK(frequencies[kEol] == 3);
  CHECK(frequencies[kEof] == 2);
  CHECK(frequencies[static_cast<std::size_t>(70 + 'a' - '!')] == 2);
  CHECK(std::accumulate(frequencies.begin(), frequencies.end(), std::uint64_t{0}) == 3 + 3 + 2 + 3);
}

TEST_CASE("a piece that is data in the shape of code does not enter the vocabulary") {
  std::vector<std::string> texts(10, std::string(5000, 'q'));
  CHECK(train_on(texts, {}).size() == 326);
}
