// Slips of the fingers and of habits from other languages: the code does not parse any more. What a grammar
// with Python 2 in it would still read is named in the table as `only_cpython`.
#include <algorithm>
#include <array>

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {

using syntax::TokenKind;

namespace {

bool is_closer(const FunctionView& view, std::uint32_t i) { return view.is(i, ")") || view.is(i, "]") || view.is(i, "}"); }

// Statements whose condition or value goes up to their end or colon.
bool takes_condition(const FunctionView& view, const Statement& statement) {
  static constexpr std::array<std::string_view, 4> kWords = {"if", "elif", "while", "assert"};
  return view.is_any(statement.begin, kWords);
}

// Would the token at i, put behind a word, start an operand that cannot go on from that word?
bool starts_afresh(const FunctionView& view, std::uint32_t i) {
  const auto kind = view.kind(i);
  if (kind == TokenKind::name || kind == TokenKind::number || kind == TokenKind::string) return true;
  return view.is(i, "None") || view.is(i, "True") || view.is(i, "False") || view.is(i, "lambda") || view.is(i, "await");
}

}  // namespace

void find_extra_closer(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i < view.size(); ++i)
    if (is_closer(view, i) && view.closed_by(i) != view.size() && (view.depth(i) == 0 || is_closer(view, i - 1)))
      insert_after(view, i, std::string(view.word(i)), out);
}

void find_mismatched_closer(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i < view.size(); ++i) {
    if (!is_closer(view, i) || view.closed_by(i) == view.size()) continue;
    replace(view, i, view.is(i, ")") ? "]" : ")", out);
    if (view.is(i, "}")) replace(view, i, "]", out);
  }
}

void find_unclosed_string(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 0; i < view.size(); ++i) {
    const auto word = view.word(i);
    if (view.kind(i) != TokenKind::string || word.size() < 3 || word.find('\n') != std::string_view::npos) continue;
    const char quote = word.back();
    if (word.ends_with(std::string(3, quote)) || (quote != '"' && quote != '\'')) continue;
    // Another quote of the kind on the line would close it.
    const auto line = view.text().substr(view[i].bytes.end, view.text().find('\n', view[i].bytes.end) - view[i].bytes.end);
    if (line.find(quote) != std::string_view::npos) continue;
    out.push_back({{view[i].bytes.end - 1, view[i].bytes.end}, ""});
  }
}

void find_tab_space_mix(const FunctionView& view, Splices& out) {
  if (!indentation_holds(view)) return;
  for (std::uint32_t s = 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const auto at = view.lines(statement).begin;
    const auto white = view.text().substr(at, statement.indent_bytes);
    if (white.empty() || white.size() % 4 != 0 || white.find_first_not_of(' ') != std::string_view::npos) continue;
    std::vector<std::string> mixes = {std::string(white.size() / 4, '\t')};
    if (white.size() % 8 == 0) mixes.push_back(std::string(white.size() / 8, '\t'));
    if (white.size() >= 8) mixes.push_back(std::string(white.substr(4)) + "\t");
    for (auto& mix : mixes)
      if (!indentation_holds(view, s, static_cast<std::uint32_t>(mix.size()))) out.push_back({{at, at + statement.indent_bytes}, std::move(mix)});
  }
}

