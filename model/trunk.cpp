// The trunk: input cells, layers applied once, the recursion of TRM.
#include "trunk.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "recompute.hpp"

namespace mendel::model {
namespace {

Start truncated(std::int64_t fan_in) { return {Start::Kind::truncated_normal, 1 / std::sqrt(static_cast<double>(fan_in))}; }

}  // namespace

std::int64_t inner_width(const ModelSettings& settings) {
  return settings.inner > 0 ? settings.inner : (std::int64_t{settings.width} * 8 + 95) / 96 * 32;
}

Trunk::Trunk(const ModelSettings& settings, ParameterSet& parameters) : settings_(settings), parameters_(parameters) {
  const std::int64_t d = settings.width, v = settings.vocabulary, r = settings.embedding_rank > 0 ? settings.embedding_rank : d;
  tokens_.factored = settings.embedding_rank > 0;
  tokens_.table = parameters.add("trunk.embedding", {v, r}, truncated(d), false);
  if (tokens_.factored) tokens_.map = parameters.add("trunk.embedding_map", {d, r}, truncated(r), true);
  const Start small{Start::Kind::normal, 0.1}, columns{Start::Kind::normal, 0.3};
  places_ = {parameters.add("trunk.rows", {kRowTable, d}, small, false), parameters.add("trunk.columns", {kColumnTable, d}, columns, false),
             parameters.add("trunk.repeats", {kRepeatTable, d}, small, false), parameters.add("trunk.marks", {kCallerMarks, d}, small, false)};
  neighbours_ = parameters.add("trunk.neighbours", {d, 5 * r}, truncated(5 * r), true);
  for (std::size_t i = 0; i < settings.encoder_layers.size(); ++i) encoder_.push_back(add_block("trunk.encoder." + std::to_string(i)));
  for (std::size_t i = 0; i < settings.recursive_layers.size(); ++i)
    recursive_.push_back(add_block("trunk.recursive." + std::to_string(i)));
}

Trunk::BlockIndex Trunk::add_block(const std::string& name) {
  const std::int64_t d = settings_.width, inner = inner_width(settings_);
  return {parameters_.add(name + ".qkv", {3 * d, d}, truncated(d), true), parameters_.add(name + ".out", {d, d}, truncated(d), true),
          parameters_.add(name + ".gate_up", {2 * inner, d}, truncated(d), true),
          parameters_.add(name + ".down", {d, inner}, truncated(inner), true)};
}

void Trunk::finish(std::uint64_t seed) {
  const auto generator = at::detail::createCPUGenerator(seed);
  const std::int64_t d = settings_.width;
  z_start_ = at::randn({d}, generator).to(parameters_.device(), parameters_.type());
  y_start_ = at::randn({d}, generator).to(parameters_.device(), parameters_.type());
  rotation_ = make_rotation(kCellsMax, d / settings_.heads, parameters_.type());
  for (auto* t : {&rotation_.cos_ph, &rotation_.sin_ph}) *t = t->to(parameters_.device());
}

Hidden Trunk::layer(const BlockIndex& b, Reach reach, const Hidden& x, const SharedBatch& batch) const {
  return block(x, {&parameters_[b.qkv], &parameters_[b.out], &parameters_[b.gate_up], &parameters_[b.down], settings_.heads}, batch, reach, rotation_);
}

Hidden Trunk::run(const std::vector<BlockIndex>& blocks, const std::string& kinds, Hidden x, const SharedBatch& batch) const {
  for (std::size_t i = 0; i < blocks.size(); ++i) x = layer(blocks[i], static_cast<Reach>(kinds[i]), x, batch);
  return x;
}

Hidden Trunk::encode(const SharedBatch& batch) const {
  CellTables tables{&parameters_[tokens_.table], {}, &parameters_[neighbours_]};
  for (std::size_t i = 0; i < kPlaceTables; ++i) tables.places[i] = &parameters_[places_[i]];
  auto x = tokens_.factored ? input_cells(tables, parameters_[tokens_.map], batch) : input_cells(tables, batch);
  if (!recompute_) return run(encoder_, settings_.encoder_layers, x, batch);
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    const auto part = [this, i, batch](const Tensors& inputs) -> Tensors {
      return {layer(encoder_[i], static_cast<Reach>(settings_.encoder_layers[i]), with_product(inputs[0], parameters_.product_type()), batch).x_nd};
    };
    x = with_product(recomputed(part, {x.x_nd}, parameters_)[0], parameters_.product_type());
  }
  return x;
}

Hidden recurse(const std::function<Hidden(const at::Tensor&)>& net, const at::Tensor& x_nd, Carry& carry, std::uint32_t high_cycles,
               std::uint32_t low_cycles) {
  auto [z, y] = carry;  // [N, d] each
  Hidden last;
  for (std::uint32_t h = 0; h < high_cycles; ++h) {
    const c10::AutoGradMode gradient(c10::GradMode::is_enabled() && h + 1 == high_cycles);
    for (std::uint32_t l = 0; l < low_cycles; ++l) z = net(z + (y + x_nd)).x_nd;
    last = net(y + z);
    y = last.x_nd;
  }
  carry = Carry{z.detach(), y.detach()};
  return last;
}

Hidden Trunk::step(const Hidden& x, const SharedBatch& batch, std::optional<Carry>& carry) const {
  const auto whole = [this, batch](const at::Tensor& input_nd) {
    return run(recursive_, settings_.recursive_layers, with_product(input_nd, parameters_.product_type()), batch);
  };
  const auto net = [&](const at::Tensor& input_nd) {
    if (!recompute_) return whole(input_nd);
    const auto part = [whole](const Tensors& inputs) -> Tensors { return {whole(inputs[0]).x_nd}; };
    return with_product(recomputed(part, {input_nd}, parameters_)[0], parameters_.product_type());
  };
  if (recursive_.empty()) return x;
  if (settings_.high_cycles == 0) return net(x.x_nd);
  if (!carry) carry = Carry{z_start_.expand_as(x.x_nd), y_start_.expand_as(x.x_nd)};
  return recurse(net, x.x_nd, *carry, settings_.high_cycles, settings_.low_cycles);
}

}  // namespace mendel::model
