// Mistakes about blocks: an exception that nothing handles, a statement that is indented into the wrong block.
#include <algorithm>
#include <array>

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {

using syntax::TokenKind;

namespace {

constexpr std::uint32_t kGuardedLinesMax = 8;  // a try around more is not forgotten

constexpr std::array<std::string_view, 4> kBranches = {"elif", "else", "except", "finally"};
constexpr std::array<std::string_view, 4> kWays = {"return", "raise", "continue", "break"};

// Statement `s` begins with one of `words`, at this depth.
bool begins(const FunctionView& view, std::uint32_t s, std::span<const std::string_view> words, std::uint32_t indent_bytes) {
  return s < view.statements().size() && view.statements()[s].indent_bytes == indent_bytes && view.is_any(view.statements()[s].begin, words);
}

bool begins(const FunctionView& view, std::uint32_t s, std::string_view word) { return view.is(view.statements()[s].begin, word); }

std::string_view white_of(const FunctionView& view, std::uint32_t s) {
  return view.text().substr(view.lines(view.statements()[s]).begin, view.statements()[s].indent_bytes);
}

std::string_view text_of(const FunctionView& view, std::uint32_t s) { return view.words(view.statements()[s].begin, view.statements()[s].end - 1); }

std::string_view block_text(const FunctionView& view, std::uint32_t s) {
  return view.words(view.statements()[s + 1].begin, view.statements()[view.block_end(s) - 1].end - 1);
}

// The last statement of the block that `s` opens leaves it.
bool leaves(const FunctionView& view, std::uint32_t s) {
  auto last = view.block_end(s) - 1;
  while (last > s + 1 && view.statements()[last].indent_bytes != view.statements()[s + 1].indent_bytes) --last;
  return view.is_any(view.statements()[last].begin, kWays);
}

bool only_raises_again(const FunctionView& view, std::uint32_t handler) {
  const auto& body = view.statements()[handler + 1];
  return view.is(body.begin, "raise") && body.end == body.begin + 1;
}

// A name or number alone raises nothing.
bool may_raise(const FunctionView& view, std::uint32_t first, std::uint32_t end) {
  static constexpr std::array<std::string_view, 9> kRisky = {"(", "[", ".", "/", "%", "import", "await", "raise", "yield"};
  for (auto i = view.statements()[first].begin; i < view.statements()[end - 1].end; ++i)
    if (view.is_any(i, kRisky)) return true;
  return false;
}

// The lines between statement `s`, which opens a block, and statement `end`, as they stand one block further out. Nothing
// if a line is not indented as the block, or goes on a text.
std::optional<std::string> dedented(const FunctionView& view, std::uint32_t s, std::uint32_t end) {
  const auto outer = white_of(view, s), inner = white_of(view, s + 1);
  if (!inner.starts_with(outer)) return std::nullopt;
  for (auto i = view.statements()[s + 1].begin; i < view.statements()[end].begin; ++i)
    if (view.kind(i) == TokenKind::string && view.word(i).find('\n') != std::string_view::npos) return std::nullopt;
  const auto from = view.lines(view.statements()[s]).end;
  auto rest = view.text().substr(from, view.lines(view.statements()[end]).begin - from);
  std::string out;
  while (!rest.empty()) {
    auto line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
    rest.remove_prefix(line.size());
    const auto code = line.find_first_not_of(" \t\r\n");
    const bool blank = code == std::string_view::npos, comment = !blank && line[code] == '#';
    if (line.starts_with(inner)) line.remove_prefix(inner.size() - outer.size());
    else if (!blank && !comment) return std::nullopt;
    out += line;
  }
  return out;
}

// try: BODY, except: one handler → BODY
void forget_try(const FunctionView& view, std::uint32_t s, std::uint32_t handler, Splices& out) {
  const auto end = view.block_end(handler);
  const auto &first = view.statements()[s], &last = view.statements()[end - 1];
  if (view.statements()[handler - 1].line_end - first.line_end > kGuardedLinesMax || !may_raise(view, s + 1, handler)) return;
  auto body = dedented(view, s, handler);
  if (!body) return;
  const syntax::Range range{view.lines(first).begin, view.lines(last).end};
  if (range.end == view.text().size() && !view.text().ends_with('\n'))
    while (body->ends_with('\n') || body->ends_with('\r')) body->pop_back();
  out.push_back({range, *std::move(body)});
}

struct Kind {
  std::string_view name, parent;
};
// Which handlers see which exceptions; a name that is not here may be anything.
constexpr Kind kKinds[] = {{"KeyError", "LookupError"}, {"IndexError", "LookupError"}, {"LookupError", ""}, {"ValueError", ""}, {"UnicodeError", "ValueError"},
                           {"UnicodeDecodeError", "UnicodeError"}, {"UnicodeEncodeError", "UnicodeError"}, {"TypeError", ""}, {"AttributeError", ""},
                           {"ZeroDivisionError", "ArithmeticError"}, {"OverflowError", "ArithmeticError"}, {"ArithmeticError", ""}, {"NameError", ""},
                           {"RuntimeError", ""}, {"NotImplementedError", "RuntimeError"}, {"RecursionError", "RuntimeError"}, {"StopIteration", ""},
                           {"EOFError", ""}, {"AssertionError", ""}, {"ImportError", ""}, {"SyntaxError", ""}, {"MemoryError", ""}};

const Kind* kind_of(std::string_view name) {
  const auto* at = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& kind) { return kind.name == name; });
  return at == std::end(kKinds) ? nullptr : at;
}

