// The layers' own backward passes beside the same mathematics composed of ordinary operations, in double.
#include "torch_doctest.hpp"

#include <random>

#include "model/layers.hpp"
#include "samples.hpp"

using namespace mendel::model;

namespace {

constexpr std::int64_t kWidth = 24, kHeads = 2, kInner = 40;

double distance(const at::Tensor& a, const at::Tensor& b) { return ((a - b).abs().max() / b.abs().max()).item<double>(); }

struct Fixture {
  ParameterSet set{at::kDouble, at::kDouble};
  Block weights{};
  Rotation rotation = make_rotation(64, kWidth / kHeads, at::kDouble);
  SharedBatch batch = make_batch(std::vector<Sample>{made_sample(1, true), made_sample(2, false), made_sample(3, true)});
  at::Tensor x_nd;

  Fixture() {
    const Start normal{Start::Kind::normal, 0.3};
    const auto qkv = set.add("qkv", {3 * kWidth, kWidth}, normal, true), out = set.add("out", {kWidth, kWidth}, normal, true);
    const auto gate_up = set.add("gate_up", {2 * kInner, kWidth}, normal, true), down = set.add("down", {kWidth, kInner}, normal, true);
    set.finish(3);
    weights = {&set[qkv], &set[out], &set[gate_up], &set[down], kHeads};
    x_nd = at::sin(at::arange(batch->rows * kWidth, at::kDouble)).view({batch->rows, kWidth}).set_requires_grad(true);
  }

  std::vector<at::Tensor> leaves() const {
    return {x_nd, weights.qkv->value, weights.out->value, weights.gate_up->value, weights.down->value};
  }

  at::Tensor real_rows() const { return batch->mask_bt.view({-1}).nonzero().squeeze(1); }

  // The same block with an additive mask over all rows and PyTorch's own derivatives.
  at::Tensor composed(Reach reach) const {
    const auto n = batch->rows;
    auto mask = at::full({n, n}, -1e30, at::kDouble);
    const auto& s = batch->segments(reach);
    for (std::size_t k = 0; k + 1 < s.offsets.size(); ++k)
      for (auto i = s.offsets[k]; i < s.offsets[k + 1]; ++i)
        for (auto j = s.offsets[k]; j < s.offsets[k + 1]; ++j) mask.index_put_({at::tensor(s.order[static_cast<std::size_t>(i)]), at::tensor(s.order[static_cast<std::size_t>(j)])}, at::tensor(0.0, at::kDouble));
    const auto position = at::tensor(batch->positions(reach), at::kLong);
    const auto cos = at::cat({rotation.cos_ph, rotation.cos_ph}, 1).index_select(0, position).unsqueeze(0);
    const auto sin = at::cat({rotation.sin_ph, rotation.sin_ph}, 1).index_select(0, position).unsqueeze(0);
    const auto rotated = [&](const at::Tensor& t) {
      const auto half = t.chunk(2, -1);
      return t * cos + at::cat({-half[1], half[0]}, -1) * sin;
    };
    const auto qkv = at::mm(x_nd, weights.qkv->value.t()).view({n, 3, kHeads, kWidth / kHeads}).permute({1, 2, 0, 3});
    const auto p = (at::matmul(rotated(qkv[0]), rotated(qkv[1]).transpose(1, 2)) / std::sqrt(double(kWidth / kHeads)) + mask).softmax(-1);
    const auto mixed = at::matmul(p, qkv[2]).transpose(0, 1).reshape({n, kWidth});
    const auto h = rms(x_nd + at::mm(mixed, weights.out->value.t()));
    const auto gate_up = at::mm(h, weights.gate_up->value.t()).chunk(2, -1);
    return rms(h + at::mm(at::silu(gate_up[0]) * gate_up[1], weights.down->value.t()));
  }
};

}  // namespace

