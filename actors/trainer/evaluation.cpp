// Samples go through the model in batches; each outcome is judged by cells and by CPython.
#include "actors/trainer/evaluation.hpp"

#include <cmath>
#include <algorithm>
#include <numeric>
#include <limits>

#include "actors/encoder/grid.hpp"
#include "actors/trainer/model_edit.hpp"
#include "actors/trainer/model_failure.hpp"

namespace mendel::trainer {
namespace {

constexpr std::uint64_t kBatch = 128;  // samples that are looked at together
constexpr std::uint32_t kCandidates = 5;

using Ids = std::vector<encoder::TokenId>;

Ids ids_of(const model::Sample& sample) { return {sample.cells.begin(), sample.cells.end()}; }

bool fits(const model::SpanEdit& edit, const Ids& cells) { return edit.first <= edit.end && edit.end <= cells.size(); }

Hit hit_of(const model::Sample& sample, const Ids& cells, const model::SpanEdit& proposed) {
  if (!sample.edit) return Hit::elsewhere;
  if (applied(cells, proposed) == applied(cells, *sample.edit)) return Hit::exact;
  if (proposed.first == sample.edit->first) return Hit::right_cell;
  const auto row = [&](std::uint32_t cell) { return sample.rows[std::min<std::size_t>(cell, sample.rows.size() - 1)]; };
  return row(proposed.first) == row(sample.edit->first) ? Hit::right_row : Hit::elsewhere;
}

// Texts to be judged in one call.
class ParseQueue {
 public:
  // Answers the place of the verdict. Cells that are no text do not parse.
  std::size_t add(const encoder::Tokenizer& tokenizer, const Ids& cells) {
    auto text = encoder::cells_to_text(tokenizer, cells, encoder::Spelling::any);
    texts_.push_back(text ? std::move(*text) : "(");
    return texts_.size() - 1;
  }

  void judge(syntax::PythonChecker& checker) {
    const std::vector<std::string_view> views(texts_.begin(), texts_.end());
    for (const auto& verdict : checker.check(views)) parses_.push_back(verdict.kind == syntax::Validity::Kind::valid);
  }
  bool parses(std::size_t place) const { return parses_[place]; }

 private:
  std::vector<std::string> texts_;
  std::vector<bool> parses_;
};

// Where the verdicts of one sample stand in the queue.
struct Places {
  std::size_t before, fixed, after;
};

SampleOutcome outcome_of(const EvaluationInput& input, std::uint64_t index, const model::Sample& sample, const std::vector<model::Proposal>& proposals) {
  SampleOutcome out;
  out.labels = input.samples.labels(index);
  out.has_bug = sample.edit.has_value();
  out.cells = input.samples.cells(index);
  out.margin = std::numeric_limits<double>::infinity();
  const Ids cells = ids_of(sample);
  if (proposals.empty() || !fits(proposals.front().edit, cells)) return out;
  out.margin = proposals.front().margin;
  out.hit = hit_of(sample, cells, proposals.front().edit);
  return out;
}

Places queue_texts(const encoder::Tokenizer& tokenizer, const model::Sample& sample, const std::vector<model::Proposal>& proposals, ParseQueue& queue) {
  const Ids cells = ids_of(sample);
  Places out{};
  out.before = queue.add(tokenizer, cells);
  out.fixed = sample.edit ? queue.add(tokenizer, applied(cells, *sample.edit)) : out.before;
  const bool proposed = !proposals.empty() && fits(proposals.front().edit, cells);
  out.after = proposed ? queue.add(tokenizer, applied(cells, proposals.front().edit)) : out.before;
  return out;
}

// A text that need not parse on its own is not asked to: its first candidate counts.
void add_verdicts(const Places& places, const ParseQueue& queue, SampleOutcome& out) {
  out.can_parse = queue.parses(places.fixed);
  out.parses_before = queue.parses(places.before);
  out.parses_after = queue.parses(places.after);
  out.checked = !std::isinf(out.margin) && (out.parses_after || !out.can_parse);
  out.checked_hit = out.hit;
}

// Where the best edit does not parse, further candidates are asked for, as `mendel repair` does.
Outcome check_others(const EvaluationInput& input, const std::vector<model::Sample>& batch, std::span<SampleOutcome> outcomes) {
  std::vector<std::size_t> asked;
  std::vector<model::Sample> samples;
  for (std::size_t k = 0; k < batch.size(); ++k)
    if (!outcomes[k].checked && outcomes[k].has_bug && !std::isinf(outcomes[k].margin)) asked.push_back(k), samples.push_back(batch[k]);
  if (samples.empty()) return Done{};
  const auto proposals = input.model.propose(samples, kCandidates);
  if (!proposals) return error_of(proposals.failure());
  ParseQueue queue;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Ids cells = ids_of(samples[i]);
    for (const auto& proposal : (*proposals)[i]) places.push_back(queue.add(input.tokenizer, fits(proposal.edit, cells) ? applied(cells, proposal.edit) : Ids()));
  }
  queue.judge(input.checker);
  auto place = places.begin();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    auto& outcome = outcomes[asked[i]];
    for (const auto& proposal : (*proposals)[i])
      if (queue.parses(*place++) && !outcome.checked) {
        outcome.checked = true;
        outcome.checked_hit = hit_of(samples[i], ids_of(samples[i]), proposal.edit);
      }
  }
  return Done{};
}

}  // namespace

