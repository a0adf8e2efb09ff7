// Rows in, rows out, and as numbers of a state file.
#include "carried_rows.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace mendel::model {
namespace {

constexpr std::uint64_t kHaltStream = 0x68616c74;  // of the hash, and one a step
constexpr const char *kRows = "carried.rows", *kZ = "carried.z", *kY = "carried.y";
constexpr std::int32_t kWaits = -1;  // steps of a sample that waits

double unit(std::uint64_t hash) { return static_cast<double>(hash >> 11) * 0x1p-53; }

std::uint32_t steps_least(const Halting& h, std::uint64_t number, std::size_t row) {
  const auto drawn = mix_hash(h.seed, kHaltStream + number, row);
  if (h.steps_max < 2 || unit(drawn) >= h.exploration) return 0;
  return 2 + static_cast<std::uint32_t>(mix_hash(h.seed, drawn, row) % (h.steps_max - 1));
}

// STEPS, T, then T times cell, row, column and mark, then 0 or 1 and first, end, count and tokens of the edit.
void write_row(std::vector<std::int32_t>& out, std::int32_t steps, const Sample& s) {
  out.push_back(steps);
  out.push_back(static_cast<std::int32_t>(s.cells.size()));
  for (std::size_t t = 0; t < s.cells.size(); ++t)
    for (const std::int32_t value : {std::int32_t{s.cells[t]}, std::int32_t{s.rows[t]}, std::int32_t{s.columns[t]}, s.marks.empty() ? 0 : std::int32_t{s.marks[t]}}) out.push_back(value);
  out.push_back(s.edit ? 1 : 0);
  if (!s.edit) return;
  for (const auto value : {s.edit->first, s.edit->end, static_cast<std::uint32_t>(s.edit->tokens.size())}) out.push_back(static_cast<std::int32_t>(value));
  out.insert(out.end(), s.edit->tokens.begin(), s.edit->tokens.end());
}

// Takes rows off a list of numbers; any that cannot be are a failure, told once at the end.
class RowReader {
 public:
  explicit RowReader(std::span<const std::int32_t> numbers) : left_(numbers) {}
  bool more() const { return sound_ && !left_.empty(); }
  bool sound() const { return sound_; }

  std::int32_t number(std::int64_t least, std::int64_t most) {
    if (left_.empty() || left_[0] < least || left_[0] > most) {
      sound_ = false;
      return static_cast<std::int32_t>(least);
    }
    const auto out = left_[0];
    left_ = left_.subspan(1);
    return out;
  }

  Sample sample() {
    Sample out;
    const auto cells = number(1, kCellsMax);
    for (std::int32_t t = 0; sound_ && t < cells; ++t) {
      out.cells.push_back(static_cast<std::int16_t>(number(0, INT16_MAX)));
      out.rows.push_back(static_cast<std::uint8_t>(number(0, kGridRowsMax - 1)));
      out.columns.push_back(static_cast<std::uint8_t>(number(0, kGridColumnsMax - 1)));
      out.marks.push_back(static_cast<std::uint8_t>(number(0, kCallerMarks - 1)));
    }
    if (number(0, 1) == 0) return out;
    SpanEdit edit;
    edit.first = static_cast<std::uint32_t>(number(0, cells));
    edit.end = static_cast<std::uint32_t>(number(edit.first, cells));
    for (auto n = number(0, kCellsMax); sound_ && n > 0; --n) edit.tokens.push_back(number(0, INT16_MAX));
    out.edit = std::move(edit);
    return out;
  }

 private:
  std::span<const std::int32_t> left_;
  bool sound_ = true;
};

}  // namespace

bool CarriedRows::fits(const Sample& next, const BatchLimits& limits) const {
  if (samples_.empty()) return true;
  if (limits.samples > 0) return samples_.size() < limits.samples;
  auto cells = next.cells.size();
  for (const auto& s : samples_) cells += s.cells.size();
  return cells <= limits.cells;
}

bool CarriedRows::wants_more(const BatchLimits& limits) const {
  if (!waiting_.empty()) return false;
  // Where not one token more would fit, no sample does.
  Sample least;
  least.cells.resize(1);
  return fits(least, limits);
}

void CarriedRows::wait(std::vector<Sample> samples) { std::move(samples.begin(), samples.end(), std::back_inserter(waiting_)); }

