// Reference files: found, told apart, compared.
#include "parity.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "faults.hpp"
#include "parity_file.hpp"

namespace mendel::model {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNotCompared = "not compared";

double largest(const at::Tensor& t) { return t.numel() == 0 ? 0 : t.abs().max().item<double>(); }

Expected<std::vector<ParityGroup>> check_file(const fs::path& folder, const fs::path& path) {
  auto opened = ParityFile::open(folder, path);
  if (!opened) return opened.failure();
  auto& file = *opened;
  const auto upstream = file.has_setting("upstream") ? file.text("upstream") : std::string();
  try {
    if (upstream.find("TinyRecursiveModels") != std::string::npos) {
      if (file.has("logprob")) check_stablemax(file);
      else check_trm(file);
    } else if (upstream.find("continuous-thought-machines") != std::string::npos) {
      check_ctm(file);
    } else {
      return Failure{Fault::invalid, path.string() + ": metadata field upstream is \"" + upstream +
                                         "\", no model with reference files here; keep other files out of the folder"};
    }
  } catch (const ParityMismatch& missing) {
    return Failure{Fault::invalid, path.string() + ": " + missing.what() + "; write the file anew with all that its README names"};
  }
  return file.groups();
}

}  // namespace

Expected<ParityFile> ParityFile::open(const fs::path& folder, const fs::path& path) {
  auto file = TensorFile::open(path);
  if (!file) return file.failure();
  ParityFile out(std::move(*file));
  out.path_ = path;
  out.label_ = path.lexically_relative(folder).string();
  return out;
}

at::Tensor ParityFile::tensor(const std::string& name) {
  const auto* entry = file_.find(name);
  if (!entry) throw ParityMismatch("tensor " + name + " is missing");
  const std::map<std::string, at::ScalarType> types = {{"F64", at::kDouble}, {"F32", at::kFloat}, {"I64", at::kLong}, {"U8", at::kByte}};
  const auto type = types.find(entry->type);
  if (type == types.end()) throw ParityMismatch("tensor " + name + " has the dtype " + entry->type);
  const auto out = at::empty(entry->shape, type->second);
  if (const auto read = file_.read(*entry, out.data_ptr()); !read) throw ParityMismatch(read.failure().what);
  used_.insert(name);
  return out;
}

std::string ParityFile::text(const std::string& key) const {
  const auto at = file_.header().metadata.find(key);
  if (at == file_.header().metadata.end()) throw ParityMismatch("metadata field " + key + " is missing");
  return at->second;
}

std::int64_t ParityFile::number(const std::string& key) const {
  const auto value = text(key);
  std::int64_t out = 0;
  const auto* end = value.data() + value.size();
  if (const auto [at, error] = std::from_chars(value.data(), end, out); error != std::errc{} || at != end)
    throw ParityMismatch("metadata field " + key + " is \"" + value + "\", no whole number");
  return out;
}

at::ScalarType ParityFile::type() const { return wide() ? at::kDouble : at::kFloat; }

void ParityFile::count(const std::string& group, double gate, const std::string& name, double error) {
  auto at = std::find_if(groups_.begin(), groups_.end(), [&](const auto& g) { return g.group == group; });
  if (at == groups_.end()) at = groups_.insert(groups_.end(), {label_, group, -1, gate, {}, 0});
  at->tensors += 1;
  // What is no number stays the group's error, so that it never counts as met.
  if (std::isnan(at->error) || error <= at->error) return;
  at->error = error;
  at->worst = name;
}

void ParityFile::compare(const std::string& group, double gate, const std::string& name, const at::Tensor& ours, std::int64_t thinned) {
  auto stored = name;
  auto mine = ours.detach();
  if (!has(name) && thinned >= 0) {
    const auto stride = number("activation_stride");
    for (const auto* suffix : {".pos", ".row"}) {
      if (!has(name + suffix + std::to_string(stride))) continue;
      stored = name + suffix + std::to_string(stride);
      mine = mine.slice(thinned, 0, mine.size(thinned), stride);
    }
  }
  const auto theirs = tensor(stored).to(at::kDouble).reshape({-1});
  mine = mine.to(at::kDouble).reshape({-1});
  if (mine.numel() != theirs.numel()) throw ParityMismatch("tensor " + stored + " has another shape than its settings say");
  const double most = largest(theirs), apart = largest(mine - theirs);
  count(group, gate, stored, most == 0 ? apart : apart / most);
}

void ParityFile::compare_zero(const std::string& group, double gate, const std::string& name, const at::Tensor& ours) {
  count(group, gate, name, largest(ours.detach()));
}

std::vector<ParityGroup> ParityFile::groups() const {
  auto out = groups_;
  ParityGroup left{label_, kNotCompared, 0, 0, {}, 0};
  for (const auto& entry : entries()) {
    if (used_.contains(entry.name)) continue;
    if (left.tensors++ == 0) left.worst = entry.name;
    left.error = static_cast<double>(left.tensors);
  }
  if (left.tensors > 0) out.push_back(left);
  return out;
}

Expected<std::vector<ParityGroup>> check_parity(const fs::path& folder) {
  at::set_num_threads(1);  // sums in one order
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".safetensors" && at->is_regular_file(error)) paths.push_back(at->path());
  if (error) return Failure{Fault::not_found, folder.string() + ": cannot be read: " + error.message()};
  if (paths.empty()) return Failure{Fault::not_found, folder.string() + ": holds no reference file (*.safetensors)"};
  std::sort(paths.begin(), paths.end());
  std::vector<ParityGroup> out;
  for (const auto& path : paths) {
    const auto groups = guarded([&] { return check_file(folder, path); });
    if (!groups) return groups.failure();
    out.insert(out.end(), groups->begin(), groups->end());
  }
  return out;
}

}  // namespace mendel::model
