// Reads rows, checks that grids and edit agree, and packs what the model sees of them.
#include "actors/trainer/dataset_samples.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/trainer/code_view.hpp"
#include "proto/ids.hpp"

namespace mendel::trainer {
namespace {

static_assert(model::kPadId == encoder::kPad && model::kEosId == encoder::kEos && model::kBosId == encoder::kBos &&
                  model::kEolId == encoder::kEol,
              "models and encoder must mean the same by a special id");
static_assert(model::kGridRowsMax == encoder::kGridRows && model::kGridColumnsMax == encoder::kGridColumns);

constexpr std::size_t kDamagedRowsNamed = 20;

using Ids = std::vector<encoder::TokenId>;

Result<Ids> cells_of(const std::string& grid, std::uint32_t vocabulary) {
  std::vector<std::int16_t> ids(grid.size() / 2);
  for (std::size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<std::int16_t>(static_cast<std::uint8_t>(grid[2 * i]) | static_cast<std::uint8_t>(grid[2 * i + 1]) << 8);
  return encoder::grid_to_cells(ids, vocabulary);
}

}  // namespace

void PassedOver::add(const PassedOver& more) {
  several_edits += more.several_edits;
  documentation_only += more.documentation_only;
  over_cells_max += more.over_cells_max;
  damaged += more.damaged;
  for (std::size_t i = 0; i < more.damaged_rows.size() && damaged_rows.size() < kDamagedRowsNamed; ++i) damaged_rows.push_back(more.damaged_rows[i]);
}

DatasetSamples::DatasetSamples(std::string split, std::uint32_t cells_max, const encoder::Tokenizer& tokenizer, std::uint64_t rows_before)
    : split_(std::move(split)), cells_max_(std::min(cells_max, model::kCellsMax)), tokenizer_(tokenizer), lexical_marks_(tokenizer), rows_(rows_before) {}

void DatasetSamples::close() {
  cells_.shrink_to_fit();
  tokens_.shrink_to_fit();
  begins_.shrink_to_fit();
  entries_.shrink_to_fit();
}

std::uint64_t DatasetSamples::bytes() const {
  return (cells_.size() + tokens_.size()) * sizeof(std::int16_t) + begins_.size() * sizeof(std::uint64_t) + entries_.size() * sizeof(Entry);
}

void DatasetSamples::add(const Row& row) {
  ++rows_;
  if (row.edits_size() > 1) {
    ++passed_over_.several_edits;
    return;
  }
  if (const auto wrong = add_checked(row); !wrong.empty()) {
    ++passed_over_.damaged;
    if (passed_over_.damaged_rows.size() < kDamagedRowsNamed)
      passed_over_.damaged_rows.push_back(split_ + " row " + std::to_string(rows_) + " (" + row.id().substr(0, 32) + "): " + wrong);
  }
}

// Answers what is wrong with the row, or nothing.
std::string DatasetSamples::add_checked(const Row& row) {
  const auto id = PairId::from_hex(row.id());
  if (!id) return "id: not 32 hex digits";
  const auto buggy = cells_of(row.buggy_grid(), tokenizer_.size());
  if (!buggy) return "buggy_grid: " + buggy.error().what;
  const auto fixed = cells_of(row.fixed_grid(), tokenizer_.size());
  if (!fixed) return "fixed_grid: " + fixed.error().what;
  Ids mended = *buggy;
  if (row.edits_size() == 1) {
    const auto& edit = row.edits(0);
    if (edit.first() > edit.end() || edit.end() > buggy->size()) return "edits: the span lies outside the cells";
    mended = encoder::apply_edit(*buggy, {edit.first(), edit.end(), {edit.tokens().begin(), edit.tokens().end()}});
    if (mended == *buggy) return "edits: the edit changes nothing";
  }
  if (mended != *fixed) return "edits: they do not turn buggy_grid into fixed_grid";
  const auto seen = CodeView::of(tokenizer_, *buggy);
  if (!seen) return "buggy_grid: " + seen.error().what;
  std::optional<encoder::SpanEdit> edit;
  if (row.edits_size() == 1) {
    const auto wanted = CodeView::of(tokenizer_, *fixed);
    if (!wanted) return "fixed_grid: " + wanted.error().what;
    edit = view_edit(*seen, *wanted);
    if (!edit) {
      ++passed_over_.documentation_only;
      return {};
    }
  }
  if (seen->cells().size() > cells_max_) ++passed_over_.over_cells_max;
  else keep(*id, row, seen->cells(), edit);
  return {};
}

void DatasetSamples::keep(const PairId& id, const Row& row, const Ids& cells, const std::optional<encoder::SpanEdit>& edit) {
  Entry entry{static_cast<std::uint32_t>(tokens_.size()), 0, 0, edit.has_value(), word(row.bug_class()), word(row.bug_type()), word(row.source()), id.bytes,
              static_cast<std::uint8_t>(row.level()), static_cast<float>(row.difficulty())};
  if (edit) {
    entry.first = static_cast<std::uint16_t>(edit->first);
    entry.end = static_cast<std::uint16_t>(edit->end);
    for (const auto token : edit->tokens) tokens_.push_back(static_cast<std::int16_t>(token));
  } else {
    ++clean_;
  }
  for (const auto cell : cells) cells_.push_back(static_cast<std::int16_t>(cell));
  begins_.push_back(cells_.size());
  entries_.push_back(entry);
}

std::uint16_t DatasetSamples::word(const std::string& text) {
  const auto [at, fresh] = numbers_.try_emplace(text, static_cast<std::uint16_t>(words_.size()));
  if (fresh) words_.push_back(text);
  return at->second;
}

std::uint32_t DatasetSamples::cells(std::uint64_t index) const { return static_cast<std::uint32_t>(begins_[index + 1] - begins_[index]); }

Ids DatasetSamples::cell_ids(std::uint64_t index) const {
  const auto at = [&](std::uint64_t i) { return cells_.begin() + static_cast<std::ptrdiff_t>(begins_[i]); };
  return {at(index), at(index + 1)};
}

std::optional<model::SpanEdit> DatasetSamples::edit(std::uint64_t index) const {
  const auto& entry = entries_[index];
  if (!entry.has_edit) return std::nullopt;
  const std::uint64_t end = index + 1 < entries_.size() ? entries_[index + 1].tokens_begin : tokens_.size();
  const auto at = [&](std::uint64_t i) { return tokens_.begin() + static_cast<std::ptrdiff_t>(i); };
  return model::SpanEdit{entry.first, entry.end, {at(entry.tokens_begin), at(end)}};
}

std::uint32_t DatasetSamples::fixed_cells(std::uint64_t index) const {
  const auto& entry = entries_[index];
  if (!entry.has_edit) return cells(index);
  const std::uint64_t end = index + 1 < entries_.size() ? entries_[index + 1].tokens_begin : tokens_.size();
  return cells(index) - (entry.end - entry.first) + static_cast<std::uint32_t>(end - entry.tokens_begin);
}

model::Sample DatasetSamples::seen(const Ids& cells, std::optional<model::SpanEdit> edit) const {
  model::Sample out;
  out.cells.assign(cells.begin(), cells.end());
  for (const auto& position : encoder::positions(cells)) {
    out.rows.push_back(static_cast<std::uint8_t>(position.row));
    out.columns.push_back(static_cast<std::uint8_t>(position.column));
  }
  out.marks = lexical_marks_.of(cells);
  out.edit = std::move(edit);
  return out;
}

model::Sample DatasetSamples::sample(std::uint64_t index) const { return seen(cell_ids(index), edit(index)); }

SampleLabels DatasetSamples::labels(std::uint64_t index) const {
  const auto& entry = entries_[index];
  return {PairId{entry.id}.hex(), words_[entry.bug_class], words_[entry.bug_type], words_[entry.source], entry.level, entry.difficulty};
}

void SampleKinds::add(const DatasetSamples& samples) {
  entries_.reserve(entries_.size() + samples.size());
  for (std::uint64_t i = 0; i < samples.size(); ++i) {
    const auto labels = samples.labels(i);
    std::uint32_t kind = 0;
    if (samples.has_bug(i)) {
      const auto [at, fresh] = numbers_.try_emplace({labels.bug_class, labels.bug_type, source_group(labels.source)}, static_cast<std::uint32_t>(kinds_.size() + 1));
      if (fresh) kinds_.push_back(at->first);
      kind = at->second;
    }
    entries_.push_back({static_cast<float>(labels.difficulty), kind});
  }
  clean_ += samples.clean();
}

std::map<std::string, std::string> TrainingData::facts() const {
  return {{"vocabulary_hash", tokenizer.hash()}, {"merges", tokenizer.merges()}, {"dataset_digest", reader->digest()}};
}

Result<TrainingData> open_training_data(const std::filesystem::path& dataset) {
  auto reader = storage::DatasetReader::open(dataset);
  if (!reader) return reader.error();
  auto tokenizer = encoder::Tokenizer::load(dataset);
  if (!tokenizer) return tokenizer.error();
  const auto manifest = nlohmann::json::parse((*reader)->manifest_json(), nullptr, false);
  const auto said = manifest.is_object() && manifest.contains("tokenizer") ? manifest["tokenizer"].value("hash", std::string()) : std::string();
  if (said != tokenizer->hash())
    return Error{ErrorCode::corrupt, (dataset / "tokenizer.json").string() + ": has the hash " + tokenizer->hash() + ", manifest.json says " + said +
                                         ": the files are not of one dataset, build it again"};
  return TrainingData{std::move(*reader), std::move(*tokenizer)};
}

Result<std::unique_ptr<DatasetSamples>> load_samples(const TrainingData& data, storage::SplitName split, std::uint32_t cells_max, std::uint64_t rows_max) {
  const auto rows = data.reader->rows(split);
  const bool some = rows_max > 0 && rows_max < rows;
  const auto below = some ? static_cast<std::uint64_t>(static_cast<double>(rows_max) / static_cast<double>(rows) * 0x1p64) : 0;
  auto samples = std::make_unique<DatasetSamples>(storage::name_of(split), cells_max, data.tokenizer);
  const auto read = data.reader->each(split, [&](const Row& row) {
    if (!some || hash64(row.id()) < below) samples->add(row);
    return true;
  });
  if (!read) return read.error();
  return samples;
}

std::string describe(const PassedOver& passed_over) {
  std::string out;
  const auto say = [&](std::uint64_t count, const char* what) {
    if (count > 0) out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  say(passed_over.over_cells_max, "over train.cells_max");
  say(passed_over.several_edits, "with several edits");
  say(passed_over.documentation_only, "with changes in documentation alone");
  say(passed_over.damaged, "damaged");
  return out;
}

const char* source_group(const std::string& source) {
  for (const char* alone : {"mutation", "linter", "release"})
    if (source == alone) return alone;
  return "mined";
}

}  // namespace mendel::trainer
