// Stored items drop what can be looked up again: of a batch of pairs only the ids are kept, and a retry
// counter not at all.
#include "storage/store_records.hpp"

namespace mendel::storage {
namespace {

constexpr std::size_t kIdBytes = 16;

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
