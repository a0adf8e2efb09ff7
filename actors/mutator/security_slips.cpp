// Doors left open: what the security linters and advisories name, put where the safe way stood before.
#include <algorithm>
#include <array>

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {

using syntax::TokenKind;

namespace {

struct Exchange {
  std::string_view module, from, to;  // module: the name before the dot; empty: any or none
};

// MODULE.FROM → MODULE.TO, or `to` as a whole if it has a dot of its own.
void exchange(const FunctionView& view, std::span<const Exchange> rows, Splices& out) {
  for (std::uint32_t i = 0; i < view.size(); ++i) {
    if (view.kind(i) != TokenKind::name || view.is(i - 1, "def") || view.is(i - 1, "import")) continue;
    for (const auto& row : rows) {
      if (!view.is(i, row.from)) continue;
      const bool of_module = i >= 2 && view.is(i - 1, ".") && view.is(i - 2, row.module);
      if (!row.module.empty() && !of_module) continue;
      if (row.to.find('.') != std::string_view::npos) replace(view, row.module.empty() ? i : i - 2, i, std::string(row.to), out);
      else replace(view, i, row.to, out);
    }
  }
}

// A call `NAME(x)` or `module.NAME(x)` with one plain argument gives way to the argument.
void unwrap(const FunctionView& view, std::span<const std::string_view> names, Splices& out) {
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if (!view.is_any(i, names) || !view.is(i + 1, "(") || view.is(i - 1, "def")) continue;
    const auto arguments = view.arguments(i + 1);
    if (arguments.empty() || arguments.size() > 2 || arguments[0].starred || arguments[0].named || (arguments.size() == 2 && !arguments[1].named)) continue;
    const auto begin = view.operand_begin(i);
    if (begin >= view.size() || (view.is(begin - 1, "=") && begin >= 2 && view.word(begin - 2) == view.words(arguments[0].first, arguments[0].last))) continue;
    if (view.operand_end(arguments[0].first) != arguments[0].last || view.starts_statement(begin)) continue;
    replace(view, begin, view.closer(i + 1), std::string(view.words(arguments[0].first, arguments[0].last)), out);
  }
}

bool has_argument(const FunctionView& view, const std::vector<Argument>& arguments, std::string_view name) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const Argument& a) { return (a.named && view.is(a.first, name)) || view.is(a.first, "**"); });
}

// Appends `argument` to a call that has arguments.
void add_argument(const FunctionView& view, const std::vector<Argument>& arguments, std::string_view argument, Splices& out) {
  if (!arguments.empty()) insert_after(view, arguments.back().last, ", " + std::string(argument), out);
}

// The opposite of a condition [first, last] that is one equality or identity; empty for others.
std::string inverted(const FunctionView& view, std::uint32_t first, std::uint32_t last) {
  struct Opposite {
    std::string_view word, opposite;
  };
  static constexpr Opposite kOpposites[] = {{"==", "!="}, {"!=", "=="}, {"<", ">="}, {">", "<="}, {"<=", ">"}, {">=", "<"}};
  std::string out;
  for (auto i = first; i <= last; ++i) {
    if (view.depth(i) != 0) continue;
    if (view.is(i, "and") || view.is(i, "or") || view.is(i, "not") || view.is(i, "in") || view.is(i, "if")) return "";
    const auto at = std::find_if(std::begin(kOpposites), std::end(kOpposites), [&](const Opposite& o) { return view.is(i, o.word); });
    const bool identity = view.is(i, "is") && !view.is(i + 1, "not");
    if (at == std::end(kOpposites) && !identity) continue;
    if (!out.empty() || i == first || i == last) return "";
    out = std::string(view.words(first, i - 1)) + " " + (identity ? "is not" : std::string(at->opposite)) + " " + std::string(view.words(i + 1, last));
  }
  return out;
}

bool is_secret(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kEnds = {"password", "passwd", "PASSWORD", "secret", "SECRET", "api_key", "API_KEY", "secret_key", "SECRET_KEY"};
  return std::any_of(kEnds.begin(), kEnds.end(), [&](auto end) { return name.ends_with(end); });
}

}  // namespace

