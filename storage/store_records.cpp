// Stored items drop what can be looked up again: of a batch of pairs only the ids are kept, and a retry
// counter not at all.
#include "storage/store_records.hpp"

#include <algorithm>

namespace mendel::storage {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kGridBytesMax = 1u << 20;  // a longer one in a stored row is damage

// The grid without the zeros that end it; `whole` becomes its length with them, if there are any.
std::string_view without_padding(std::string_view grid, std::uint32_t& whole) {
  const auto last = grid.find_last_not_of('\0');
  const auto kept = last == std::string_view::npos ? 0 : last + 1;
  if (kept < grid.size()) whole = static_cast<std::uint32_t>(grid.size());
  return grid.substr(0, kept);
}

void copy_ids(const PairBatch& from, PairBatch& to) {
  *to.mutable_pair_ids() = from.pair_ids();
  to.set_tokenizer(from.tokenizer());
}

}  // namespace

WorkItem stored_item(const WorkItem& item) {
  if (!item.has_validate() && !item.has_encode()) {
    WorkItem out = item;
    out.clear_attempt();
    return out;
  }
  WorkItem out;
  out.set_id(item.id());
  out.set_stage(item.stage());
  if (item.has_validate())
    copy_ids(item.validate(), *out.mutable_validate());
  else
    copy_ids(item.encode(), *out.mutable_encode());
  return out;
}

std::string stored_row(const Row& row) {
  std::uint32_t buggy_bytes = 0, fixed_bytes = 0;
  Row kept = row;
  kept.set_buggy_grid(std::string(without_padding(row.buggy_grid(), buggy_bytes)));
  kept.set_fixed_grid(std::string(without_padding(row.fixed_grid(), fixed_bytes)));
  StoredGrids grids;
  grids.set_buggy_bytes(buggy_bytes);
  grids.set_fixed_bytes(fixed_bytes);
  std::string out = kept.SerializeAsString();
  grids.AppendToString(&out);
  return out;
}

std::optional<Row> row_from(std::string_view stored) {
  Row row;
  StoredGrids grids;
  const auto size = static_cast<int>(stored.size());
  if (!row.ParseFromArray(stored.data(), size) || !grids.ParseFromArray(stored.data(), size)) return std::nullopt;
  if (std::max(grids.buggy_bytes(), grids.fixed_bytes()) > kGridBytesMax) return std::nullopt;
  row.DiscardUnknownFields();
  if (grids.buggy_bytes() > row.buggy_grid().size()) row.mutable_buggy_grid()->resize(grids.buggy_bytes(), '\0');
  if (grids.fixed_bytes() > row.fixed_grid().size()) row.mutable_fixed_grid()->resize(grids.fixed_bytes(), '\0');
  return row;
}

DoneRecord done_record(const DoneMark& mark) {
  DoneRecord record;
  for (const auto& id : mark.pairs) record.mutable_pair_ids()->append(id.view());
  for (const auto& [name, count] : mark.funnel) {
    auto& entry = *record.add_funnel();
    entry.set_name(name);
    entry.set_count(count);
  }
  return record;
}

DoneMark done_mark(const DoneRecord& record) {
  DoneMark mark;
  const std::string_view ids = record.pair_ids();
  for (std::size_t at = 0; at + kIdBytes <= ids.size(); at += kIdBytes) mark.pairs.push_back(*PairId::from_bytes(ids.substr(at, kIdBytes)));
  for (const auto& entry : record.funnel()) mark.funnel[entry.name()] = entry.count();
  return mark;
}

}  // namespace mendel::storage
