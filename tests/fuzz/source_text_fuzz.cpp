// Text of sources, whatever its bytes: checks, tokens, parse tree, differences, and the words of commit messages.
#include "actors/miner/message_rule.hpp"
#include "actors/syntax/source_text.hpp"
#include "actors/syntax/tokens.hpp"
#include "actors/syntax/tree.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

namespace {

void parse(std::string_view text) {
  static syntax::Parser parser;
  const auto tree = parser.parse(text);
  if (!tree) return;
  for (const auto& function : syntax::functions(*tree)) {
    fuzz::claim(function.bytes.begin <= function.bytes.end && function.bytes.end <= text.size(), "functions lie inside the text");
    const auto cut = syntax::cut_function(*tree, function);
    if (cut && !tree->has_error()) fuzz::claim(syntax::paste_function(cut->text, cut->indent) == text.substr(cut->bytes.begin, cut->bytes.size()), "a function that was cut out can be put back");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const bool source = syntax::why_not_source(text, 1u << 16)[0] == '\0';
  fuzz::claim(!source || text.find('\0') == text.npos, "source text holds no NUL");
  for (auto rest = text; source && !rest.empty(); rest.remove_prefix(syntax::utf8_length(rest))) fuzz::claim(syntax::utf8_length(rest) > 0, "source text is UTF-8");
  std::size_t end = 0;
  for (const auto& token : syntax::tokens(text)) {
    fuzz::claim(token.bytes.begin >= end && token.bytes.begin <= token.bytes.end && token.bytes.end <= size, "tokens stand in order inside the text");
    end = token.bytes.end;
  }
  const auto half = size / 2;
  if (size < 4096) (void)syntax::unified_diff(text.substr(0, half), text.substr(half), "x.py");
  if (size < 4096) parse(text);
  (void)miner::deciding_rule(text);
  return 0;
}