void find_shell_injection(const FunctionView& view, Splices& out) {
  static constexpr std::array<std::string_view, 6> kCalls = {"run", "call", "check_call", "check_output", "Popen", "getoutput"};
  if (!view.may_have_any({"subprocess", "Popen", "shell", "check_call", "check_output"})) return;
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if (view.is(i, "shell") && view.is(i + 1, "=") && view.is(i + 2, "False")) replace(view, i + 2, "True", out);
    const bool known = view.is(i, "Popen") || view.is(i, "check_call") || view.is(i, "check_output") || (view.is(i - 1, ".") && view.is(i - 2, "subprocess"));
    if (!known || !view.is_any(i, kCalls) || !view.is(i + 1, "(")) continue;
    const auto arguments = view.arguments(i + 1);
    if (!arguments.empty() && !arguments[0].starred && !has_argument(view, arguments, "shell") && !has_argument(view, arguments, "executable"))
      add_argument(view, arguments, "shell=True", out);
  }
}

void find_unsafe_load(const FunctionView& view, Splices& out) {
  static constexpr Exchange kRows[] = {{"yaml", "safe_load", "load"}, {"yaml", "SafeLoader", "Loader"}, {"yaml", "CSafeLoader", "CLoader"},
                                       {"json", "load", "pickle.load"}, {"json", "loads", "pickle.loads"}, {"marshal", "loads", "pickle.loads"}};
  if (view.may_have_any({"yaml", "json", "marshal"})) exchange(view, kRows, out);
}

void find_certificate_unchecked(const FunctionView& view, Splices& out) {
  static constexpr Exchange kRows[] = {{"ssl", "create_default_context", "_create_unverified_context"}, {"ssl", "CERT_REQUIRED", "CERT_NONE"},
                                       {"", "CERT_REQUIRED", "CERT_NONE"}};
  static constexpr std::array<std::string_view, 7> kVerbs = {"get", "post", "put", "delete", "patch", "head", "request"};
  if (view.may_have_any({"ssl", "CERT_REQUIRED"})) exchange(view, kRows, out);
  for (std::uint32_t i = 2; i + 2 < view.size(); ++i) {
    const bool switched = (view.is(i, "verify") || view.is(i, "check_hostname") || view.is(i, "ssl_verify") || view.is(i, "verify_ssl")) && view.is(i + 1, "=") && view.is(i + 2, "True");
    if (switched) replace(view, i + 2, "False", out);
    if (!view.is_any(i, kVerbs) || !view.is(i - 1, ".") || !view.is(i - 2, "requests") || !view.is(i + 1, "(")) continue;
    const auto arguments = view.arguments(i + 1);
    if (!has_argument(view, arguments, "verify")) add_argument(view, arguments, "verify=False", out);
  }
}

void find_weak_hash(const FunctionView& view, Splices& out) {
  static constexpr Exchange kRows[] = {{"hashlib", "sha256", "md5"}, {"hashlib", "sha512", "sha1"}, {"hashlib", "sha384", "sha1"}, {"hashlib", "blake2b", "md5"},
                                       {"hashlib", "sha3_256", "sha1"}, {"", "sha256", "md5"},     {"", "SHA256", "MD5"}};
  if (view.may_have_any({"hashlib", "sha256", "SHA256"})) exchange(view, kRows, out);
}

void find_hardcoded_secret(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if (view.kind(i) != TokenKind::name || !is_secret(view.word(i)) || !view.is(i + 1, "=")) continue;
    const auto& statement = view.statements()[view.statement_of(i)];
    const bool parameter = view.statement_of(i) == view.header() && view.depth(i) == 1;
    if (parameter && (view.is(i + 2, "None") || view.kind(i + 2) == TokenKind::string)) {
      replace(view, i + 2, "\"admin123\"", out);
      continue;
    }
    // password = read from somewhere
    const auto end = view.operand_end(i + 2);
    const bool whole = view.depth(i) == 0 && view.operand_begin(i) == statement.begin && end + 1 == statement.end;
    if (whole && end > i + 2) replace(view, i + 2, end, "\"hunter2\"", out);
  }
}

