// Rows for security, coroutines, frameworks and style: what certain words tell, from narrow to wide.
#include "actors/miner/edit_words.hpp"

namespace mendel::miner {
namespace {

bool gives(AllEdits edits, std::string_view keyword, std::string_view value) {
  return std::any_of(edits.begin(), edits.end(), [&](const TokenEdit& e) { return e.keyword == keyword && holds(e.added, value); });
}

bool not_awaited(AllEdits edits) {
  return !edits.empty() && std::all_of(edits.begin(), edits.end(), [](const TokenEdit& e) { return e.removed.empty() && are(e.added, {"await"}); });
}
bool blocking_call(AllEdits edits) {
  return (removes_any(edits, {"time"}) && adds_any(edits, {"await", "asyncio"})) || adds_one_of(edits, {"to_thread", "run_in_executor"});
}
bool unkept_task(AllEdits edits) {
  return only_one_adds(edits) && edits[0].added.back() == "=" && in(edits[0].after, {"asyncio", "loop", "create_task", "ensure_future"});
}
bool sync_context(AllEdits edits) { return only_adds(edits, {"async"}); }
bool nested_loop(AllEdits edits) { return removes_any(edits, {"asyncio", ".", "run"}) && adds_any(edits, {"await"}); }
bool unbounded_wait(AllEdits edits) { return adds_any(edits, {"wait_for", "("}); }

bool sql(AllEdits edits) {
  return std::any_of(edits.begin(), edits.end(), [](const TokenEdit& e) {
    const bool formatted = are(e.removed, {"%"}) && are(e.added, {","}) && is_string(e.before);
    const bool query = !e.removed.empty() && !e.added.empty() && is_string(e.added[0]) && e.removed[0].starts_with('f') && is_string(e.removed[0]) &&
                       (e.added[0].find("%s") != std::string_view::npos || e.added[0].find('?') != std::string_view::npos);
    return formatted || query;
  });
}
bool shell(AllEdits edits) { return removes_any(edits, {"shell", "=", "True"}) || gives(edits, "shell", "False"); }
bool unsafe_load(AllEdits edits) {
  return adds_one_of(edits, {"safe_load", "SafeLoader"}) || (removes_any(edits, {"pickle"}) && adds_any(edits, {"json"}));
}
bool certificate(AllEdits edits) {
  return removes_any(edits, {"verify", "=", "False"}) || gives(edits, "verify", "True") || gives(edits, "check_hostname", "True") ||
         removes_one_of(edits, {"_create_unverified_context", "CERT_NONE"});
}
bool weak_hash(AllEdits edits) {
  return removes_one_of(edits, {"md5", "sha1", "MD5", "SHA1"}) && adds_one_of(edits, {"sha256", "sha512", "sha384", "blake2b", "sha3_256", "SHA256"});
}
bool secret(AllEdits edits) {
  return edits.size() == 1 && edits[0].removed.size() == 1 && is_string(edits[0].removed[0]) && !edits[0].added.empty() &&
         (edits[0].keyword.ends_with("password") || edits[0].keyword.ends_with("secret") || edits[0].keyword.ends_with("api_key") ||
          edits[0].keyword.ends_with("SECRET_KEY"));
}
bool eval(AllEdits edits) { return removes_any(edits, {"eval"}) && adds_one_of(edits, {"int", "float", "literal_eval", "loads"}); }
bool escaping(AllEdits edits) {
  return adds_any(edits, {"escape", "("}) || adds_any(edits, {"quote", "("}) || adds_any(edits, {"quote_plus", "("}) || adds_any(edits, {"quoteattr", "("});
}
bool path(AllEdits edits) {
  return adds_any(edits, {"basename", "("}) || adds_any(edits, {"realpath", "("}) || adds_any(edits, {"abspath", "("}) || adds_any(edits, {"normpath", "("}) ||
         adds_any(edits, {"secure_filename", "("}) || adds_any(edits, {".", "resolve", "("});
}
bool temporary(AllEdits edits) { return removes_any(edits, {"mktemp"}); }
bool weak_random(AllEdits edits) { return removes_one_of(edits, {"random", "Random"}) && adds_one_of(edits, {"secrets", "urandom", "SystemRandom"}); }
bool permissions(AllEdits edits) { return single(edits, 1, 1) && edits[0].removed[0].starts_with("0o") && edits[0].added[0].starts_with("0o"); }
bool timing(AllEdits edits) { return adds_one_of(edits, {"compare_digest", "constant_time_compare"}); }
bool assert_check(AllEdits edits) { return removes_any(edits, {"assert"}) && adds_any(edits, {"raise"}); }
bool swallowed(AllEdits edits) { return edits.size() == 1 && are(edits[0].removed, {"pass"}) && !edits[0].added.empty() && !in(edits[0].added[0], {"break", "continue"}); }
bool timeout(AllEdits edits) { return adds_any(edits, {"timeout", "="}); }
bool open_to_all(AllEdits edits) { return single(edits, 1, 1) && edits[0].removed[0].find("0.0.0.0") != std::string_view::npos; }

bool chained(AllEdits edits) { return adds_any(edits, {".", "loc"}); }
bool get_uncaught(AllEdits edits) { return removes_any(edits, {"get"}) && adds_any(edits, {"filter"}) && adds_any(edits, {"first"}); }
bool n_plus_one(AllEdits edits) { return adds_one_of(edits, {"select_related", "prefetch_related", "joinedload", "selectinload"}); }
bool debug(AllEdits edits) { return removes_any(edits, {"debug", "=", "True"}) || gives(edits, "debug", "False"); }
bool raw_text(AllEdits edits) { return adds_any(edits, {"text", "("}); }
bool result_dropped(AllEdits edits) { return only_one_adds(edits) && assigns_itself(edits[0], edits[0].added); }
bool graph_kept(AllEdits edits) { return only_one_adds(edits) && (are(edits[0].added, {".", "item", "(", ")"}) || are(edits[0].added, {".", "detach", "(", ")"})); }
bool series_truth(AllEdits edits) { return exchanges(edits, {"and"}, {"&"}) || exchanges(edits, {"or"}, {"|"}); }
bool assert_true(AllEdits edits) {
  return single(edits, 1, 1) && edits[0].removed[0] == "assertTrue" && in(edits[0].added[0], {"assertEqual", "assertEquals", "assertIs", "assertListEqual"});
}
bool broad_expectation(AllEdits edits) { return edits.size() == 1 && are(edits[0].removed, {"Exception"}) && edits[0].before == "(" && !edits[0].added.empty(); }
bool framework(AllEdits edits) {
  static constexpr std::string_view kCalls[] = {"commit", "flush", "zero_grad", "eval", "backward", "full_clean", "refresh_from_db", "rollback"};
  if (!only_one_adds(edits) || edits[0].added.size() < 4) return false;
  const auto& words = edits[0].added;
  const auto n = words.size();
  return words[n - 1] == ")" && words[n - 2] == "(" && words[n - 4] == "." && in(words[n - 3], kCalls);
}

bool bare_except(AllEdits edits) { return only_one_adds(edits) && edits[0].before == "except"; }
bool none_comparison(AllEdits edits) {
  return edits.size() == 1 && edits[0].after == "None" && (are(edits[0].removed, {"=="}) || are(edits[0].removed, {"!="})) && edits[0].added.size() <= 2 && edits[0].added.size() >= 1 && edits[0].added[0] == "is";
}
bool bool_comparison(AllEdits edits) {
  return (only_one_removes(edits) && (are(edits[0].removed, {"==", "True"}) || are(edits[0].removed, {"is", "True"}))) ||
         (edits.size() == 2 && are(edits[0].added, {"not"}) && are(edits[1].removed, {"==", "False"}));
}
bool type_comparison(AllEdits edits) { return removes_any(edits, {"type"}) && adds_any(edits, {"isinstance"}); }
bool unused_import(AllEdits edits) { return only_one_removes(edits) && in(edits[0].removed[0], {"import", "from"}); }
bool unused_variable(AllEdits edits) {
  return only_one_removes(edits) && edits[0].removed.size() == 2 && ((edits[0].removed[1] == "=" && edits[0].removed[0] != edits[0].after) || edits[0].removed[0] == "as");
}

// All edits exchange one name for another.
bool renames(AllEdits edits) {
  return edits.size() >= 2 && std::all_of(edits.begin(), edits.end(), [&](const TokenEdit& e) {
    return e.removed.size() == 1 && e.added.size() == 1 && e.removed[0] == edits[0].removed[0] && e.added[0] == edits[0].added[0] && is_name(e.added[0]);
  });
}
bool ambiguous_name(AllEdits edits) { return renames(edits) && in(edits[0].removed[0], {"l", "O", "I"}); }
bool shadowed_builtin(AllEdits edits) {
  static constexpr std::string_view kBuiltins[] = {"id", "type", "input", "file", "str", "list", "object", "filter", "dict", "set", "max", "min", "sum", "hash", "format", "iter", "next"};
  return renames(edits) && in(edits[0].removed[0], kBuiltins);
}
bool fstring(AllEdits edits) { return single(edits, 1, 1) && edits[0].removed[0].size() == edits[0].added[0].size() + 1 && edits[0].removed[0].starts_with('f') && edits[0].removed[0].substr(1) == edits[0].added[0]; }
bool negated_membership(AllEdits edits) { return moves(edits) && are(all_removed(edits), {"not"}); }
bool parentheses(AllEdits edits) { return edits.size() >= 2 && only_removes(edits, {"(", ")"}) && edits[0].before != "assert"; }
bool semicolon(AllEdits edits) { return only_removes(edits, {";"}); }
bool yoda(AllEdits edits) {
  if (!moves_any(edits, {"==", "!="})) return false;
  const auto moved = all_removed(edits);
  return std::any_of(moved.begin(), moved.end(), [](auto w) { return is_number(w) || is_string(w); });
}
bool needless_keys(AllEdits edits) { return only_one_removes(edits) && are(edits[0].removed, {".", "keys", "(", ")"}); }
bool needless_ternary(AllEdits edits) { return edits.size() == 2 && are(edits[0].removed, {"True", "if"}) && are(edits[1].removed, {"else", "False"}); }
bool without_from(AllEdits edits) { return only_one_adds(edits) && edits[0].added[0] == "from"; }
bool needless_comprehension(AllEdits edits) { return removes_any(edits, {"for"}) && adds_one_of(edits, {"list", "set"}) && adds_any(edits, {"("}); }
bool negated_comparison(AllEdits edits) {
  return edits.size() == 2 && are(edits[0].removed, {"not"}) && edits[0].added.empty() && edits[1].removed.size() == 1 && edits[1].added.size() == 1 &&
         in(edits[1].removed[0], kComparisons) && in(edits[1].added[0], kComparisons);
}

constexpr EditType kRows[] = {
    {"blocking_call", BugClass::async, "the event loop is blocked", "x = time.sleep(1)", "x = await asyncio.sleep(1)", blocking_call},
    {"nested_event_loop", BugClass::async, "a loop in a running one", "x = asyncio.run(f())", "x = await f()", nested_loop},
    {"unbounded_wait", BugClass::async, "awaits for ever", "x = await f()", "x = await asyncio.wait_for(f(), 5)", unbounded_wait},
    {"async_not_awaited", BugClass::async, "a coroutine was called but not awaited", "x = f()", "x = await f()", not_awaited},
    {"unkept_task", BugClass::async, "nothing holds the task", "asyncio.create_task(f())", "t = asyncio.create_task(f())", unkept_task},
    {"sync_context", BugClass::async, "something asynchronous entered as if it were not", "with a: b()", "async with a: b()", sync_context},
    {"sql_injection", BugClass::security, "values are formatted into a query", "c.execute('a %s' % b)", "c.execute('a %s', b)", sql},
    {"shell_injection", BugClass::security, "a shell runs what others wrote", "run(c, shell=True)", "run(c, shell=False)", shell},
    {"unsafe_load", BugClass::security, "objects are made of untrusted text", "yaml.load(t)", "yaml.safe_load(t)", unsafe_load},
    {"certificate_unchecked", BugClass::security, "the other side's certificate is not checked", "get(u, verify=False)", "get(u, verify=True)", certificate},
    {"weak_hash", BugClass::security, "a broken hash", "x = hashlib.md5(a)", "x = hashlib.sha256(a)", weak_hash},
    {"hardcoded_secret", BugClass::security, "a password in the code", "password = 'a'", "password = read()", secret},
    {"eval_injection", BugClass::security, "text of others is evaluated", "x = eval(a)", "x = int(a)", eval},
    {"missing_escape", BugClass::security, "text of others goes out as it came", "out(a)", "out(escape(a))", escaping},
    {"path_traversal", BugClass::security, "a path of others is taken as it came", "open(a)", "open(os.path.basename(a))", path},
    {"insecure_temporary", BugClass::security, "a temporary file is named before it exists", "x = tempfile.mktemp()", "x = tempfile.mkstemp()", temporary},
    {"weak_random", BugClass::security, "a secret from a predictable generator", "x = random.choice(a)", "x = secrets.choice(a)", weak_random},
    {"loose_permissions", BugClass::security, "more may read or write than should", "chmod(a, 0o666)", "chmod(a, 0o600)", permissions},
    {"timing_attack", BugClass::security, "a comparison that tells how much is right", "x = a == b", "x = compare_digest(a, b)", timing},
    {"assert_for_check", BugClass::security, "input is checked by an assert", "assert a", "if not a:\n    raise E(a)", assert_check},
    {"swallowed_exception", BugClass::security, "an exception is passed over", "try:\n    a()\nexcept E:\n    pass", "try:\n    a()\nexcept E:\n    b()", swallowed},
    {"missing_timeout", BugClass::security, "waits for ever", "get(u)", "get(u, timeout=5)", timeout},
    {"open_to_all", BugClass::security, "listens on all interfaces", "bind('0.0.0.0')", "bind('127.0.0.1')", open_to_all},
    {"pandas_settingwithcopy", BugClass::framework, "assigns into a copy", "df[m]['a'] = 1", "df.loc[m, 'a'] = 1", chained},
    {"django_get_uncaught", BugClass::framework, "a row that may not be there", "x = o.get(a=1)", "x = o.filter(a=1).first()", get_uncaught},
    {"django_n_plus_one", BugClass::framework, "one query for each row", "x = q.all()", "x = q.select_related('a').all()", n_plus_one},
    {"flask_debug", BugClass::framework, "the debugger is open", "app.run(debug=True)", "app.run()", debug},
    {"sqlalchemy_text", BugClass::framework, "a raw text as statement", "c.execute('a')", "c.execute(text('a'))", raw_text},
    {"pandas_result_dropped", BugClass::framework, "the changed copy is dropped", "df.dropna()", "df = df.dropna()", result_dropped},
    {"graph_kept", BugClass::framework, "a tensor where its number is meant", "a += b", "a += b.item()", graph_kept},
    {"series_truth", BugClass::framework, "series joined by and or or", "x = (a) and (b)", "x = (a) & (b)", series_truth},
    {"assert_true_for_equal", BugClass::framework, "the second value is taken for a message", "self.assertTrue(a, b)", "self.assertEqual(a, b)", assert_true},
    {"broad_expectation", BugClass::framework, "any exception will do", "with raises(Exception): a()", "with raises(E): a()", broad_expectation},
    {"framework_specific", BugClass::framework, "a call that the framework needs", "s.add(a)", "s.add(a)\ns.commit()", framework},
    {"bare_except", BugClass::style, "everything is caught", "try:\n    a()\nexcept:\n    b()", "try:\n    a()\nexcept OSError:\n    b()", bare_except},
    {"none_comparison", BugClass::style, "None compared by ==", "x = a == None", "x = a is None", none_comparison},
    {"bool_comparison", BugClass::style, "a condition compared with True", "if a == True: b()", "if a: b()", bool_comparison},
    {"type_comparison", BugClass::style, "types compared", "x = type(a) == b", "x = isinstance(a, b)", type_comparison},
    {"unused_import", BugClass::style, "an import that is not used", "import os\na()", "a()", unused_import},
    {"unused_variable", BugClass::style, "a value that is not used", "x = a()", "a()", unused_variable},
    {"ambiguous_name", BugClass::style, "a name that reads like a number", "x = [l.a for l in b]", "x = [y.a for y in b]", ambiguous_name},
    {"shadowed_builtin", BugClass::style, "the name of a builtin", "x = [id.a for id in b]", "x = [y.a for y in b]", shadowed_builtin},
    {"fstring_without_placeholder", BugClass::style, "an f before a plain text", "a(f'text')", "a('text')", fstring},
    {"negated_membership", BugClass::style, "not a in b", "x = not a in b", "x = a not in b", negated_membership},
    {"negated_comparison", BugClass::style, "not a == b", "x = not a == b", "x = a != b", negated_comparison},
    {"superfluous_parentheses", BugClass::style, "parentheses around all", "return (a)", "return a", parentheses},
    {"trailing_semicolon", BugClass::style, "a semicolon at the end", "a();", "a()", semicolon},
    {"yoda_condition", BugClass::style, "the constant first", "x = 1 == a", "x = a == 1", yoda},
    {"needless_keys", BugClass::style, "keys() where the mapping does", "x = a in b.keys()", "x = a in b", needless_keys},
    {"needless_ternary", BugClass::style, "True if … else False", "x = True if a == b else False", "x = a == b", needless_ternary},
    {"raise_without_from", BugClass::style, "the cause is hidden", "raise E(a)", "raise E(a) from e", without_from},
    {"needless_comprehension", BugClass::style, "a copy by comprehension", "x = [y for y in a]", "x = list(a)", needless_comprehension},
};

}  // namespace

std::span<const EditType> practice_edit_types() { return kRows; }

}  // namespace mendel::miner
