// A batch of samples as the network sees it: cells padded to the longest sample of the batch, and for
// each kind of layer the segments of cells that attend to each other, so that no mask is ever stored.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/expected.hpp"
#include "model/kernels.hpp"
#include "model/sample.hpp"

namespace mendel::model {

inline constexpr std::int64_t kRowTable = kGridRowsMax, kColumnTable = 64, kRepeatTable = 32;
// What the span head can say; samples beyond are passed over in training and count as not repaired.
inline constexpr std::int64_t kDeletedMax = 32, kNewTokensMax = 48;

// A layer's kind as in ModelSettings::encoder_layers.
enum class Reach : char { row = 'r', function = 'f', column = 'c' };

struct Segments {
  std::vector<std::int32_t> order, offsets;
  std::int64_t cells_max = 0;
  SegmentView view() const { return {order.data(), offsets.data(), static_cast<std::int64_t>(offsets.size()) - 1, cells_max}; }
};

// The same for operations that know no ragged rows: S segments of up to L cells, padded.
struct Slots {
  std::int64_t segments = 0, longest = 0;
  at::Tensor positions_n;  // int64, of the rotation
  at::Tensor cell_m;  // int64 [S * L]: the cell in each slot, 0 in empty ones
  at::Tensor real_s11l;  // bool: which slots hold a cell; undefined where all do, since attention is faster without a mask
  at::Tensor cell_k, slot_k;  // int64: all cells of segments, and the slot of each
};

// B samples, T cells of the longest, N >= B * T rows of the flat tensors: a multiple of 64, so that the
// matrix products meet few shapes. Cell t of sample b is row b * T + t. Immutable once made.
struct Batch {
  std::int64_t samples = 0, columns = 0, rows = 0;
  at::Tensor ids_bt;  // int64; 0 beyond a sample's end
  std::array<at::Tensor, kPlaceTables> places_bt;  // the same: grid row, grid column, repeat, mark
  at::Tensor mask_bt, pad_bt;  // float: 1 on real cells; 0 there and -1e4 elsewhere
  std::vector<std::int32_t> lengths;
  std::vector<std::int32_t> flat_positions, row_positions;  // [N], of the rotary embedding
  Segments row_segments, function_segments, column_segments;
  std::optional<std::array<Slots, 3>> slots_of;  // on another device: rows, functions, columns

  const Segments& segments(Reach reach) const;
  const std::vector<std::int32_t>& positions(Reach reach) const;
  const Slots& slots(Reach reach) const;
};

// Layers keep the batch for their backward pass.
using SharedBatch = std::shared_ptr<const Batch>;

// `samples` must be without fault (sample_fault). At least one.
SharedBatch make_batch(std::span<const Sample> samples);
// The same with its tensors on `device`, for layers by operations (operations.hpp); the CPU is possible.
SharedBatch on_device(const Batch& batch, at::Device device);

// Nothing if the sample can be fed to a model with that vocabulary, else why not.
std::string sample_fault(const Sample& sample, std::uint32_t vocabulary);

// True if the span head can express the sample's edit, or if it is clean.
bool learnable(const Sample& sample);

}  // namespace mendel::model
