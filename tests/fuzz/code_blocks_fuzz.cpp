// The HTML of a post: its blocks of code, and what is left of each as a snippet. The quick way through plain blocks must
// give what the parser gives, which a blank in "<pre >" brings into play.
#include "actors/miner/stackoverflow/code_blocks.hpp"
#include "actors/miner/stackoverflow/snippet.hpp"

#include <optional>

#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

namespace {

constexpr std::size_t kParsedBytesMax = 4096;  // of what is read a second time
constexpr std::size_t kLinesMax = 60;

// Every "<pre>" as "<pre >"; nothing if one stands inside of another, where it is text or part of a value.
std::optional<std::string> with_blanks(std::string_view html) {
  std::string out;
  for (auto at = html.find("<pre"); at != html.npos; at = html.find("<pre")) {
    const auto end = std::min(html.find("</pre>", at), html.size());
    if (html.substr(at + 1, end - at - 1).find("<pre") != html.npos) return std::nullopt;
    const bool bare = html.substr(at).starts_with("<pre>");
    out.append(html.substr(0, at)).append(bare ? "<pre >" : "<pre").append(html.substr(at + (bare ? 5 : 4), end - at - (bare ? 5 : 4)));
    html.remove_prefix(end);
  }
  return out.append(html);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto html = fuzz::text_of(data, size);
  const auto blocks = miner::code_blocks(html);
  fuzz::claim(blocks.size() <= miner::kBlocksMax, "a post has a bounded number of blocks");
  if (const auto other = size < kParsedBytesMax ? with_blanks(html) : std::nullopt) {
    const auto parsed = miner::code_blocks(*other);
    fuzz::claim(parsed.size() == blocks.size(), "the parser sees as many blocks");
    for (std::size_t i = 0; i < blocks.size(); ++i) fuzz::claim(parsed[i].text == blocks[i].text && parsed[i].language == blocks[i].language, "a plain block is what the parser makes of it");
  }
  for (const auto& block : blocks) {
    const auto snippet = miner::snippet_of(block, kLinesMax);
    fuzz::claim(snippet.text.empty() != (snippet.reason[0] == '\0'), "a snippet has a text or a reason why it has none");
    fuzz::claim(!snippet.text.ends_with('\n'), "no line feed stands at the end of a snippet");
  }
  (void)miner::python2_sign(html);
  (void)miner::dedented(html);
  return 0;
}