std::string AlarmLevel::name() const {
  char text[32];
  std::snprintf(text, sizeof text, "at_%g", 100 * share);
  return text;
}

Result<std::vector<SampleOutcome>> evaluate(const EvaluationInput& input) {
  std::vector<SampleOutcome> out;
  out.reserve(input.samples.size());
  for (std::uint64_t begin = 0; begin < input.samples.size(); begin += kBatch) {
    if (input.stop && input.stop()) return Error{ErrorCode::interrupted, "interrupted"};
    std::vector<model::Sample> batch;
    for (auto i = begin; i < std::min(begin + kBatch, input.samples.size()); ++i) batch.push_back(input.samples.sample(i));
    const auto proposals = input.model.propose(batch, 1);
    if (!proposals) return error_of(proposals.failure());
    ParseQueue queue;
    std::vector<Places> places;
    for (std::size_t k = 0; k < batch.size(); ++k) {
      out.push_back(outcome_of(input, begin + k, batch[k], (*proposals)[k]));
      places.push_back(queue_texts(input.tokenizer, batch[k], (*proposals)[k], queue));
    }
    queue.judge(input.checker);
    for (std::size_t k = 0; k < batch.size(); ++k) add_verdicts(places[k], queue, out[begin + k]);
    if (auto checked = check_others(input, batch, std::span(out).subspan(begin)); !checked) return checked.error();
    if (input.progress) input.progress(out.size());
  }
  return out;
}

std::pair<double, double> Share::interval() const {
  if (n == 0) return {0, 1};
  constexpr double z = 1.959963984540054;
  const double total = static_cast<double>(n), p = value();
  const double scale = 1 + z * z / total;
  const double middle = (p + z * z / (2 * total)) / scale;
  const double half = z / scale * std::sqrt(p * (1 - p) / total + z * z / (4 * total * total));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

BugMetrics bug_metrics(const std::vector<const SampleOutcome*>& bugs, const std::vector<AlarmLevel>& levels) {
  BugMetrics out;
  out.n = bugs.size();
  out.levels.resize(levels.size());
  for (const auto* bug : bugs) {
    out.identity_exact.add(!bug->has_bug);
    out.exact.add(bug->hit == Hit::exact);
    out.cell.add(bug->hit <= Hit::right_cell);
    out.row.add(bug->hit <= Hit::right_row);
    out.repaired.add(bug->checked && bug->checked_hit == Hit::exact);
    if (bug->can_parse) {
      out.identity_parses.add(bug->parses_before);
      out.parses.add(bug->parses_after);
    }
    for (std::size_t k = 0; k < levels.size(); ++k) {
      const bool edited = bug->margin <= levels[k].margin && !std::isinf(bug->margin);
      out.levels[k].edited.add(edited);
      out.levels[k].exact.add(edited && bug->hit == Hit::exact);
      out.levels[k].repaired.add((edited || bug->certain()) && bug->checked && bug->checked_hit == Hit::exact);
      if (bug->can_parse) out.levels[k].parses.add(edited ? bug->parses_after : bug->parses_before);
    }
  }
  return out;
}

namespace {

std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (std::size_t i = first; i < end; ++i) out[order[i]] = static_cast<double>(first + end - 1) / 2;
  }
  return out;
}

}  // namespace

std::optional<double> rank_correlation(std::span<const double> a, std::span<const double> b) {
  const auto ranks_a = ranks_of(a), ranks_b = ranks_of(b);
  const double mean = (static_cast<double>(a.size()) - 1) / 2;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < ranks_a.size() && i < ranks_b.size(); ++i) {
    const double x = ranks_a[i] - mean, y = ranks_b[i] - mean;
    ab += x * y, aa += x * x, bb += y * y;
  }
  if (!(aa > 0 && bb > 0)) return std::nullopt;
  return ab / std::sqrt(aa * bb);
}

}  // namespace mendel::trainer
