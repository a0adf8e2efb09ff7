// Look, try candidates from the surest on, keep the first that parses, look again.
#include "actors/trainer/repair.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "actors/encoder/grid.hpp"
#include "actors/trainer/code_view.hpp"
#include "actors/trainer/model_failure.hpp"

namespace mendel::trainer {
namespace {

using Ids = std::vector<encoder::TokenId>;
using Kind = syntax::Validity::Kind;

constexpr double kAnyMargin = std::numeric_limits<double>::max();
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

model::Sample sample_of(const Ids& cells, const LexicalMarks& lexical_marks) {
  model::Sample out;
  for (const auto cell : cells) out.cells.push_back(static_cast<std::int16_t>(cell));
  for (const auto& position : encoder::positions(cells)) {
    out.rows.push_back(static_cast<std::uint8_t>(position.row));
    out.columns.push_back(static_cast<std::uint8_t>(position.column));
  }
  out.marks = lexical_marks.of(cells);
  return out;
}

// What stands in cells [first, end), readable: line ends as line feeds.
std::string shown(const encoder::Tokenizer& tokenizer, const Ids& cells, std::size_t first, std::size_t end) {
  std::string out;
  for (std::size_t i = first; i < std::min(end, cells.size()); ++i) {
    const auto id = cells[i];
    if (id == encoder::kEol) out.push_back('\n');
    else if (id >= encoder::kIndentFirst && id < encoder::kByteFirst) out.append(static_cast<std::size_t>(id - encoder::kIndentFirst), ' ');
    else if (id >= encoder::kByteFirst && static_cast<std::uint32_t>(id) < tokenizer.size()) out.append(tokenizer.bytes_of(id));
  }
  return out;
}

bool ids_in_range(const std::vector<std::int32_t>& ids, std::uint32_t vocabulary) {
  return std::all_of(ids.begin(), ids.end(), [&](auto id) { return id >= 0 && static_cast<std::uint32_t>(id) < vocabulary; });
}

std::string problem_of(const syntax::Validity& verdict) { return "line " + std::to_string(verdict.line) + ": " + verdict.message; }

}  // namespace

// A grid's worth of a piece, and its proposals.
struct Repairer::View {
  std::uint32_t offset = 0;  // of its first cell in the piece
  model::Sample sample;
  std::vector<model::Proposal> proposals;
  double margin = INFINITY, bug_probability = 0;  // of the first look: what thresholds were calibrated for
};

Result<std::vector<Repairer::View>> Repairer::views_of(const Ids& cells) const {
  std::vector<View> out;
  if (encoder::cells_to_grid(cells)) {
    out.push_back({0, sample_of(cells, lexical_marks_), {}, INFINITY, 0});
    return out;
  }
  const auto windows = encoder::windows_of(cells);
  if (!windows) return windows.error();
  std::uint32_t offset = 0;
  for (const auto& window : *windows) {
    const auto part = encoder::grid_to_cells(window.grid.ids, encoder::kVocabularyMax);
    if (!part) return part.error();
    out.push_back({offset, sample_of(*part, lexical_marks_), {}, INFINITY, 0});
    offset += static_cast<std::uint32_t>(part->size()) - 1;  // without its <eof>
  }
  return out;
}

// A piece with its cells and what the model says of it.
struct Repairer::Look {
  Piece piece;
  Ids cells;  // all of them
  CodeView code;  // what of them the model sees
  bool unsound = false;  // does not parse on its own
  std::vector<View> views;  // surest of a bug first
  std::string too_large;  // not empty: why the piece fits no grid