void find_eval_injection(const FunctionView& view, Splices& out) {
  static constexpr Exchange kRows[] = {{"ast", "literal_eval", "eval"}};
  static constexpr std::array<std::string_view, 2> kReaders = {"int", "float"};
  for (std::uint32_t i = 1; i + 3 < view.size(); ++i) {
    for (const auto& row : kRows)
      if (view.is(i, row.from) && i >= 2 && view.is(i - 1, ".") && view.is(i - 2, row.module)) replace(view, i - 2, i, std::string(row.to), out);
    if (view.is(i, "literal_eval") && !view.is(i - 1, ".") && view.is(i + 1, "(")) replace(view, i, "eval", out);
    // A number that comes as text.
    if (!view.is_any(i, kReaders) || view.is(i - 1, ".") || !view.is(i + 1, "(") || view.in_annotation(i)) continue;
    const auto arguments = view.arguments(i + 1);
    const bool one_name = arguments.size() == 1 && view.kind(arguments[0].first) == TokenKind::name && view.operand_end(arguments[0].first) == arguments[0].last;
    static constexpr std::array<std::string_view, 12> kTexts = {"value", "text", "s", "line", "token", "val", "arg", "string", "data", "word", "input", "raw"};
    if (one_name && (view.is_any(arguments[0].first, kTexts) || view.is(arguments[0].last, ")") || view.is(arguments[0].last, "]"))) replace(view, i, "eval", out);
  }
}

void find_missing_escape(const FunctionView& view, Splices& out) {
  static constexpr std::array<std::string_view, 7> kEscapes = {"escape", "quote", "quote_plus", "quoteattr", "escape_html", "urlquote", "markupsafe"};
  if (view.may_have_any({"escape", "quote", "quote_plus", "quoteattr", "urlquote", "escape_html"})) unwrap(view, kEscapes, out);
}

void find_path_traversal(const FunctionView& view, Splices& out) {
  static constexpr std::array<std::string_view, 3> kChecks = {"basename", "realpath", "secure_filename"};
  if (view.may_have_any({"basename", "realpath", "secure_filename"})) unwrap(view, kChecks, out);
  if (!view.may_have("resolve")) return;
  for (std::uint32_t i = 2; i + 2 < view.size(); ++i)
    if (view.is(i, ".") && view.is(i + 1, "resolve") && view.is(i + 2, "(") && view.closer(i + 2) == i + 3 && view.word(i - 1).find("path") != std::string_view::npos)
      out.push_back({{view[i].bytes.begin, view[i + 3].bytes.end}, ""});
}

void find_insecure_temporary(const FunctionView& view, Splices& out) {
  static constexpr Exchange kRows[] = {{"tempfile", "mkstemp", "mktemp"}, {"tempfile", "mkdtemp", "mktemp"}, {"tempfile", "NamedTemporaryFile", "mktemp"}};
  if (view.may_have("tempfile")) exchange(view, kRows, out);
}

void find_weak_random(const FunctionView& view, Splices& out) {
  static constexpr Exchange kRows[] = {{"secrets", "choice", "random.choice"}, {"secrets", "randbelow", "random.randrange"}, {"secrets", "token_bytes", "random.randbytes"},
                                       {"os", "urandom", "random.randbytes"},   {"secrets", "randbits", "random.getrandbits"}, {"", "SystemRandom", "Random"}};
  if (view.may_have_any({"secrets", "urandom", "SystemRandom"})) exchange(view, kRows, out);
}

void find_loose_permissions(const FunctionView& view, Splices& out) {
  struct Mode {
    std::string_view from, to;
  };
  static constexpr Mode kModes[] = {{"0o600", "0o666"}, {"0o700", "0o777"}, {"0o755", "0o777"}, {"0o644", "0o666"}, {"0o640", "0o666"}, {"0o750", "0o777"}, {"0o400", "0o444"}, {"0o077", "0o000"}};
  for (std::uint32_t i = 0; i < view.size(); ++i)
    if (view.kind(i) == TokenKind::number && view.word(i).starts_with("0o"))
      for (const auto& mode : kModes)
        if (view.is(i, mode.from)) replace(view, i, mode.to, out);
}

void find_timing_attack(const FunctionView& view, Splices& out) {
  if (!view.may_have_any({"compare_digest", "constant_time_compare"})) return;
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if ((!view.is(i, "compare_digest") && !view.is(i, "constant_time_compare")) || !view.is(i + 1, "(")) continue;
    const auto arguments = view.arguments(i + 1);
    const auto begin = view.operand_begin(i);
    if (arguments.size() != 2 || begin >= view.size() || arguments[0].starred || arguments[0].named || arguments[1].named || arguments[1].starred) continue;
    const auto text = std::string(view.words(arguments[0].first, arguments[0].last)) + " == " + std::string(view.words(arguments[1].first, arguments[1].last));
    if (text.find('\n') == std::string::npos) replace(view, begin, view.closer(i + 1), view.is(begin - 1, "not") ? "(" + text + ")" : text, out);
  }
}