bool handles(std::string_view handler, std::string_view raised) {
  if (handler == "Exception" || handler == "BaseException") return true;
  for (const auto* kind = kind_of(raised); kind != nullptr; kind = kind_of(kind->parent))
    if (kind->name == handler) return true;
  return false;
}

// except (A, B): → except A:, where B is of a kind that no other of the tuple is a base of.
void forget_kind(const FunctionView& view, const Statement& handler, Splices& out) {
  const auto open = handler.begin + 1;
  const auto kinds = view.arguments(open);
  if (!view.is(open, "(") || kinds.size() < 2) return;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    if (kinds[k].first != kinds[k].last) continue;
    const auto word = view.word(kinds[k].first);
    const bool needed = kind_of(word) != nullptr && std::none_of(kinds.begin(), kinds.end(), [&](const Argument& other) {
      return other.first != kinds[k].first && handles(view.words(other.first, other.last), word);
    });
    if (!needed) continue;
    if (kinds.size() == 2) replace(view, open, view.closer(open), std::string(view.words(kinds[1 - k].first, kinds[1 - k].last)), out);
    else if (k > 0) drop_with_space(view, kinds[k - 1].last + 1, kinds[k].last, out);
    else drop_up_to(view, kinds[0].first, kinds[1].first, out);
  }
}

// What a statement that may stand in another block begins with.
bool can_move(const FunctionView& view, std::uint32_t s) {
  static constexpr std::array<std::string_view, 7> kWords = {"return", "raise", "yield", "await", "break", "assert", "del"};
  const auto i = view.statements()[s].begin;
  return view.alone_on_line(s) && !view.opens_block(view.statements()[s]) && !view.unnoticed(i) && (view.kind(i) == TokenKind::name || view.is_any(i, kWords));
}

bool is_loop(const FunctionView& view, std::uint32_t s) {
  const auto i = view.statements()[s].begin;
  return view.is(i, "for") || view.is(i, "while") || (view.is(i, "async") && view.is(i + 1, "for"));
}

bool mentions(const FunctionView& view, std::uint32_t first, std::uint32_t end, std::uint32_t spared, std::string_view word) {
  for (auto s = first; s < end; ++s)
    for (auto i = view.statements()[s].begin; s != spared && i < view.statements()[s].end; ++i)
      if (view.is(i, word)) return true;
  return false;
}

// Does it matter how often statement `s` runs, in the loop of `head` or once behind it? What only sets a name does not,
// unless the loop uses the name; a return behind a loop is early_return's.
bool counts(const FunctionView& view, std::uint32_t head, std::uint32_t s) {
  const auto& statement = view.statements()[s];
  if (view.is(statement.begin, "return") || view.is(statement.begin, "break")) return false;
  for (auto i = statement.begin; i < statement.end; ++i)
    if (view.is(i, "=") && view.depth(i) == 0)
      return view.is(i - 1, "]") || mentions(view, head, view.block_end(head), s, view.word(i - 1));
  return true;
}

// Does it matter whether statement `s` runs? A name that only the block of `head` knows does not.
bool is_used(const FunctionView& view, std::uint32_t head, std::uint32_t s) {
  const auto i = view.statements()[s].begin;
  const auto end = static_cast<std::uint32_t>(view.statements().size());
  return !view.is(i + 1, "=") || mentions(view, view.header() + 1, head, s, view.word(i)) || mentions(view, view.block_end(head), end, s, view.word(i));
}

// Is what follows the branches of an if or try that end with the one of `head` reached by other ways than through it?
bool has_other_ways(const FunctionView& view, std::uint32_t head) {
  const auto indent = view.statements()[head].indent_bytes;
  const bool handler = begins(view, head, "except");
  if (!handler && !begins(view, head, "else")) return begins(view, head, "if") || begins(view, head, "elif");
  bool open = false;
  for (auto s = head; s-- > 0;) {
    const auto& around = view.statements()[s];
    if (around.indent_bytes > indent) continue;
    if (around.indent_bytes < indent || !view.opens_block(around)) return false;
    open = open || !leaves(view, s);
    if (!view.is_any(around.begin, kBranches)) return open && view.is(around.begin, handler ? "try" : "if");
  }
  return false;
}