  double margin() const { return views.empty() ? INFINITY : views.front().margin; }
  double bug_probability() const { return views.empty() ? 0 : views.front().bug_probability; }
};

struct Repairer::Candidate {
  const View* view;
  std::uint32_t index;  // of the view's proposals
  encoder::SpanEdit edit;  // over the piece's cells
  std::string text;  // of the piece, mended
};

bool Repairer::parses(std::string_view text) const {
  return checker_.check(std::span(&text, 1)).front().kind == Kind::valid;
}

Outcome Repairer::judge(RepairResult& result) const {
  const std::string_view texts[] = {result.text};
  const auto verdict = checker_.check(texts).front();
  result.parses = verdict.kind == Kind::valid;
  result.problem = result.parses ? "" : problem_of(verdict);
  if (verdict.kind == Kind::invalid_text) return Error{ErrorCode::invalid_input, "is not UTF-8 text: " + verdict.message};
  if (verdict.kind == Kind::too_complex) return Error{ErrorCode::too_complex, "is too large or nested too deeply for CPython's parser: " + verdict.message};
  return Done{};
}

Result<RepairResult> Repairer::repair(std::string_view text, const RepairOptions& options) {
  if (const auto nul = text.find('\0'); nul != text.npos)
    return Error{ErrorCode::invalid_input, "holds a NUL byte at byte " + std::to_string(nul) + ": not Python source"};
  seen_.clear();
  RepairResult result;
  const bool marked = text.starts_with(kByteOrderMark);
  result.text = text.substr(marked ? kByteOrderMark.size() : 0);
  if (auto judged = judge(result); !judged) return judged.error();
  result.parsed_before = result.parses;
  if (!result.parses)
    if (auto done = mend_unsound(result, options); !done) return done.error();
  if (result.parses)
    if (auto done = mend_sound(result, options); !done) return done.error();
  if (marked) result.text.insert(0, kByteOrderMark);
  result.changed = result.text != text;
  return result;
}

// Pieces that CPython refuses on their own; where all are sound, what is around the error.
std::vector<Piece> Repairer::unsound_pieces(const RepairResult& result) const {
  auto pieces = line_pieces(result.text);
  std::vector<std::string_view> texts;
  for (const auto& piece : pieces) texts.push_back(piece.text);
  const auto verdicts = checker_.check(texts);
  std::vector<Piece> out;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (verdicts[i].kind == Kind::syntax_error) out.push_back(std::move(pieces[i]));
  if (!out.empty()) return out;
  const std::string_view whole[] = {result.text};
  const auto verdict = checker_.check(whole).front();
  if (auto piece = piece_around(result.text, verdict.line > 0 ? verdict.line - 1 : 0)) out.push_back(std::move(*piece));
  return out;
}

Outcome Repairer::mend_unsound(RepairResult& result, const RepairOptions& options) {
  for (std::uint32_t round = 0; round < options.rounds && !result.parses; ++round) {
    const auto pieces = options.whole ? std::vector{whole_piece(result.text)} : unsound_pieces(result);
    auto looks = look(pieces, result);
    if (!looks) return looks.error();
    for (auto& one : *looks) one.unsound = !parses(one.piece.text);
    const auto mended = mend(*looks, options, result);
    if (!mended) return mended.error();
    if (!*mended) break;
  }
  return Done{};
}

Outcome Repairer::mend_sound(RepairResult& result, const RepairOptions& options) {
  std::unordered_set<std::string> settled;
  for (std::uint32_t round = 0; round < options.rounds; ++round) {
    auto cut = options.whole ? Result<std::vector<Piece>>(std::vector{whole_piece(result.text)}) : function_pieces(result.text);
    if (!cut) return cut.error();
    std::erase_if(*cut, [&](const Piece& piece) { return settled.contains(piece.text); });
    auto looks = look(*cut, result);
    if (!looks) return looks.error();
    for (const auto& one : *looks) settled.insert(one.piece.text);  // what is edited becomes another text
    const auto mended = mend(*looks, options, result);
    if (!mended) return mended.error();
    if (!*mended) break;
  }
  return Done{};
}

// Every piece once, the surest first. True if anything was edited.
Result<bool> Repairer::mend(std::vector<Look>& looks, const RepairOptions& options, RepairResult& result) {
  std::stable_sort(looks.begin(), looks.end(), [](const Look& a, const Look& b) { return a.margin() < b.margin(); });
  bool any = false;
  for (auto& look : looks) {
    if (look.unsound && result.parses) continue;
    const auto size = result.text.size();
    const auto lines = std::count(result.text.begin(), result.text.end(), '\n');
    const auto mended = mend_piece(look, options, result.edits.empty() ? options.margin : options.margin_again, result);
    if (!mended) return mended.error();
    any = any || *mended;
    if (!*mended) continue;
    // Pieces are disjoint: those behind the edited one only move.
    const auto bytes = static_cast<std::uint32_t>(result.text.size() - size);
    const auto feeds = static_cast<std::uint32_t>(std::count(result.text.begin(), result.text.end(), '\n') - lines);
    for (auto& other : looks) {
      if (other.piece.bytes.begin <= look.piece.bytes.begin) continue;
      other.piece.bytes = {other.piece.bytes.begin + bytes, other.piece.bytes.end + bytes};
      other.piece.line_begin += feeds;
      other.piece.line_end += feeds;
    }
  }
  return any;
}

Result<std::vector<Repairer::Look>> Repairer::look(const std::vector<Piece>& pieces, RepairResult& result) {
  std::vector<Look> out;
  std::vector<model::Sample> samples;
  for (const auto& piece : pieces) {
    if (piece.text.empty()) continue;
    auto cells = encoder::text_to_cells(tokenizer_, piece.text);
    auto code = CodeView::of(tokenizer_, cells);
    if (!code) return code.error();
    auto& seen = out.emplace_back(Look{piece, std::move(cells), std::move(*code), false, {}, {}});
    seen_.insert(piece.text);
    auto views = views_of(seen.code.cells());
    if (!views) seen.too_large = views.error().what;
    else seen.views = std::move(*views);
    for (const auto& view : seen.views) samples.push_back(view.sample);
  }
  if (samples.empty()) return out;
  const bool first = result.steps == 0;
  auto proposals = model_.propose(samples, 1);
  if (!proposals) return error_of(proposals.failure());
  std::size_t next = 0;
  for (auto& seen : out) {
    for (auto& view : seen.views) {
      view.proposals = std::move((*proposals)[next++]);
      if (view.proposals.empty()) continue;
      const auto& best = view.proposals.front();
      view.margin = best.margin;
      view.bug_probability = best.bug_probability;
      result.steps = std::max(result.steps, best.steps);
    }
    std::stable_sort(seen.views.begin(), seen.views.end(), [](const View& a, const View& b) { return a.margin < b.margin; });
    if (first) result.bug_probability = std::max(result.bug_probability, seen.bug_probability());
  }
  return out;
}

// What the believed proposals of a piece make of it, surest first; texts that were there before are left out.
std::vector<Repairer::Candidate> Repairer::candidates_of(const Look& look, double margin) const {
  std::vector<Candidate> out;
  for (const auto& view : look.views) {
    if (!(view.margin <= margin)) break;
    for (std::uint32_t k = 0; k < view.proposals.size(); ++k) {
      const auto& edit = view.proposals[k].edit;
      if (edit.first > edit.end || edit.end > view.sample.cells.size() || !ids_in_range(edit.tokens, tokenizer_.size())) continue;
      const auto whole = look.code.to_whole({edit.first + view.offset, edit.end + view.offset, edit.tokens});
      auto text = encoder::cells_to_text(tokenizer_, encoder::apply_edit(look.cells, whole), encoder::Spelling::any);
      if (text && !seen_.contains(*text)) out.push_back({&view, k, whole, std::move(*text)});
    }
  }
  return out;
}

AppliedEdit Repairer::described(const Look& look, const Candidate& candidate) const {
  const auto& proposal = candidate.view->proposals[candidate.index];
  AppliedEdit out;
  out.symbol = look.piece.symbol;
  out.cell = proposal.edit.first + candidate.view->offset;
  out.end = proposal.edit.end + candidate.view->offset;
  const auto [first, end, tokens] = candidate.edit;
  out.row = candidate.view->sample.rows[std::min<std::size_t>(proposal.edit.first, candidate.view->sample.rows.size() - 1)];
  const auto before = shown(tokenizer_, look.cells, 0, first);
  const auto feed = before.rfind('\n');
  out.line = look.piece.line_begin + 1 + static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
  out.column = static_cast<std::uint32_t>(look.piece.indent.size() + before.size() - (feed == before.npos ? 0 : feed + 1)) + 1;
  out.old_text = shown(tokenizer_, look.cells, first, end);
  out.new_text = shown(tokenizer_, tokens, 0, tokens.size());
  out.probability = std::exp(proposal.log_probability);
  out.bug_probability = proposal.bug_probability;
  out.margin = candidate.view->margin;
  out.rank = candidate.index + 1;
  out.steps = proposal.steps;
  return out;
}

// True if an edit was made; else the piece goes to `untouched`. A piece that does not parse has a bug
// for certain, whatever the margin says. Most first choices parse, so others are asked for only then.
Result<bool> Repairer::mend_piece(Look& look, const RepairOptions& options, double margin, RepairResult& result) {
  if (look.unsound) margin = kAnyMargin;
  const bool believed = look.margin() <= margin;
  if (believed && try_candidates(look, margin, result)) return true;
  if (believed && options.candidates > 1) {
    if (auto asked = more_proposals(look, margin, options.candidates); !asked) return asked.error();
    if (try_candidates(look, margin, result)) return true;
  }
  const char* reason = !look.too_large.empty() ? "does not fit the grid"
                       : believed              ? "no candidate parses"
                       : result.edits.empty()  ? "no bug believed at this share of false alarms"
                                               : "not sure enough of a further bug";
  result.untouched.push_back({look.piece.symbol, look.piece.line_begin + 1, look.bug_probability(), look.margin(), reason});
  return false;
}

bool Repairer::try_candidates(const Look& look, double margin, RepairResult& result) {
  const auto candidates = candidates_of(look, margin);
  std::vector<std::string_view> texts;
  for (const auto& candidate : candidates) texts.push_back(candidate.text);
  const auto verdicts = texts.empty() ? std::vector<syntax::Validity>() : checker_.check(texts);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!accept(look, candidates[i].text, verdicts[i].kind == Kind::valid, result)) continue;
    result.edits.push_back(described(look, candidates[i]));
    return true;
  }
  return false;
}

Outcome Repairer::more_proposals(Look& look, double margin, std::uint32_t candidates) {
  for (auto& view : look.views) {
    if (!(view.margin <= margin)) break;
    auto proposals = model_.propose(std::span(&view.sample, 1), candidates);
    if (!proposals) return error_of(proposals.failure());
    view.proposals = std::move(proposals->front());
  }
  return Done{};
}

// Puts the mended piece into the text if the text then parses, or if at least the piece now does.
bool Repairer::accept(const Look& look, const std::string& mended, bool piece_parses, RepairResult& result) const {
  auto file = put_back(result.text, look.piece, mended);
  if (file == result.text) return false;
  const std::string_view texts[] = {file};
  const auto verdict = checker_.check(texts).front();
  const bool sound = verdict.kind == Kind::valid;
  if (!sound && !(look.unsound && piece_parses && verdict.kind == Kind::syntax_error)) return false;
  result.text = std::move(file);
  result.parses = sound;
  result.problem = sound ? "" : problem_of(verdict);
  return true;
}

}  // namespace mendel::trainer