TEST_CASE("a block and its gradients are those of the composed operations, for every reach") {
  for (const auto reach : {Reach::row, Reach::function, Reach::column}) {
    CAPTURE(static_cast<char>(reach));
    const Fixture f;
    const auto rows = f.real_rows();
    const auto weight = at::cos(at::arange(rows.numel() * kWidth, at::kDouble)).view({rows.numel(), kWidth});
    const auto own = block(with_product(f.x_nd, at::kDouble), f.weights, f.batch, reach, f.rotation).x_nd.index_select(0, rows);
    const auto reference = f.composed(reach).index_select(0, rows);
    CHECK(distance(own, reference) < 1e-12);
    const auto gradients = torch::autograd::grad({(own * weight).sum()}, f.leaves());
    const auto wanted = torch::autograd::grad({(reference * weight).sum()}, f.leaves());
    for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(distance(gradients[i], wanted[i]) < 1e-11);
  }
}

TEST_CASE("a cell sees its own row only in a row layer, its column in a column layer, its sample in a function layer") {
  const Fixture f;
  const auto& grid_rows = f.batch->places_bt[0];
  const auto columns = f.batch->columns;
  for (const auto reach : {Reach::row, Reach::function, Reach::column}) {
    CAPTURE(static_cast<char>(reach));
    const auto base = block(with_product(f.x_nd.detach(), at::kDouble), f.weights, f.batch, reach, f.rotation).x_nd;
    auto changed = f.x_nd.detach().clone();
    constexpr std::int64_t kCell = 2;  // of sample 0, row 0
    changed[kCell] += 1;
    changed[f.batch->rows - 1] += 5;  // padding
    const auto other = block(with_product(changed, at::kDouble), f.weights, f.batch, reach, f.rotation).x_nd;
    const auto moved = (other - base).abs().amax(1).gt(0);
    for (std::int64_t s = 0; s < f.batch->samples; ++s)
      for (std::int64_t t = 0; t < f.batch->lengths[static_cast<std::size_t>(s)]; ++t) {
        const bool same_row = grid_rows[s][t].item<std::int64_t>() == 0;
        const bool same_column = f.batch->places_bt[1][s][t].item<std::int64_t>() == kCell;
        const bool wanted = s == 0 && (reach == Reach::function || (reach == Reach::row ? same_row : same_column));
        CHECK(moved[s * columns + t].item<bool>() == wanted);
      }
  }
}

TEST_CASE("input cells and scores have the gradients of the composed operations") {
  ParameterSet set(at::kDouble, at::kDouble);
  const Start normal{Start::Kind::normal, 0.3};
  const auto e = set.add("e", {kTestVocabulary, kWidth}, normal, false);
  const std::array places = {set.add("rows", {kRowTable, kWidth}, normal, false), set.add("columns", {kColumnTable, kWidth}, normal, false),
                             set.add("repeats", {kRepeatTable, kWidth}, normal, false), set.add("marks", {kCallerMarks, kWidth}, normal, false)};
  const auto m = set.add("m", {kWidth, 5 * kWidth}, normal, true);
  const auto h = set.add("h", {kWidth, kWidth}, normal, true), hb = set.add("hb", {kWidth}, normal, false);
  const auto w = set.add("w", {1, kWidth}, normal, false), b = set.add("b", {1}, normal, false);
  set.finish(4);
  const Fixture f;
  const auto& batch = *f.batch;
  const auto own_x = input_cells({&set[e], {&set[places[0]], &set[places[1]], &set[places[2]], &set[places[3]]}, &set[m]}, f.batch);
  const auto own = scores(own_x, {&set[h], &set[hb], &set[w], &set[b]}).narrow(0, 0, batch.samples * batch.columns);
  const auto embedded = at::embedding(set[e].value, batch.ids_bt) * std::sqrt(double(kWidth)) * batch.mask_bt.unsqueeze(2);
  const auto padded = at::constant_pad_nd(embedded, {0, 0, 2, 2});
  std::vector<at::Tensor> near;
  for (int k = 0; k < 5; ++k) near.push_back(padded.narrow(1, k, batch.columns));
  const auto mapped = at::matmul(at::cat(near, 2), set[m].value.t());
  auto placed = at::zeros_like(embedded);
  for (std::size_t i = 0; i < places.size(); ++i) placed = placed + at::embedding(set[places[i]].value, batch.places_bt[i]);
  const auto x = rms(embedded + placed * batch.mask_bt.unsqueeze(2) + mapped).view({-1, kWidth});
  const auto reference = (at::mm(at::silu(at::mm(x, set[h].value.t()) + set[hb].value), set[w].value.t()) + set[b].value).squeeze(1);
  const auto real = f.real_rows();
  const auto loss = [&](const at::Tensor& s) { return s.index_select(0, real).sin().sum(); };
  CHECK(distance(own.index_select(0, real), reference.index_select(0, real)) < 1e-12);
  std::vector<at::Tensor> leaves;
  for (const auto& p : set.all()) leaves.push_back(p.value);
  const auto gradients = torch::autograd::grad({loss(own)}, leaves), wanted = torch::autograd::grad({loss(reference)}, leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    CAPTURE(set[i].name);
    CHECK(distance(gradients[i], wanted[i]) < 1e-11);
  }
}

