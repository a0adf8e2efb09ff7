// Cells of samples laid side by side, and who attends to whom.
#include "batch.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cassert>
#include <numeric>
#include <unordered_map>

namespace mendel::model {
namespace {

constexpr std::int64_t kRowMultiple = 64;

// Cells of equal key, in order of the keys, become a segment each.
void append_segments(std::span<const std::uint8_t> keys, std::int64_t first, Segments& out) {
  std::vector<std::int32_t> cells(keys.size());
  std::iota(cells.begin(), cells.end(), 0);
  const auto key = [&](std::int32_t cell) { return keys[static_cast<std::size_t>(cell)]; };
  std::stable_sort(cells.begin(), cells.end(), [&](auto a, auto b) { return key(a) < key(b); });
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out.order.push_back(static_cast<std::int32_t>(first) + cells[i]);
    if (i + 1 == cells.size() || key(cells[i]) != key(cells[i + 1])) {
      const auto end = static_cast<std::int32_t>(out.order.size());
      out.cells_max = std::max<std::int64_t>(out.cells_max, end - out.offsets.back());
      out.offsets.push_back(end);
    }
  }
}

// How far away the same token stands: 0 nowhere, 1 in the same row, 2 within three rows, 3 farther.
std::int64_t distance_mark(std::int32_t here, std::int32_t there) {
  const auto rows = std::abs(here - there);
  return there < 0 ? 0 : rows == 0 ? 1 : rows <= 3 ? 2 : 3;
}

// The mark of each cell: 16 * (the pair with the cell before stands elsewhere too) + 4 * (same token before)
// + (same token behind). A name that is used once, first or last here is told by a look at its own cell.
void write_marks(const Sample& sample, std::int64_t* marks) {
  const auto size = sample.cells.size();
  std::unordered_map<std::int32_t, std::int32_t> last_row, pairs;
  const auto pair_of = [&](std::size_t t) { return (t == 0 ? 0 : sample.cells[t - 1]) << 16 | sample.cells[t]; };
  for (std::size_t t = 0; t < size; ++t) {
    const auto [at, fresh] = last_row.try_emplace(sample.cells[t], -1);
    marks[t] = 4 * distance_mark(sample.rows[t], at->second);
    at->second = sample.rows[t];
    ++pairs[pair_of(t)];
  }
  last_row.clear();
  for (std::size_t t = size; t-- > 0;) {
    const auto [at, fresh] = last_row.try_emplace(sample.cells[t], -1);
    marks[t] += distance_mark(sample.rows[t], at->second) + 16 * (pairs[pair_of(t)] > 1);
    at->second = sample.rows[t];
  }
}

}  // namespace

const Segments& Batch::segments(Reach reach) const {
  return reach == Reach::row ? row_segments : reach == Reach::column ? column_segments : function_segments;
}

const std::vector<std::int32_t>& Batch::positions(Reach reach) const {
  return reach == Reach::column ? row_positions : flat_positions;
}

const Slots& Batch::slots(Reach reach) const {
  return (*slots_of)[reach == Reach::row ? 0 : reach == Reach::function ? 1 : 2];
}

