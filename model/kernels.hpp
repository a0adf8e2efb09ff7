// The loops between the matrix products, fused and vectorised: normalisation, SwiGLU, attention over
// segments, input cells, pointer scores. No Torch here: plain arrays, one thread, no allocation.
//
// Two element types meet: S, the type of sums and of the residual stream (float or double), and P, that
// of the operands and results of matrix products (bfloat16 on CPUs that multiply it, else S).
// Row-major; n rows, d columns. The same input gives the same bits on one machine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mendel::model {

struct Bf16 {
  std::uint16_t bits;
};

// Sets of cells that attend to each other: segment s holds the cells order[offsets[s] .. offsets[s + 1]).
// Cells in no segment (padding) neither give nor take anything.
struct SegmentView {
  const std::int32_t* order;
  const std::int32_t* offsets;
  std::int64_t count;
  std::int64_t cells_max;  // of one segment
};

struct AttentionShape {
  std::int64_t rows, width, heads;
  SegmentView segments;
  const std::int32_t* positions;  // [rows], of the rotation
};

// Small tables of which each cell adds one row: grid rows, grid columns, repeats, marks.
inline constexpr int kPlaceTables = 4;

struct InputCells {
  std::int64_t rows, width, samples, columns;  // cells = samples * columns <= rows; the others are zero
  const std::int64_t* ids;  // [cells]
  const std::int64_t* places[kPlaceTables];  // [cells] each: row of every place table to add
  const std::int32_t* lengths;  // [samples] real cells
};

// Constants of one step of AdamW; the corrections are 1 - beta^step.
struct AdamwStep {
  double gradient_scale, rate, beta1, beta2, epsilon, correction1, correction2;
};

template <class S, class P>
struct Kernels {
  // y = (x + r) * inv, inv = 1 / sqrt(mean((x + r)^2) + 1e-5); y_product is y as P. r may be null.
  void (*rms_forward)(std::int64_t n, std::int64_t d, const S* x, const P* r, S* y, P* y_product, S* inv);
  // du of u = x + r, from dy = dy_stream + dy_product (the second may be null).
  void (*rms_backward)(std::int64_t n, std::int64_t d, const S* y, const S* inv, const S* dy_stream, const P* dy_product, S* du,
                       P* du_product);
  // a = silu(gate) * up of gate_up [n, 2 inner].
  void (*swiglu_forward)(std::int64_t n, std::int64_t inner, const P* gate_up, P* a);
  void (*swiglu_backward)(std::int64_t n, std::int64_t inner, const P* gate_up, const P* da, P* dgate_up);
  // qkv [rows, 3 width] -> o [rows, width], log_sum [rows, heads]; cos, sin [positions, width / heads / 2].
  void (*attention_forward)(const AttentionShape& shape, const P* qkv, const S* cos, const S* sin, P* o, S* log_sum, S* scratch);
  void (*attention_backward)(const AttentionShape& shape, const P* qkv, const S* cos, const S* sin, const P* o, const S* log_sum,
                             const P* d_o, P* dqkv, S* scratch);
  // u = embedding * sqrt(d) + the rows of the place tables; neighbours [rows, 5 d] = the scaled embeddings of cells t-2 .. t+2.
  void (*cells_forward)(const InputCells& cells, const S* embedding, const S* const* tables, S* u, P* neighbours);
  // Adds to the gradients of the embedding and of the place tables.
  void (*cells_backward)(const InputCells& cells, const S* du, const P* dneighbours, S* dembedding, S* const* dtables);
  // score = bias_out + sum_j w_j silu(t_j + bias_j), t [n, d].
  void (*score_forward)(std::int64_t n, std::int64_t d, const P* t, const S* bias, const S* weight, const S* bias_out, S* score);
  // dt, and adds to dbias [d], dweight [d].
  void (*score_backward)(std::int64_t n, std::int64_t d, const P* t, const S* bias, const S* weight, const S* dscore, P* dt, S* dbias,
                         S* dweight);

  // One step of a GRU: input and recurrent [n, 3 d] are the products without biases, gates r, z, n in that
  // order; saved [n, 4 d] is r, z, n and the recurrent part of n.
  void (*gru_forward)(std::int64_t n, std::int64_t d, const S* input, const P* recurrent, const S* input_bias, const S* hidden_bias,
                      const S* before, S* saved, S* h, P* h_product);
  // dh [n, d] holds the gradient of h from later steps and gets that of `before`, but for the recurrent products.
  void (*gru_backward)(std::int64_t n, std::int64_t d, const S* saved, const S* before, const S* dout, S* dh, S* dinput, P* drecurrent);

  // Passes over flat vectors of n numbers.
  double (*sum_squares)(std::int64_t n, const S* x);
  void (*adamw)(std::int64_t n, const S* gradient, const AdamwStep& step, S* first, S* second, S* value);
  // momentum = keep momentum + (1 - keep) g, update = keep momentum + (1 - keep) g, of g = scale gradient.
  void (*muon_momentum)(std::int64_t n, const S* gradient, double scale, double keep, S* momentum, P* update);
  // value = decay value - rate update.
  void (*muon_apply)(std::int64_t n, const P* update, double decay, double rate, S* value);
  // average += weight (value - average), product = value as P.
  void (*follow)(std::int64_t n, const S* value, double weight, S* average, P* product);
};

// Elements of S that attention needs as scratch.
std::size_t attention_scratch(const AttentionShape& shape);

// The fastest set that this machine runs (base, AVX2 or AVX-512), chosen once.
const Kernels<float, Bf16>& kernels_bf16();
const Kernels<float, float>& kernels_f32();
const Kernels<double, double>& kernels_f64();

template <class S, class P>
const Kernels<S, P>& kernels();
template <>
inline const Kernels<float, Bf16>& kernels() { return kernels_bf16(); }
template <>
inline const Kernels<float, float>& kernels() { return kernels_f32(); }
template <>
inline const Kernels<double, double>& kernels() { return kernels_f64(); }

// True where products of bfloat16 with float sums are an instruction (AVX512-BF16, AMX): there they were
// measured at about twice the rate of float products; elsewhere they are emulated and slower.
bool has_bf16_products();

}  // namespace mendel::model