TEST_CASE("the recurrent decoder and its gradients are PyTorch's GRU") {
  constexpr std::int64_t kSteps = 4, kSequences = 3;
  ParameterSet set(at::kDouble, at::kDouble);
  const Start normal{Start::Kind::normal, 0.4};
  const auto wi = set.add("wi", {3 * kWidth, kWidth}, normal, true), wh = set.add("wh", {3 * kWidth, kWidth}, normal, true);
  const auto bi = set.add("bi", {3 * kWidth}, normal, false), bh = set.add("bh", {3 * kWidth}, normal, false);
  set.finish(9);
  const auto x = at::sin(at::arange(kSteps * kSequences * kWidth, at::kDouble)).view({kSteps, kSequences, kWidth}).set_requires_grad(true);
  const auto start = at::cos(at::arange(kSequences * kWidth, at::kDouble)).view({kSequences, kWidth}).set_requires_grad(true);
  const auto own = gru(x, start, {&set[wi], &set[wh], &set[bi], &set[bh]});
  const auto reference = std::get<0>(at::gru(x, start.unsqueeze(0), {set[wi].value, set[wh].value, set[bi].value, set[bh].value}, true, 1, 0.0, false, false, false));
  CHECK(distance(own, reference) < 1e-12);
  std::vector<at::Tensor> leaves = {x, start};
  for (const auto& p : set.all()) leaves.push_back(p.value);
  const auto gradients = torch::autograd::grad({own.square().sum()}, leaves), wanted = torch::autograd::grad({reference.square().sum()}, leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i) CHECK(distance(gradients[i], wanted[i]) < 1e-11);
}

TEST_CASE("products in bfloat16 stay near those in float") {
  for (const auto reach : {Reach::row, Reach::function}) {
    at::Tensor results[2];
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      ParameterSet set(at::kFloat, type);
      const Start normal{Start::Kind::normal, 0.2};
      for (const auto& [name, shape] : {std::pair<const char*, std::vector<std::int64_t>>{"qkv", {3 * kWidth, kWidth}}, {"out", {kWidth, kWidth}}, {"gate_up", {2 * kInner, kWidth}}, {"down", {kWidth, kInner}}})
        set.add(name, shape, normal, true);
      set.finish(3);
      const Fixture f;
      const auto rotation = make_rotation(64, kWidth / kHeads, at::kFloat);
      const Block weights{&set[0], &set[1], &set[2], &set[3], kHeads};
      results[type == at::kBFloat16] = block(with_product(f.x_nd.detach().to(at::kFloat), type), weights, f.batch, reach, rotation).x_nd.index_select(0, f.real_rows());
    }
    const auto error = distance(results[1], results[0]);
    CHECK(error > 0);
    CHECK(error < 0.05);
  }
}
