// The layers as functions that autograd knows, each with a backward pass of its own over the fused loops
// of kernels.hpp: a linear map, one transformer block, the input cells, the pointer scores.
//
// A block is that of TRM: post-norm without gain, h = rms(x + attention(x)), y = rms(h + swiglu(h)),
// rotary positions half-split with theta 1e4, no biases. Shapes: N rows of the batch, d width.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

#include "model/batch.hpp"
#include "model/parameters.hpp"

namespace mendel::model {

inline constexpr double kRmsEpsilon = 1e-5;

// A hidden state and the same numbers in the type of the products (outside the gradient).
struct Hidden {
  at::Tensor x_nd, product_nd;
};

// x [.., in] times weight^T [in, out]: the product in its own type, the result in that of x.
at::Tensor linear(const at::Tensor& x, const Parameter& weight);
at::Tensor linear(const at::Tensor& x, const Parameter& weight, const Parameter& bias);
// x [.., out] times weight [out, in].
at::Tensor linear_transposed(const at::Tensor& x, const Parameter& weight);

// RMS norm over the last dimension by ordinary operations, for small tensors.
at::Tensor rms(const at::Tensor& x);

// Wraps `x_nd` for the first layer of a net.
Hidden with_product(const at::Tensor& x_nd, at::ScalarType product_type);

// Tables of the rotation: angles of [positions, head width / 2], built in float whatever the type.
struct Rotation {
  at::Tensor cos_ph, sin_ph;
};
Rotation make_rotation(std::int64_t positions, std::int64_t head_width, at::ScalarType type);

struct Block {
  const Parameter *qkv, *out, *gate_up, *down;  // [3d, d], [d, d], [2 inner, d], [d, inner]
  std::int64_t heads;
};

// `rotation` and the parameters must outlive the graph.
Hidden block(const Hidden& x, const Block& weights, const SharedBatch& batch, Reach reach, const Rotation& rotation);

// What happens inside the first pass of a block, for comparisons: qkv [N, 3 d], the attention's output,
// the state between attention and SwiGLU, the SwiGLU's output [N, d]. No gradient.
struct BlockParts {
  at::Tensor qkv, attended, middle, gated;
};
BlockParts block_parts(const Hidden& x, const Block& weights, const SharedBatch& batch, Reach reach, const Rotation& rotation);

struct CellTables {
  const Parameter* embedding;  // [V, d]
  std::array<const Parameter*, kPlaceTables> places;  // rows [64, d], columns [64, d], repeats [32, d], marks [8, d]
  const Parameter* neighbours;  // [d, 5d]
};

// The token table as trunk and head share it: [V, d], or factorised as [V, r] with its map [d, r].
struct TokenTable {
  std::size_t table = 0, map = 0;  // indices of parameters
  bool factored = false;
};
// Rows of the table times sqrt(d), for ids of any shape: [.., d].
at::Tensor embedded(const ParameterSet& parameters, const TokenTable& table, const at::Tensor& ids, std::int64_t width);

// rms(embedding sqrt(d) + row + column + repeat + mark + linear map of the five neighbouring cells).
Hidden input_cells(const CellTables& tables, const SharedBatch& batch);
// The same with a factorised table [V, r] and its map [d, r]; the neighbours' map reads the factors, [d, 5r].
Hidden input_cells(const CellTables& tables, const Parameter& map, const SharedBatch& batch);

struct ScoreHead {
  const Parameter *hidden, *hidden_bias, *weight, *bias;  // [d, d], [d], [1, d], [1]
};

// weight silu(hidden x + hidden_bias) + bias: one score a row, [N]. By the kernels, as `gru`.
at::Tensor scores(const Hidden& x, const ScoreHead& head);

struct Gru {
  const Parameter *input, *hidden, *input_bias, *hidden_bias;  // [3d, d] twice, [3d] twice; gates r, z, n
};

// A GRU over L steps of K sequences: x [L, K, d], start [K, d] -> states [L, K, d].
at::Tensor gru(const at::Tensor& x_lkd, const at::Tensor& start_kd, const Gru& weights);

}  // namespace mendel::model
