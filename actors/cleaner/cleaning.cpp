// Most texts hold nothing that any detector could find; one look at their characters tells.
#include "actors/cleaner/cleaning.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "actors/cleaner/detectors.hpp"
#include "actors/syntax/tokens.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cleaner {
namespace {

using Placeholder = std::string (*)(std::uint32_t, std::string_view);

constexpr std::size_t kRunLeast = 16;  // the shortest key is longer
constexpr std::size_t kDigitsLeast = 4;  // of an IPv4 address

constexpr auto kRunCharacter = [] {
  std::array<bool, 256> out{};
  for (int c = 0; c < 256; ++c)
    out[static_cast<std::size_t>(c)] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/' || c == '+';
  return out;
}();

bool may_hold_any(std::string_view text) {
  std::size_t run = 0, digits = 0;
  for (const char c : text) {
    if (c == '@') return true;
    run = kRunCharacter[static_cast<unsigned char>(c)] ? run + 1 : 0;
    digits += c >= '0' && c <= '9';
    if (run >= kRunLeast || digits >= kDigitsLeast) return true;
  }
  return text.find("://") != std::string_view::npos;
}

// What was replaced by what, in one pair.
class Replacements {
 public:
  explicit Replacements(CleanCounts& counts) : counts_(counts) {}

  bool clean(std::string& text) {
    if (!may_hold_any(text)) return false;
    std::string out;
    std::size_t copied = 0;
    const std::string_view from = text;
    for (const auto& token : syntax::tokens(from)) {
      const bool looked_at = token.kind == syntax::TokenKind::string || token.kind == syntax::TokenKind::comment || token.kind == syntax::TokenKind::error;
      if (looked_at && may_hold_any(from.substr(token.bytes.begin, token.bytes.size()))) clean_token(from, token.bytes.begin, token.bytes.end, copied, out);
    }
    if (copied == 0) return false;
    out.append(from.substr(copied));
    text = std::move(out);
    return true;
  }

  // What was found in one text also where another has it outside of strings: a lost quote makes code of them.
  void clean_leftovers(std::string& text) const {
    for (const auto& [key, placeholder] : known_)
      for (auto at = text.find(key.first); at != std::string::npos; at = text.find(key.first, at + placeholder.size()))
        text.replace(at, key.first.size(), placeholder);
  }

 private:
  void clean_token(std::string_view text, std::size_t begin, std::size_t end, std::size_t& copied, std::string& out) {
    for (std::size_t at = begin; at < end;) {
      const Detector* first = nullptr;
      Found found;
      for (const auto& detector : detectors()) {
        const auto one = detector.find(text, at, begin, end);
        if (one.any() && (first == nullptr || one.begin < found.begin)) first = &detector, found = one;
      }
      if (first == nullptr) return;
      out.append(text.substr(copied, found.begin - copied));
      out += placeholder_of(*first, text.substr(found.begin, found.end - found.begin));
      ++counts_[std::string("clean.") + first->name];
      copied = at = found.end;
    }
  }

  // The n-th different content of a kind gets the number n.
  const std::string& placeholder_of(const Detector& detector, std::string_view content) {
    const auto [at, fresh] = known_.try_emplace({std::string(content), detector.placeholder});
    if (fresh) at->second = detector.placeholder(++numbers_[detector.placeholder], content);
    return at->second;
  }

  CleanCounts& counts_;
  std::map<std::pair<std::string, Placeholder>, std::string> known_;
  std::map<Placeholder, std::uint32_t> numbers_;
};

bool matches(std::string_view pattern, std::string_view license) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == (b >= 'A' && b <= 'Z' ? b + 32 : b); };
  const bool any_ending = pattern.ends_with('*');
  if (any_ending) pattern.remove_suffix(1);
  if (any_ending ? license.size() < pattern.size() : license.size() != pattern.size()) return false;
  return std::equal(pattern.begin(), pattern.end(), license.begin(), same);
}

}  // namespace

void clean_pair(Pair& pair, CleanCounts& counts) {
  Replacements replacements(counts);
  std::vector<std::string*> texts = {pair.mutable_fixed(), pair.mutable_buggy()};
  for (auto& test : *pair.mutable_tests()) {
    texts.push_back(test.mutable_code());
    if (!test.has_project()) continue;
    auto& project = *test.mutable_project();
    for (auto* text : {project.mutable_subject_before(), project.mutable_subject_after()}) texts.push_back(text);
    for (auto& file : *project.mutable_files()) texts.push_back(file.mutable_text());
  }
  bool changed = false;
  for (auto* text : texts) changed = replacements.clean(*text) || changed;
  if (!changed) return;
  for (auto* text : texts) replacements.clean_leftovers(*text);
  ++counts["clean.pairs"];
  set_pair_id(pair);
}

bool is_license_allowed(std::string_view license, const Clean& settings) {
  if (license.empty()) return settings.unknown_license() == "keep";
  return settings.licenses().empty() ||
         std::any_of(settings.licenses().begin(), settings.licenses().end(), [&](const auto& pattern) { return matches(pattern, license); });
}

void clean_result(WorkResult& result, const Clean& settings) {
  CleanCounts counts;
  auto& pairs = *result.mutable_pairs();
  int kept = 0;
  for (int i = 0; i < pairs.size(); ++i) {
    auto& pair = pairs[i];
    if (!is_license_allowed(pair.source().license(), settings)) {
      auto& rejection = *result.add_rejections();
      rejection.set_subject(pair.source().repository() + ":" + pair.source().path() + (pair.source().symbol().empty() ? "" : ":" + pair.source().symbol()));
      rejection.set_reason("license_not_allowed");
      rejection.set_detail(pair.source().license().empty() ? "no licence known" : pair.source().license());
      ++counts["clean.rejected.license_not_allowed"];
      continue;
    }
    if (settings.replace()) clean_pair(pair, counts);
    if (kept != i) pairs.SwapElements(kept, i);
    ++kept;
  }
  pairs.DeleteSubrange(kept, pairs.size() - kept);
  for (const auto& [name, n] : counts) (*result.mutable_funnel())[name] += n;
}

}  // namespace mendel::cleaner
