// Signatures: their estimate beside the exact similarity, and their stability.
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>

#include "actors/validator/near_duplicates.hpp"
#include "tests/validator/samples.hpp"

using namespace mendel;
using namespace mendel::validator;
using samples::function_of;
using samples::signed_text;

namespace {

// Exact Jaccard similarity of the sets of 5-grams.
double exact(const std::string& a, const std::string& b) {
  const auto grams = [](const std::string& text) {
    std::vector<std::string> words;
    for (const auto& token : syntax::tokens(text))
      if (token.kind != syntax::TokenKind::comment && token.kind != syntax::TokenKind::newline)
        words.push_back(text.substr(token.bytes.begin, token.bytes.size()));
    std::set<std::string> out;
    for (std::size_t i = 0; i + kShingleTokens <= words.size(); ++i) {
      std::string gram;
      for (std::size_t k = 0; k < kShingleTokens; ++k) gram += words[i + k] + '\n';
      out.insert(gram);
    }
    return out;
  };
  const auto x = grams(a), y = grams(b);
  std::size_t common = 0;
  for (const auto& gram : x) common += y.count(gram);
  return static_cast<double>(common) / static_cast<double>(x.size() + y.size() - common);
}

}  // namespace

TEST_CASE("the estimate is within four standard errors of the exact similarity") {
  const std::string base = function_of(1, 60);
  for (const int kept : {0, 100, 400, 900, 1300}) {
    const std::string other = base.substr(0, static_cast<std::size_t>(kept)) + function_of(2, 60).substr(static_cast<std::size_t>(kept));
    const double wanted = exact(base, other);
    CAPTURE(wanted);
    CHECK(std::abs(similarity(signed_text(base), signed_text(other)) - wanted) <= 4 * std::sqrt(wanted * (1 - wanted) / kPermutations) + 0.02);
  }
}

TEST_CASE("the estimate is not biased") {
  // Words that no other text has: 5-grams that all texts share would err the same way in each.
  const auto words = [](std::uint64_t seed) {
    Random random(seed);
    std::string out;
    for (int i = 0; i < 60; ++i) out += "w" + std::to_string(random.below(1'000'000)) + " ";
    return out;
  };
  double error = 0;
  constexpr int kTexts = 400;
  for (std::uint64_t n = 0; n < kTexts; ++n) {
    const std::string a = words(n), b = a.substr(0, a.size() * (1 + n % 9) / 10) + words(n + kTexts);
    error += similarity(signed_text(a), signed_text(b)) - exact(a, b);
  }
  CHECK(std::abs(error / kTexts) < 0.006);  // three standard errors
}

TEST_CASE("a signature does not see comments and layout") {
  CHECK(signed_text("def f(a):\n    return g(a, 1)") == signed_text("# why\ndef f(a):\n\treturn g(a,\n 1)  # so\n"));
}

TEST_CASE("a signature is the same in every release") {
  CHECK(hash64(signed_text("def f(a):\n    return g(a, 1)")) == 15105211898647099042ull);
}

TEST_CASE("short and empty texts have signatures, equal only if their tokens are") {
  CHECK(signed_text("a b") == signed_text("a  b"));
  CHECK(signed_text("a b") != signed_text("b a"));
  CHECK(signed_text("a") != signed_text(""));
  CHECK(signed_text("") == std::string(kMinHashBytes, '\xff'));
}

TEST_CASE("bands are as wide as a recall of 99 % at the threshold lets them be") {
  CHECK(rows_per_band(0.5) == 2);
  CHECK(rows_per_band(0.7) == 4);
  CHECK(rows_per_band(0.85) == 8);
  CHECK(rows_per_band(1.0) == 16);
}

TEST_CASE("copies with a small change are one cluster, others are not") {
  std::vector<std::string> signatures;
  for (int n = 0; n < 20; ++n) {
    const std::string text = function_of(n, 40);
    signatures.push_back(signed_text(text));
    signatures.push_back(signed_text(text + "    print(b)\n"));
  }
  const std::vector<std::string_view> views(signatures.begin(), signatures.end());
  const auto clusters = near_duplicates(views, 0.85);
  for (std::uint32_t i = 0; i < 40; ++i) CHECK(clusters[i] == i / 2 * 2);
}

TEST_CASE("a damaged signature is alone") {
  const std::string good = signed_text("x = f(a, b)"), cut = good.substr(1);
  const std::vector<std::string_view> views = {good, cut, good, cut};
  CHECK(near_duplicates(views, 0.85) == std::vector<std::uint32_t>{0, 1, 0, 3});
}