void find_misspelt_keyword(const FunctionView& view, Splices& out) {
  struct Slip {
    std::string_view word, typed;
    bool needs_operand;  // alone or before a bracket the slip would be a name like any other
  };
  static constexpr Slip kSlips[] = {
      {"return", "retrun", true}, {"return", "reutrn", true}, {"return", "retun", true},   {"return", "Return", true},  {"def", "dfe", true},
      {"def", "define", true},    {"def", "function", true},  {"while", "whlie", true},    {"while", "While", true},    {"for", "fro", true},
      {"for", "For", true},       {"if", "fi", true},         {"if", "If", true},          {"elif", "elsif", true},     {"elif", "elseif", true},
      {"else", "esle", false},    {"else", "els", false},     {"try", "tyr", false},       {"except", "exept", true},   {"except", "catch", true},
      {"finally", "finaly", false}, {"import", "improt", true}, {"import", "imoprt", true}, {"from", "form", true},     {"raise", "rasie", true},
      {"raise", "throw", true},   {"assert", "asert", true},  {"class", "clas", true},     {"with", "wiht", true},      {"in", "ni", true},
      {"not", "nto", true},       {"and", "adn", true},       {"lambda", "lamda", true},   {"await", "awiat", true},    {"yield", "yeild", true}};
  for (std::uint32_t i = 0; i + 1 < view.size(); ++i) {
    if (view.kind(i) != TokenKind::keyword) continue;
    for (const auto& slip : kSlips) {
      if (!view.is(i, slip.word)) continue;
      if (view.statement_of(i + 1) != view.statement_of(i)) continue;
      if (slip.needs_operand ? !starts_afresh(view, i + 1) : !(view.is(i + 1, ":") && view.starts_statement(i))) continue;
      // "not in" and "is not" would go on from a name.
      if (view.is(i, "not") && (view.is(i - 1, "is") || view.is(i + 1, "in"))) continue;
      replace(view, i, slip.typed, out);
    }
  }
}

void find_assignment_for_comparison(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (!view.is(i, "==") || view.depth(i) != 0) continue;
    const auto& statement = view.statements()[view.statement_of(i)];
    if (takes_condition(view, statement) && i < view.colon(statement)) replace(view, i, "=", out);
  }
}

void find_python2_print(const FunctionView& view, Splices& out) {
  if (!view.may_have("print")) return;
  for (const auto& statement : view.statements()) {
    const auto i = statement.begin;
    if (!view.is(i, "print") || !view.is(i + 1, "(") || view.closer(i + 1) != statement.end - 1) continue;
    const auto arguments = view.arguments(i + 1);
    // What would still be an expression: a call, a subscript, a sum.
    if (arguments.empty() || !starts_afresh(view, i + 2) || view.is(i + 2, "await") || view.is(i + 2, "lambda")) continue;
    if (std::any_of(arguments.begin(), arguments.end(), [](const Argument& a) { return a.named || a.starred; })) continue;
    const auto text = view.words(i + 2, arguments.back().last);
    if (text.find('\n') == std::string_view::npos) replace(view, i, statement.end - 1, "print " + std::string(text), out);
  }
}

void find_python2_except(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements()) {
    if (!view.is(statement.begin, "except")) continue;
    for (auto i = statement.begin + 2; i + 1 < statement.end; ++i)
      if (view.is(i, "as") && view.depth(i) == 0) out.push_back({{view[i - 1].bytes.end, view[i].bytes.end}, ","});
  }
}

void find_python2_syntax(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (view.is(i, "!=")) replace(view, i, "<>", out);
    // raise E("text") was once written raise E, "text".
    if (view.is(i, "(") && view.starts_statement(i - 2) && view.is(i - 2, "raise") && view.kind(i - 1) == TokenKind::name) {
      const auto close = view.closer(i);
      const auto& statement = view.statements()[view.statement_of(i)];
      if (close == statement.end - 1 && view.arguments(i).size() == 1 && close > i + 1 && view.words(i, close).find('\n') == std::string_view::npos)
        replace(view, i, close, ", " + std::string(view.words(i + 1, close - 1)), out);
    }
    if (view.kind(i) == TokenKind::number && view.word(i).starts_with("0o") && view.word(i).size() > 3)
      replace(view, i, "0" + std::string(view.word(i).substr(2)), out);
  }
}

