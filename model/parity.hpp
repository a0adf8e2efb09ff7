// Numbers of the original models beside ours: runs every reference file (safetensors with weights, inputs,
// intermediates, losses and gradients; tests/golden/README.md) of a folder and its subfolders and measures
// the largest relative error of each group of tensors. What a file is about, its sizes and its settings
// come from its metadata.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/expected.hpp"

namespace mendel::model {

struct ParityGroup {
  std::string file;  // relative to the folder
  std::string group;  // "first step", "gradients", "ticks" …
  double error = 0;  // max |ours - theirs| / max |theirs| of a tensor, the largest of the group
  double gate = 0;
  std::string worst;  // the tensor with that error
  std::size_t tensors = 0;
  bool met() const { return error <= gate; }
};

// Files in order of their names. not_found: no reference file in the folder; corrupt or invalid: one that
// cannot be read or names a model that is not known. A tensor of a file that no group covers counts as
// missed: group "not compared".
Expected<std::vector<ParityGroup>> check_parity(const std::filesystem::path& folder);

}  // namespace mendel::model
