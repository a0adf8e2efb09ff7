// Fields are length-prefixed by ContentHash, so runs cannot run into each other.
#include "actors/miner/patch_id.hpp"

#include "actors/miner/edit_type.hpp"
#include "proto/ids.hpp"

namespace mendel::miner {

std::uint64_t patch_id(std::string_view path, std::string_view symbol, std::string_view buggy, std::string_view fixed) {
  ContentHash hash;
  hash.add(path).add(symbol);
  const auto edits = edits_between(buggy, fixed);
  for (const auto& edit : edits.tokens) {
    hash.add(edit.before).add(edit.removed.size());
    for (const auto word : edit.removed) hash.add(word);
    hash.add(edit.added.size());
    for (const auto word : edit.added) hash.add(word);
  }
  if (edits.tokens.empty()) hash.add(buggy).add(fixed);
  return hash64(hash.finish<>().view());
}

}  // namespace mendel::miner
