// The synapse model: one gated layer, or a U-NET.
#include "synapse.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace mendel::model {
namespace {

constexpr double kLayerNormEpsilon = 1e-5;
constexpr std::int64_t kNarrowest = 16;
constexpr std::int64_t kMuonSideMin = 8;  // matrices narrower than this belong to AdamW

}  // namespace

LinearIndex add_linear(ParameterSet& parameters, const std::string& name, std::int64_t in, std::int64_t out) {
  const bool muon = std::min(in, out) > kMuonSideMin;
  const Start start{Start::Kind::truncated_normal, 1 / std::sqrt(static_cast<double>(in))};
  const auto weight = parameters.add(name + ".weight", {out, in}, start, muon);
  return {weight, parameters.add(name + ".bias", {out}, {}, false)};
}

LinearIndex add_norm(ParameterSet& parameters, const std::string& name, std::int64_t width) {
  const auto weight = parameters.add(name + ".weight", {width}, {Start::Kind::constant, 1}, false);
  return {weight, parameters.add(name + ".bias", {width}, {}, false)};
}

at::Tensor layer_norm(const at::Tensor& x, const ParameterSet& parameters, const LinearIndex& norm) {
  return at::layer_norm(x, {x.size(-1)}, parameters[norm.weight].value, parameters[norm.bias].value, kLayerNormEpsilon);
}

std::vector<std::int64_t> synapse_widths(std::int64_t neurons, std::int64_t depth) {
  std::vector<std::int64_t> out = {neurons};
  // Evenly spaced doubles, then cut: whole numbers would differ by one in rare cases.
  const double step = depth > 1 ? static_cast<double>(kNarrowest - neurons) / static_cast<double>(depth - 1) : 0;
  for (std::int64_t i = 1; i < depth; ++i)
    out.push_back(i + 1 == depth ? kNarrowest : static_cast<std::int64_t>(static_cast<double>(neurons) + static_cast<double>(i) * step));
  return out;
}

Synapse::Level Synapse::add_level(const std::string& name, std::int64_t in, std::int64_t out) {
  const auto linear = add_linear(parameters_, name + ".linear", in, out);
  return {linear, add_norm(parameters_, name + ".norm", out)};
}

Synapse::Synapse(ParameterSet& parameters, const std::string& name, std::int64_t in, std::int64_t neurons, std::int64_t depth)
    : parameters_(parameters), flat_(depth == 1) {
  if (flat_) {
    const auto linear = add_linear(parameters, name + ".linear", in, 2 * neurons);
    first_ = {linear, add_norm(parameters, name + ".norm", neurons)};
    return;
  }
  const auto widths = synapse_widths(neurons, depth);
  first_ = add_level(name + ".first", in, widths[0]);
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    const auto index = std::to_string(i);
    down_.push_back(add_level(name + ".down." + index, widths[i], widths[i + 1]));
    up_.push_back(add_level(name + ".up." + index, widths[i + 1], widths[i]));
    skip_.push_back(add_norm(parameters, name + ".skip." + index, widths[i]));
  }
}

at::Tensor Synapse::level(const Level& l, const at::Tensor& x) const {
  return at::silu(layer_norm(linear(x, parameters_[l.linear.weight], parameters_[l.linear.bias]), parameters_, l.norm));
}

at::Tensor Synapse::operator()(const at::Tensor& x_bi, const Record& record) const {
  const auto note = [&](const std::string& name, const at::Tensor& value) {
    if (record) record(name, value);
  };
  if (flat_) {
    const auto mixed = linear(x_bi, parameters_[first_.linear.weight], parameters_[first_.linear.bias]);  // [B, 2 D]
    note("linear", mixed);
    return layer_norm(at::glu(mixed, -1), parameters_, first_.norm);
  }
  std::vector<at::Tensor> levels = {level(first_, x_bi)};  // [B, width of the level]
  note("first", levels[0]);
  for (std::size_t i = 0; i < down_.size(); ++i) {
    levels.push_back(level(down_[i], levels[i]));
    note("down." + std::to_string(i), levels.back());
  }
  auto v = levels.back();  // the bottleneck [B, 16]
  for (std::size_t i = up_.size(); i-- > 0;) {
    const auto u = level(up_[i], v);
    note("up." + std::to_string(i), u);
    v = layer_norm(u + levels[i], parameters_, skip_[i]);
    note("skip." + std::to_string(i), v);
  }
  return v;
}

}  // namespace mendel::model
