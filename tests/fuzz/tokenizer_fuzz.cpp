// Files of vocabularies: merges.txt as it travels on the wire, tokenizer.json as it lies in a folder.
#include "actors/encoder/tokenizer.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

namespace {

void use(const encoder::Tokenizer& tokenizer) {
  constexpr std::string_view kText = "if x:\n\treturn  y\xff";
  std::vector<encoder::TokenId> ids;
  tokenizer.encode(kText, ids);
  fuzz::claim(tokenizer.decode(ids) == kText, "any text comes back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Scratch scratch;
  const auto text = fuzz::text_of(data, size);
  if (const auto merges = encoder::Tokenizer::from_merges(text)) {
    use(*merges);
    const auto again = encoder::Tokenizer::from_merges(merges->merges());
    fuzz::claim(again && again->hash() == merges->hash(), "our own merges can be read");
  }
  scratch.write("tokenizer.json", text);
  if (const auto loaded = encoder::Tokenizer::load(scratch.folder())) use(*loaded);
  return 0;
}
