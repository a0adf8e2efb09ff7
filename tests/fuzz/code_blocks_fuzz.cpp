// The HTML of a post: its blocks of code, and what is left of each as a snippet. The quick way through plain blocks must
// give what the parser gives, which a blank in "<pre >" brings into play.
#include "actors/miner/stackoverflow/code_blocks.hpp"
#include "actors/miner/stackoverflow/snippet.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

namespace {

constexpr std::size_t kParsedBytesMax = 4096;  // of what is read a second time
constexpr std::size_t kLinesMax = 60;

std::string with_blanks(std::string_view html) {
  std::string out(html);
  for (auto at = out.find("<pre>"); at != out.npos; at = out.find("<pre>", at + 1)) out.insert(at + 4, " ");
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto html = fuzz::text_of(data, size);
  const auto blocks = miner::code_blocks(html);
  fuzz::claim(blocks.size() <= miner::kBlocksMax, "a post has a bounded number of blocks");
  if (size < kParsedBytesMax) {
    const auto parsed = miner::code_blocks(with_blanks(html));
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
