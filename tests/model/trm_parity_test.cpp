// The block and the recursion beside the original TRM's own numbers (tests/golden/trm/README.md).
#include "torch_doctest.hpp"

#include <string>

#include "model/safetensors.hpp"
#include "model/trunk.hpp"
#include "samples.hpp"

using namespace mendel::model;

namespace {

constexpr std::int64_t kSamples = 4, kLength = 24, kWidth = 32, kHeads = 4, kInner = 256, kVocabulary = 17;

struct Golden {
  TensorFile file;
  explicit Golden(const std::string& name) : file(std::move(*TensorFile::open(std::filesystem::path(MENDEL_GOLDEN) / "trm" / ("tiny." + name + ".safetensors")))) {}

  at::Tensor operator()(const std::string& name) const {
    const auto* entry = file.find(name);
    REQUIRE_MESSAGE(entry != nullptr, name);
    const auto type = entry->type == "F64" ? at::kDouble : entry->type == "F32" ? at::kFloat : entry->type == "I64" ? at::kLong : at::kByte;
    const auto out = at::empty(entry->shape, type);
    REQUIRE(file.read(*entry, out.data_ptr()));
    return out;
  }
};

double distance(const at::Tensor& a, const at::Tensor& b) {
  const auto wide = [](const at::Tensor& t) { return t.to(at::kDouble).reshape({-1}); };
  return ((wide(a) - wide(b)).abs().max() / wide(b).abs().max()).item<double>();
}

// The net of the golden files with our parameters, block and recursion.
struct Net {
  const Golden& golden;
  ParameterSet set;
  Rotation rotation;
  SharedBatch batch;
  std::vector<Block> blocks;
  std::size_t embedding;

  Net(const Golden& g, at::ScalarType type) : golden(g), set(type, type) {
    const std::pair<const char*, std::vector<std::int64_t>> shapes[] = {
        {"attn.qkv", {3 * kWidth, kWidth}}, {"attn.o", {kWidth, kWidth}}, {"mlp.gate_up", {2 * kInner, kWidth}}, {"mlp.down", {kWidth, kInner}}};
    for (const auto* layer : {"layer0.", "layer1."})
      for (const auto& [name, shape] : shapes) set.add(std::string(layer) + name, shape, {}, true);
    embedding = set.add("embed", {kVocabulary, kWidth}, {}, false);
    set.finish(0);
    for (const auto& p : set.all()) p.value.detach().copy_(golden("weight." + p.name));
    for (std::size_t i = 0; i < 8; i += 4) blocks.push_back({&set[i], &set[i + 1], &set[i + 2], &set[i + 3], kHeads});
    const auto half = kWidth / kHeads / 2;
    rotation = {golden("buffer.rope.cos").narrow(1, 0, half).contiguous(), golden("buffer.rope.sin").narrow(1, 0, half).contiguous()};
    batch = make_batch(std::vector<Sample>(kSamples, laid_out(std::vector<std::int16_t>(kLength, 21))));
  }

  at::Tensor rows(const at::Tensor& bsd) const { return at::constant_pad_nd(bsd.reshape({-1, kWidth}), {0, 0, 0, batch->rows - kSamples * kLength}); }
  at::Tensor real(const at::Tensor& nd) const { return nd.narrow(0, 0, kSamples * kLength); }

  Hidden run(const at::Tensor& x_nd, std::size_t layers = 2) const {
    auto x = with_product(x_nd, set.product_type());
    for (std::size_t i = 0; i < layers; ++i) x = block(x, blocks[i], batch, Reach::function, rotation);
    return x;
  }
};

// Stablemax cross entropy (its logarithm in double whatever the model's type) and the halting loss.
at::Tensor total_loss(const Golden& golden, const at::Tensor& logits_bsv, const at::Tensor& q_b) {
  const auto x = logits_bsv.to(at::kDouble);
  const auto s = at::where(x.ge(0), x + 1, 1 / (1 - at::where(x.ge(0), at::zeros_like(x), x)));
  const auto log_p = at::log(s / s.sum(-1, true));
  const auto labels = golden("input.labels");
  const auto known = labels.ne(-100);
  const auto nll = -log_p.gather(2, labels.clamp_min(0).unsqueeze(2)).squeeze(2) * known;
  const auto language = (nll.sum(1) / known.sum(1).clamp_min(1)).sum();
  const auto halt = at::binary_cross_entropy_with_logits(q_b, golden("first.seq_correct").to(q_b.scalar_type()), {}, {}, at::Reduction::Sum);
  return language + 0.5 * halt;
}

void check_first_step(const char* name, at::ScalarType type, double gate) {
  const Golden golden(name);
  const Net net(golden, type);
  const auto after_block = net.real(net.run(net.rows(golden("first.block0.in")), 1).x_nd);
  CHECK(distance(after_block, golden("first.block0.norm2_out")) < gate);

  const auto embedded = at::embedding(net.set[net.embedding].value, golden("input.tokens")) * std::sqrt(double(kWidth));
  CHECK(distance(embedded, golden("first.emb")) < gate);
  const auto x_nd = net.rows(embedded);
  Carry carry{golden("buffer.L_init").expand_as(x_nd), golden("buffer.H_init").expand_as(x_nd)};
  const auto y = recurse([&](const at::Tensor& input) { return net.run(input); }, x_nd, carry, 3, 6);
  CHECK(distance(net.real(y.x_nd), golden("first.cycle2.zH")) < gate);
  CHECK(distance(net.real(carry.z_nd), golden("first.cycle2.zL")) < gate);

  const auto y_bsd = net.real(y.x_nd).view({kSamples, kLength, kWidth});
  const auto logits = at::matmul(y_bsd, golden("weight.lm_head").t());
  CHECK(distance(logits, golden("first.logits")) < gate);
  const auto q = at::matmul(y_bsd.select(1, 0), golden("weight.q_head.weight").t()) + golden("weight.q_head.bias");
  const auto loss = total_loss(golden, logits, q.select(1, 0));
  CHECK(distance(loss, golden("first.total_loss")) < gate);
  std::vector<at::Tensor> leaves;
  for (const auto& p : net.set.all()) leaves.push_back(p.value);
  const auto gradients = torch::autograd::grad({loss}, leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    CAPTURE(net.set[i].name);
    CHECK(distance(gradients[i], golden("grad." + net.set[i].name)) < gate);
  }
}

}  // namespace

TEST_CASE("the first supervision step and its gradients are TRM's own, in float") { check_first_step("f32", at::kFloat, 1e-5); }
TEST_CASE("the first supervision step and its gradients are TRM's own, in double") { check_first_step("f64", at::kDouble, 1e-9); }

TEST_CASE("our rotation tables are TRM's own") {
  const Golden golden("f32");
  const auto own = make_rotation(kLength, kWidth / kHeads, at::kFloat);
  CHECK(distance(own.cos_ph, golden("buffer.rope.cos").narrow(1, 0, kWidth / kHeads / 2)) < 1e-6);
  CHECK(distance(own.sin_ph, golden("buffer.rope.sin").narrow(1, 0, kWidth / kHeads / 2)) < 1e-6);
}