namespace {

Slots make_slots(const Segments& segments, const std::vector<std::int32_t>& positions, at::Device device) {
  Slots out;
  out.segments = static_cast<std::int64_t>(segments.offsets.size()) - 1;
  out.longest = segments.cells_max;
  std::vector<std::int64_t> slot(segments.order.size());
  for (std::size_t s = 0; s + 1 < segments.offsets.size(); ++s)
    for (auto i = segments.offsets[s]; i < segments.offsets[s + 1]; ++i)
      slot[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(s) * out.longest + i - segments.offsets[s];
  const auto whole = [](const auto& values) { return at::tensor(std::vector<std::int64_t>(values.begin(), values.end()), at::kLong); };
  const auto cell_k = whole(segments.order), slot_k = whole(slot);
  const auto all = out.segments * out.longest;
  out.positions_n = whole(positions).to(device);
  out.cell_m = at::zeros({all}, at::kLong).index_copy(0, slot_k, cell_k).to(device);
  if (cell_k.numel() < all) out.real_s11l = at::zeros({all}, at::kBool).index_fill(0, slot_k, true).view({out.segments, 1, 1, out.longest}).to(device);
  out.cell_k = cell_k.to(device);
  out.slot_k = slot_k.to(device);
  return out;
}

}  // namespace

SharedBatch on_device(const Batch& batch, at::Device device) {
  const auto moved = std::make_shared<Batch>(batch);
  for (auto* t : {&moved->ids_bt, &moved->mask_bt, &moved->pad_bt}) *t = t->to(device);
  for (auto& t : moved->places_bt) t = t.to(device);
  moved->slots_of = {make_slots(batch.row_segments, batch.flat_positions, device), make_slots(batch.function_segments, batch.flat_positions, device),
                     make_slots(batch.column_segments, batch.row_positions, device)};
  return moved;
}

SharedBatch make_batch(std::span<const Sample> samples) {
  assert(!samples.empty());
  const auto made = std::make_shared<Batch>();
  auto& b = *made;
  b.samples = static_cast<std::int64_t>(samples.size());
  for (const auto& s : samples) b.columns = std::max(b.columns, static_cast<std::int64_t>(s.cells.size()));
  b.rows = (b.samples * b.columns + kRowMultiple - 1) / kRowMultiple * kRowMultiple;
  const auto whole = at::zeros({1 + kPlaceTables, b.samples, b.columns}, at::kLong);
  auto* ids = whole.data_ptr<std::int64_t>();
  const auto plane = b.samples * b.columns;
  b.mask_bt = at::zeros({b.samples, b.columns});
  auto* mask = b.mask_bt.data_ptr<float>();
  b.flat_positions.resize(static_cast<std::size_t>(b.rows));
  b.row_positions.resize(static_cast<std::size_t>(b.rows));
  for (auto* s : {&b.row_segments, &b.function_segments, &b.column_segments}) s->offsets.push_back(0);
  std::vector<std::uint8_t> same;
  for (std::int64_t i = 0; i < b.samples; ++i) {
    const auto& sample = samples[static_cast<std::size_t>(i)];
    const auto first = i * b.columns;
    for (std::size_t t = 0; t < sample.cells.size(); ++t) {
      const auto at = first + static_cast<std::int64_t>(t);
      ids[at] = sample.cells[t];
      ids[plane + at] = sample.rows[t];
      ids[2 * plane + at] = sample.columns[t];
      ids[4 * plane + at] = sample.marks.empty() ? 0 : sample.marks[t];
      mask[at] = 1;
      b.flat_positions[static_cast<std::size_t>(at)] = static_cast<std::int32_t>(t);
      b.row_positions[static_cast<std::size_t>(at)] = sample.rows[t];
    }
    write_marks(sample, ids + 3 * plane + first);
    b.lengths.push_back(static_cast<std::int32_t>(sample.cells.size()));
    same.assign(sample.cells.size(), 0);
    append_segments(sample.rows, first, b.row_segments);
    append_segments(sample.columns, first, b.column_segments);
    append_segments(same, first, b.function_segments);
  }
  b.ids_bt = whole[0];
  for (std::size_t i = 0; i < kPlaceTables; ++i) b.places_bt[i] = whole[static_cast<std::int64_t>(i) + 1];
  b.pad_bt = (b.mask_bt - 1) * 1e4;
  return made;
}

std::string sample_fault(const Sample& sample, std::uint32_t vocabulary) {
  const auto size = sample.cells.size();
  if (size == 0 || size > kCellsMax) return "has " + std::to_string(size) + " cells; 1 to " + std::to_string(kCellsMax) + " are allowed";
  if (!sample.marks.empty() && sample.marks.size() != size) return "has marks of another length than its cells";
  if (sample.rows.size() != size || sample.columns.size() != size) return "has rows or columns of another length than its cells";
  const auto bad_id = [&](std::int32_t id) { return id <= kPadId || static_cast<std::uint32_t>(id) >= vocabulary; };
  for (std::size_t t = 0; t < size; ++t) {
    if (bad_id(sample.cells[t]))
      return "has token id " + std::to_string(sample.cells[t]) + " at cell " + std::to_string(t) + ", the vocabulary has 1 to " +
             std::to_string(vocabulary - 1);
    if (!sample.marks.empty() && sample.marks[t] >= kCallerMarks)
      return "has mark " + std::to_string(sample.marks[t]) + " at cell " + std::to_string(t) + "; 0 to 15 are allowed";
    if (sample.rows[t] >= kGridRowsMax || sample.columns[t] >= kGridColumnsMax)
      return "has cell " + std::to_string(t) + " outside the grid";
  }
  if (!sample.edit) return {};
  const auto& edit = *sample.edit;
  if (edit.first > edit.end || edit.end > size || edit.first >= size) return "has an edit outside its cells";
  if (edit.first == edit.end && edit.tokens.empty()) return "has an edit that changes nothing";
  if (std::any_of(edit.tokens.begin(), edit.tokens.end(), [&](auto id) { return id == kEosId || bad_id(id); }))
    return "has a new token outside the vocabulary";
  return {};
}

bool same_repair(const std::vector<std::int16_t>& cells, const SpanEdit& a, const SpanEdit& b) {
  const auto applied = [&](const SpanEdit& edit) {
    std::vector<std::int32_t> out(cells.begin(), cells.begin() + edit.first);
    out.insert(out.end(), edit.tokens.begin(), edit.tokens.end());
    out.insert(out.end(), cells.begin() + edit.end, cells.end());
    return out;
  };
  return a == b || applied(a) == applied(b);
}

bool learnable(const Sample& sample) {
  return !sample.edit || (sample.edit->end - sample.edit->first <= kDeletedMax && sample.edit->tokens.size() <= kNewTokensMax);
}

}  // namespace mendel::model
