#include "actors/trainer/evaluation.hpp"

#include <cmath>
#include <limits>

#include "actors/encoder/grid.hpp"
#include "actors/trainer/model_failure.hpp"

namespace mendel::trainer {
namespace {

constexpr std::uint64_t kBatch = 128;  // samples that are looked at together

using Ids = std::vector<encoder::TokenId>;

Ids ids_of(const model::Sample& sample) { return {sample.cells.begin(), sample.cells.end()}; }

bool fits(const model::SpanEdit& edit, const Ids& cells) { return edit.first <= edit.end && edit.end <= cells.size(); }

Ids applied(const Ids& cells, const model::SpanEdit& edit) { return encoder::apply_edit(cells, {edit.first, edit.end, edit.tokens}); }

Hit hit_of(const model::Sample& sample, const Ids& cells, const model::SpanEdit& proposed) {
  if (!sample.edit) return Hit::elsewhere;
  if (applied(cells, proposed) == applied(cells, *sample.edit)) return Hit::exact;
  if (proposed.first == sample.edit->first) return Hit::right_cell;
  const auto row = [&](std::uint32_t cell) { return sample.rows[std::min<std::size_t>(cell, sample.rows.size() - 1)]; };
  return row(proposed.first) == row(sample.edit->first) ? Hit::right_row : Hit::elsewhere;
}

// Texts to be judged in one call, each with where its verdict goes.
class ParseQueue {
 public:
  // Cells that are no text do not parse.
  void add(const encoder::Tokenizer& tokenizer, const Ids& cells, bool& verdict) {
    auto text = encoder::cells_to_text(tokenizer, cells, encoder::Spelling::any);
    if (!text) return;
    texts_.push_back(std::move(*text));
    verdicts_.push_back(&verdict);
  }

  void judge(syntax::PythonChecker& checker) {
    const std::vector<std::string_view> views(texts_.begin(), texts_.end());
    const auto answers = checker.check(views);
    for (std::size_t i = 0; i < answers.size(); ++i) *verdicts_[i] = answers[i].kind == syntax::Validity::Kind::valid;
  }

 private:
  std::vector<std::string> texts_;
  std::vector<bool*> verdicts_;
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
    for (std::size_t k = 0; k < batch.size(); ++k) {
      auto& outcome = out.emplace_back(outcome_of(input, begin + k, batch[k], (*proposals)[k]));
      const Ids cells = ids_of(batch[k]);
      queue.add(input.tokenizer, batch[k].edit ? applied(cells, *batch[k].edit) : cells, outcome.can_parse);
      queue.add(input.tokenizer, cells, outcome.parses_before);
      if (std::isinf(outcome.margin)) queue.add(input.tokenizer, cells, outcome.parses_after);
      else queue.add(input.tokenizer, applied(cells, (*proposals)[k].front().edit), outcome.parses_after);
    }
    queue.judge(input.checker);
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
    if (bug->can_parse) {
      out.identity_parses.add(bug->parses_before);
      out.parses.add(bug->parses_after);
    }
    for (std::size_t k = 0; k < levels.size(); ++k) {
      const bool edited = bug->margin <= levels[k].margin && !std::isinf(bug->margin);
      out.levels[k].edited.add(edited);
      out.levels[k].exact.add(edited && bug->hit == Hit::exact);
      if (bug->can_parse) out.levels[k].parses.add(edited ? bug->parses_after : bug->parses_before);
    }
  }
  return out;
}

const char* source_group(const std::string& source) {
  if (source == "mutation" || source == "linter") return source == "linter" ? "linter" : "mutation";
  return "mined";
}

}  // namespace mendel::trainer