// Does the block of `head` bind the only name that statement `s` would miss outside?
bool holds_resource(const FunctionView& view, std::uint32_t head, std::uint32_t s) {
  const auto& with = view.statements()[head];
  if (!view.is(with.begin, "with") || with.end < with.begin + 4 || !view.is(with.end - 3, "as")) return false;
  return mentions(view, s, s + 1, s + 1, view.word(with.end - 2));
}

bool returns_nothing(const FunctionView& view, std::uint32_t s) {
  const auto& statement = view.statements()[s];
  return view.is(statement.begin, "return") && (statement.end == statement.begin + 1 || view.is(statement.begin + 1, "None"));
}

void move_in(const FunctionView& view, std::uint32_t head, std::uint32_t s, Splices& out) {
  const auto outer = white_of(view, s), inner = white_of(view, head + 1);
  if (leaves(view, head) || returns_nothing(view, s) || !inner.starts_with(outer)) return;
  if (!(is_loop(view, head) ? counts(view, head, s) : has_other_ways(view, head) && is_used(view, head, s))) return;
  const auto at = view.lines(view.statements()[s]).begin + static_cast<std::uint32_t>(outer.size());
  out.push_back({{at, at}, std::string(inner.substr(outer.size()))});
}

void move_out(const FunctionView& view, std::uint32_t head, std::uint32_t s, Splices& out) {
  const auto outer = white_of(view, head), inner = white_of(view, s);
  const auto& statement = view.statements()[s];
  if (!inner.starts_with(outer)) return;
  // What follows does the same.
  if (s + 1 == view.statements().size() ? returns_nothing(view, s) : text_of(view, s) == text_of(view, s + 1)) return;
  if (!(is_loop(view, head) ? counts(view, head, s) : (has_other_ways(view, head) && is_used(view, head, s)) || holds_resource(view, head, s))) return;
  const auto begin = view.lines(statement).begin;
  out.push_back({{begin + static_cast<std::uint32_t>(outer.size()), begin + static_cast<std::uint32_t>(inner.size())}, ""});
}

}  // namespace

void find_missing_handler(const FunctionView& view, Splices& out) {
  if (!view.may_have("except")) return;
  for (std::uint32_t s = view.header() + 1; s + 3 < view.statements().size(); ++s) {
    const auto indent = view.statements()[s].indent_bytes;
    if (!begins(view, s, "try") || !view.opens_block(view.statements()[s])) continue;
    std::vector<std::uint32_t> handlers;
    bool finally = false, otherwise = false, plain = true;
    for (auto h = view.block_end(s); begins(view, h, kBranches, indent); h = view.block_end(h)) {
      plain = plain && view.block_end(h) > h + 1;  // its block has lines of its own
      finally = finally || begins(view, h, "finally");
      otherwise = otherwise || begins(view, h, "else");
      if (begins(view, h, "except")) handlers.push_back(h);
    }
    if (!plain || handlers.empty() || view.block_end(s) == s + 1) continue;
    for (std::size_t n = 0; n < handlers.size(); ++n) {
      const auto handler = handlers[n];
      if (only_raises_again(view, handler)) continue;
      forget_kind(view, view.statements()[handler], out);
      const bool repeated = n + 1 < handlers.size() && block_text(view, handler) == block_text(view, handlers[n + 1]);
      const bool whole = handlers.size() > 1 || (finally && !otherwise);
      if (whole && !repeated) drop_statements(view, handler, view.block_end(handler), out);
      if (handlers.size() == 1 && !finally && !otherwise) forget_try(view, s, handler, out);
    }
  }
}

void find_wrong_block(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 2; s < view.statements().size(); ++s) {
    if (!can_move(view, s)) continue;
    const auto indent = view.statements()[s].indent_bytes;
    // The statement before at its depth, or the one that opens its block.
    auto head = s - 1;
    while (head > view.header() && view.statements()[head].indent_bytes > indent) --head;
    if (view.statements()[head].indent_bytes == indent && head + 1 < s && view.opens_block(view.statements()[head])) move_in(view, head, s, out);
    const bool ends_block = s + 1 == view.statements().size() || view.statements()[s + 1].indent_bytes < indent;
    while (head > view.header() && view.statements()[head].indent_bytes >= indent) --head;
    if (!ends_block || head <= view.header() || head + 1 == s || !view.opens_block(view.statements()[head])) continue;
    if (!begins(view, s + 1, kBranches, view.statements()[head].indent_bytes)) move_out(view, head, s, out);
  }
}

}  // namespace mendel::mutator
