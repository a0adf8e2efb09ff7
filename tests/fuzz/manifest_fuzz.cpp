// manifest.json of datasets that people send each other.
#include "storage/dataset_manifest.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Scratch scratch;
  scratch.write(storage::kManifestFile, fuzz::text_of(data, size));
  const auto manifest = storage::Manifest::read(scratch.folder());
  if (manifest) fuzz::claim(manifest->text.size() == size, "the text is kept as it is");
  return 0;
}
