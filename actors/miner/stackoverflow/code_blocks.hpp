// The blocks of code of a post: <pre><code> in its HTML. gumbo sees one <pre> at a time, never a whole
// post, so that no nesting or misnesting of other elements costs anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mendel::miner {

struct CodeBlock {
  std::string text;  // as a browser shows it
  std::string language;  // of class "lang-…", empty if none is named
};

// In order; at most kBlocksMax. A <pre> of more than kPreBytesMax bytes or kPreTagsMax tags is passed over.
std::vector<CodeBlock> code_blocks(std::string_view html);

inline constexpr std::size_t kBlocksMax = 32, kPreBytesMax = 65536, kPreTagsMax = 200;

}  // namespace mendel::miner