std::size_t CarriedRows::let_in(const BatchLimits& limits) {
  std::size_t out = 0;
  for (; !waiting_.empty() && fits(waiting_.front(), limits); ++out) {
    const auto length = waiting_.front().cells.size();
    const auto place = std::upper_bound(samples_.begin(), samples_.end(), length, [](std::size_t l, const Sample& s) { return l < s.cells.size(); }) - samples_.begin();
    samples_.insert(samples_.begin() + place, std::move(waiting_.front()));
    states_.insert(states_.begin() + place, RowState{});
    steps_.insert(steps_.begin() + place, 0);
    waiting_.pop_front();
  }
  return out;
}

void CarriedRows::halt(const Halting& halting, std::uint64_t number) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const auto steps = ++steps_[i];
    const bool halted = (steps >= halting.steps_max || states_[i].halt_logit > 0) && steps >= steps_least(halting, number, i);
    if (halted) continue;
    if (kept != i) {
      samples_[kept] = std::move(samples_[i]);
      states_[kept] = std::move(states_[i]);
      steps_[kept] = steps;
    }
    ++kept;
  }
  samples_.resize(kept);
  states_.resize(kept);
  steps_.resize(kept);
}

void CarriedRows::restart() {
  std::fill(states_.begin(), states_.end(), RowState{});
  std::fill(steps_.begin(), steps_.end(), 0);
}

CarriedRows::Tensors CarriedRows::tensors() const {
  std::vector<std::int32_t> rows;
  std::vector<at::Tensor> z, y;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    write_row(rows, static_cast<std::int32_t>(steps_[i]), samples_[i]);
    if (!states_[i].z_td.defined()) continue;
    z.push_back(states_[i].z_td);
    y.push_back(states_[i].y_td);
  }
  for (const auto& s : waiting_) write_row(rows, kWaits, s);
  Tensors out;
  if (rows.empty()) return out;
  out.rows = at::tensor(rows, at::kInt);
  if (z.empty()) return out;
  out.z_md = at::cat(z).cpu().contiguous();
  out.y_md = at::cat(y).cpu().contiguous();
  return out;
}

std::vector<TensorBytes> CarriedRows::Tensors::bytes() const {
  std::vector<TensorBytes> out;
  if (rows.defined()) out.push_back({kRows, "I32", rows.sizes().vec(), rows.data_ptr()});
  for (const auto& [name, t] : {std::pair{kZ, &z_md}, std::pair{kY, &y_md}})
    if (t->defined()) out.push_back({name, "F32", t->sizes().vec(), t->data_ptr()});
  return out;
}

Expected<CarriedRows> CarriedRows::read(const TensorFile& file, std::int64_t width, at::Device device) {
  CarriedRows out;
  const auto* entry = file.find(kRows);
  if (!entry) return out;
  const auto wrong = [&](const char* name) { return Failure{Fault::corrupt, file.name() + ": tensor " + name + " holds no rows of a run with these settings; the file is damaged"}; };
  if (entry->type != "I32" || entry->shape.size() != 1) return wrong(kRows);
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(entry->shape[0]));
  if (auto read = file.read(*entry, numbers.data()); !read) return read.failure();
  std::int64_t cells = 0;  // that have a state
  RowReader in(numbers);
  while (in.more()) {
    const auto steps = in.number(kWaits, INT32_MAX);
    auto sample = in.sample();
    if (steps > 0) cells += static_cast<std::int64_t>(sample.cells.size());
    if (steps == kWaits) {
      out.waiting_.push_back(std::move(sample));
    } else {
      out.samples_.push_back(std::move(sample));
      out.states_.emplace_back();
      out.steps_.push_back(static_cast<std::uint32_t>(steps));
    }
  }
  if (!in.sound()) return wrong(kRows);
  if (cells == 0) return out;
  at::Tensor state[2];
  for (const int k : {0, 1}) {
    const auto* name = k == 0 ? kZ : kY;
    const auto* own = file.find(name);
    if (!own || own->type != "F32" || own->shape != std::vector<std::int64_t>{cells, width}) return wrong(name);
    state[k] = at::empty({cells, width});
    if (auto read = file.read(*own, state[k].data_ptr<float>()); !read) return read.failure();
    state[k] = state[k].to(device);
  }
  std::int64_t first = 0;
  for (std::size_t i = 0; i < out.samples_.size(); ++i) {
    if (out.steps_[i] == 0) continue;
    const auto length = static_cast<std::int64_t>(out.samples_[i].cells.size());
    out.states_[i].z_td = state[0].narrow(0, first, length).clone();
    out.states_[i].y_td = state[1].narrow(0, first, length).clone();
    first += length;
  }
  return out;
}

}  // namespace mendel::model
