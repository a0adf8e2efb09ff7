// The layers by LibTorch's own operations, for every device but the CPU: the same numbers as layers.hpp up
// to rounding (tests/model/operations_test.cpp), the gradient by autograd. Shapes as there.
#pragma once

#include "model/layers.hpp"

namespace mendel::model {

// `batch` comes from on_device.
Hidden block_by_operations(const Hidden& x, const Block& weights, const Batch& batch, Reach reach, const Rotation& rotation);
// Any batch, on any device. `map` of a factorised table, else null.
Hidden input_cells_by_operations(const CellTables& tables, const Parameter* map, const Batch& batch);
at::Tensor scores_by_operations(const at::Tensor& x_nd, const ScoreHead& head);
// From the input's products [L, K, 3d].
at::Tensor gru_by_operations(const at::Tensor& input_lk3d, const at::Tensor& start_kd, const Gru& weights);

}  // namespace mendel::model
