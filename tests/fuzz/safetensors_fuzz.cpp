// Headers of checkpoints that people send each other.
#include "model/safetensors.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Scratch scratch;
  const auto path = scratch.write("x.safetensors", fuzz::text_of(data, size));
  const auto file = model::TensorFile::open(path);
  if (!file) return 0;
  for (const auto& entry : file->header().tensors) {
    fuzz::claim(entry.begin <= entry.end && file->header().data_begin + entry.end <= size, "tensors lie inside the file");
    std::string bytes(entry.end - entry.begin, '\0');
    fuzz::claim(static_cast<bool>(file->read(entry, bytes.data())), "a checked tensor can be read");
    fuzz::claim(file->find(entry.name) != nullptr, "a tensor is found by its name");
  }
  return 0;
}