void find_assert_for_check(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 1; s + 1 < view.statements().size(); ++s) {
    const auto& check = view.statements()[s];
    const auto& body = view.statements()[s + 1];
    if (!view.is(check.begin, "if") || !view.opens_block(check) || view.block_end(s) != s + 2 || !view.is(body.begin, "raise") || view.is(body.begin + 1, "AssertionError") || check.line_end - check.line_begin > 1) continue;
    if (s + 2 < view.statements().size() && view.statements()[s + 2].indent_bytes == check.indent_bytes &&
        (view.is(view.statements()[s + 2].begin, "else") || view.is(view.statements()[s + 2].begin, "elif")))
      continue;
    const auto first = check.begin + 1, last = check.end - 2;
    if (last < first || last >= view.size()) continue;
    std::string condition(view.words(first, last));
    bool compound = false, plain = true;
    for (auto i = first; i <= last; ++i) {
      if (view.depth(i) != 0) continue;
      compound = compound || view.is(i, "and") || view.is(i, "or") || view.is(i, "if") || view.kind(i) == TokenKind::op || view.is(i, "in") || view.is(i, "is");
      plain = plain && !view.is(i, ":=");
    }
    if (!plain) continue;
    if (const auto inverse = inverted(view, first, last); !inverse.empty()) condition = inverse;
    else if (view.is(first, "not") && last == view.operand_end(first + 1)) condition = std::string(view.words(first + 1, last));
    else if (view.operand_end(first) == last || !compound) condition = "not " + condition;
    else condition = "not (" + condition + ")";
    replace(view, check.begin, body.end - 1, "assert " + condition, out);
  }
}

void find_swallowed_exception(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 1; s + 1 < view.statements().size(); ++s) {
    if (!view.is(view.statements()[s].begin, "except") || view.block_end(s) != s + 2) continue;
    const auto& body = view.statements()[s + 1];
    // Handling it is what the line did; leaving out a message alone would go unnoticed.
    if (view.is(body.begin, "pass") || view.is(body.begin, "continue") || view.unnoticed(body.begin) || (view.is(body.begin, "return") && body.end == body.begin + 1)) continue;
    replace(view, body.begin, body.end - 1, "pass", out);
  }
}

void find_missing_timeout(const FunctionView& view, Splices& out) {
  if (!view.may_have("timeout")) return;
  for (std::uint32_t open = 1; open + 3 < view.size(); ++open) {
    if (!view.is(open, "(") || !view.follows_operand(open) || view.is(open - 2, "def")) continue;
    const auto arguments = view.arguments(open);
    for (std::size_t n = 0; n < arguments.size(); ++n) {
      const auto& a = arguments[n];
      if (!a.named || !view.is(a.first, "timeout") || view.is(a.first + 2, "None")) continue;
      if (n > 0) drop_with_space(view, arguments[n - 1].last + 1, a.last, out);
      else if (arguments.size() == 1) drop_up_to(view, a.first, a.last + 1, out);
    }
  }
}

// A value that is compared, or is told of another in a table, is no address to listen on.
bool may_be_listened_on(const FunctionView& view, std::uint32_t i) {
  const auto before = view.word(i - 1);
  if (before == "==" || before == "!=" || before == "in") return false;
  const auto key = i > 1 && before == ":" ? view.word(i - 2) : std::string_view("host");
  return key.find("host") != key.npos || key.find("HOST") != key.npos || key.find("bind") != key.npos || key.find("BIND") != key.npos;
}

void find_open_to_all(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i < view.size(); ++i) {
    if (view.kind(i) != TokenKind::string) continue;
    const auto inner = view.word(i).substr(1, view.word(i).size() - 2);
    if ((inner == "127.0.0.1" || inner == "localhost") && may_be_listened_on(view, i))
      replace(view, i, view.word(i).front() + std::string("0.0.0.0") + view.word(i).back(), out);
  }
}

}  // namespace mendel::mutator
