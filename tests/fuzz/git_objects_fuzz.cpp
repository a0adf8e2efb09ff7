// Objects of repositories that anybody may have made: commits, trees, loose files, pack indices. The first byte
// chooses.
#include "actors/miner/git_objects.hpp"
#include "actors/miner/loose_object.hpp"
#include "actors/miner/pack_index.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

namespace {

void read_tree(std::string_view object) {
  miner::TreeReader reader(object);
  std::size_t entries = 0;
  for (auto entry = reader.next(); entry; entry = reader.next()) {
    fuzz::claim(entry->name.data() >= object.data() && entry->name.data() + entry->name.size() <= object.data() + object.size(), "names lie inside the object");
    fuzz::claim(++entries <= object.size(), "reading ends");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = fuzz::text_of(data + 1, size - 1);
  constexpr std::uint64_t kBytesMax = 1u << 20;
  switch (data[0] % 4) {
    case 0: {
      const auto commit = miner::parse_commit(rest);
      const auto links = miner::parse_links(rest);
      fuzz::claim(!commit || links, "who reads a commit reads its links");
      break;
    }
    case 1: read_tree(rest); break;
    case 2: {
      const auto object = miner::unpack_loose(rest, kBytesMax);
      if (object) fuzz::claim(object->bytes.size() == object->header.size && object->bytes.size() <= kBytesMax, "a loose object has the size it claims");
      break;
    }
    default: (void)miner::why_no_pack_index(rest, kBytesMax); break;
  }
  return 0;
}
