// One reference file under comparison: its tensors by name, its settings, and what was compared so far.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/parity.hpp"
#include "model/safetensors.hpp"

#include <ATen/core/Tensor.h>

namespace mendel::model {

// A reference file that lacks a tensor or a setting; stops the file's comparison.
struct ParityMismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class ParityFile {
 public:
  static Expected<ParityFile> open(const std::filesystem::path& folder, const std::filesystem::path& path);

  bool has(const std::string& name) const { return file_.find(name) != nullptr; }
  // Throws ParityMismatch if it is not there. Counts as used.
  at::Tensor tensor(const std::string& name);
  bool has_setting(const std::string& key) const { return file_.header().metadata.contains(key); }
  std::string text(const std::string& key) const;
  std::int64_t number(const std::string& key) const;
  bool wide() const { return text("dtype") == "f64"; }
  at::ScalarType type() const;
  const std::vector<TensorEntry>& entries() const { return file_.header().tensors; }
  std::filesystem::path sibling(const std::string& name) const { return path_.parent_path() / name; }

  // Compares a tensor of the file with ours, under `group` and its gate. `suffix` names a thinned form that
  // the file may hold instead ("name.pos8"): then every 8th of dimension `thinned` of ours.
  void compare(const std::string& group, double gate, const std::string& name, const at::Tensor& ours, std::int64_t thinned = -1);
  // The size of something of ours that is zero in theory; `name` only names it.
  void compare_zero(const std::string& group, double gate, const std::string& name, const at::Tensor& ours);
  // Counts as used without being compared: inputs, and what the other precision's file is for.
  void use(const std::string& name) { used_.insert(name); }

  std::vector<ParityGroup> groups() const;  // with "not compared" if any tensor is left
  const std::string& label() const { return label_; }

 private:
  explicit ParityFile(TensorFile file) : file_(std::move(file)) {}
  void count(const std::string& group, double gate, const std::string& name, double error);

  TensorFile file_;
  std::filesystem::path path_;
  std::string label_;
  std::set<std::string> used_;
  std::vector<ParityGroup> groups_;
};

void check_trm(ParityFile& file);
void check_stablemax(ParityFile& file);
void check_ctm(ParityFile& file);

}  // namespace mendel::model