void find_illegal_comment(const FunctionView& view, Splices& out) {
  if (view.text().find('#') == std::string_view::npos) return;
  for (const auto& token : syntax::tokens(view.text())) {
    if (token.kind != TokenKind::comment) continue;
    const auto begin = token.bytes.begin;
    const auto line = view.text().rfind('\n', begin) + 1;
    const bool own_line = view.text().find_first_not_of(" \t", line) == begin;
    // Only a comment on a line of its own outside of brackets is sure to break: behind code it would divide.
    const auto behind = std::find_if(view.statements().begin(), view.statements().end(),
                                     [&](const Statement& s) { return token.line >= s.line_begin && token.line < s.line_end; });
    if (own_line && behind == view.statements().end()) out.push_back({{begin, begin + 1}, "//"});
  }
}

void find_wrong_punctuation(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements())
    if (view.opens_block(statement)) replace(view, statement.end - 1, ";", out);
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    const bool in_brackets = view.depth(i) > 0;
    if (in_brackets && view.is(i, ",") && view.ends_operand(i - 1)) replace(view, i, ";", out);
    // {key: value} and d[a:b] with the sign beside the colon's key.
    if (view.is(view.opener(i), "{") && view.is(i, ":") && view.kind(i - 1) == TokenKind::string) replace(view, i, ";", out);
  }
}

void find_else_if(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements())
    if (view.is(statement.begin, "elif")) replace(view, statement.begin, "else if", out);
}

void find_foreign_operator(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (view.is(i, "and")) replace(view, i, "&&", out);
    if (view.is(i, "or")) replace(view, i, "||", out);
    if (view.is(i, "not") && !view.is(i - 1, "is") && !view.is(i + 1, "in")) out.push_back({{view[i].bytes.begin, view[i + 1].bytes.begin}, "!"});
    const auto& statement = view.statements()[view.statement_of(i)];
    const bool step = (view.is(i, "+=") || view.is(i, "-=")) && view.is(i + 1, "1") && i + 2 == statement.end;
    if (step) out.push_back({{view[i - 1].bytes.end, view[i + 1].bytes.end}, view.is(i, "+=") ? "++" : "--"});
  }
}

void find_positional_after_keyword(const FunctionView& view, Splices& out) {
  for (std::uint32_t open = 1; open + 4 < view.size(); ++open) {
    if (!view.is(open, "(") || !view.follows_operand(open)) continue;
    const auto arguments = view.arguments(open);
    for (std::size_t n = 0; n + 1 < arguments.size(); ++n) {
      const auto &left = arguments[n], &right = arguments[n + 1];
      if (left.named || left.starred || !right.named || right.starred) continue;
      const bool parameter = view.kind(left.first) == TokenKind::name && left.first == left.last;
      const bool definition = view.is(open - 2, "def") || view.is(open - 2, "class");
      if (definition && (!parameter || view.is(left.first, "self") || view.is(left.first, "cls") || view.is(left.first, "/"))) continue;
      if (view.is(left.first, "/") || view.words(left.first, right.last).find('\n') != std::string_view::npos) continue;
      replace(view, left.first, right.last, std::string(view.words(right.first, right.last)) + ", " + std::string(view.words(left.first, left.last)), out);
    }
  }
}

void find_missing_keyword(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 0; i + 1 < view.size(); ++i) {
    const bool of_loop = view.is(i, "in") && i >= 2 && (view.is(i - 2, "for") || (view.is(i - 2, ",") && view.is(view.statements()[view.statement_of(i)].begin, "for")));
    const bool of_none = view.is(i, "is") && (view.is(i + 1, "None") || view.is(i + 1, "not"));
    if ((of_loop && starts_afresh(view, i + 1)) || (of_none && view.is(i + 1, "None"))) drop_up_to(view, i, i + 1, out);
    if (of_none && view.is(i + 1, "not") && view.is(i + 2, "None")) drop_up_to(view, i, i + 1, out);
    if (view.is(i, "def") && view.starts_statement(i)) drop_up_to(view, i, i + 1, out);
  }
}

}  // namespace mendel::mutator
