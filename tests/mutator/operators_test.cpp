// Every row of the table on its own example, and on the functions of Python's own library.
#include "actors/mutator/operators.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "actors/syntax/python_checker.hpp"
#include "actors/syntax/tree.hpp"
#include "proto/ids.hpp"

using namespace mendel;
using namespace mendel::mutator;

namespace {

std::vector<std::string> results(const Operator& row, std::string_view text) {
  const FunctionView view(text);
  std::vector<Splice> splices;
  row.find(view, splices);
  std::vector<std::string> out;
  for (const auto& splice : splices) out.push_back(spliced(text, splice));
  return out;
}

bool gives(std::string_view name, std::string_view before, std::string_view after) {
  const auto all = results(*find_operator(name), before);
  return std::find(all.begin(), all.end(), after) != all.end();
}

std::size_t places(std::string_view name, std::string_view text) { return results(*find_operator(name), text).size(); }

// Does the text hold a mistake that the grammar or the rules of indentation see?
bool is_broken(syntax::Parser& parser, std::string_view text) {
  const auto tree = parser.parse(text);
  return !tree || tree->has_error() || !indentation_holds(FunctionView(text));
}

// The library of the CPython on the path; functions of some of its large modules.
std::vector<std::string> library_functions(syntax::Parser& parser) {
  std::FILE* asked = popen("python3 -c \"import sysconfig; print(sysconfig.get_paths()['stdlib'])\"", "r");
  REQUIRE(asked != nullptr);
  char line[4096] = "";
  const bool answered = std::fgets(line, sizeof line, asked) != nullptr;
  REQUIRE(pclose(asked) == 0);
  REQUIRE(answered);
  const std::filesystem::path root(std::string_view(line).substr(0, std::string_view(line).find('\n')));
  std::vector<std::string> out;
  for (const char* module : {"argparse.py", "asyncio/base_events.py", "asyncio/streams.py", "calendar.py", "configparser.py", "copy.py", "datetime.py",
                             "difflib.py", "fractions.py", "inspect.py", "json/decoder.py", "logging/__init__.py", "pathlib.py", "pickle.py",
                             "random.py", "shutil.py", "sqlite3/dump.py", "statistics.py", "tarfile.py", "textwrap.py", "urllib/parse.py", "zipfile.py"}) {
    std::ifstream file(root / module);
    if (!file) continue;  // some moved between versions
    std::stringstream text;
    text << file.rdbuf();
    const auto content = text.str();
    const auto tree = parser.parse(content);
    REQUIRE(tree);
    for (const auto& function : syntax::functions(*tree))
      if (const auto cut = syntax::cut_function(*tree, function); cut && !function.has_error && function.line_end - function.line_begin <= 60)
        out.push_back(cut->text);
  }
  REQUIRE(out.size() > 500);
  return out;
}

}  // namespace

TEST_CASE("every operator turns its own example into its own bug") {
  syntax::Parser parser;
  for (const auto& row : operators()) {
    CAPTURE(std::string(row.name));
    CHECK(gives(row.name, row.before, row.after));
    CHECK_FALSE(is_broken(parser, row.before));
    if ((row.traits & kOnlyCpython) == 0) CHECK(is_broken(parser, row.after) == (row.bug_class == OperatorClass::syntax));
    CHECK(row.weight > 0);
    for (const char* words : {row.description, row.inverse, row.precondition}) CHECK(std::string_view(words).size() > 5);
    CHECK(find_operator(row.name) == &row);
  }
}

TEST_CASE("the table holds each type that the specification names once") {
  static constexpr const char* kNamed[] = {"missing_colon",  "missing_parenthesis", "missing_bracket", "missing_comma",    "indentation_error",
                                           "off_by_one",     "wrong_operator",      "wrong_comparison", "missing_return",  "mutable_default",
                                           "shallow_copy",   "none_check_missing",  "wrong_exception", "bare_except",      "sql_injection",
                                           "async_not_awaited", "framework_specific", "pandas_settingwithcopy"};
  std::set<std::string_view> names;
  for (const auto& row : operators()) CHECK(names.insert(row.name).second);
  for (const char* name : kNamed) {
    CAPTURE(name);
    CHECK(names.contains(name));
  }
}

TEST_CASE("places where the change would be none, or absurd, are left alone") {
  CHECK(places("off_by_one", "def f(x):\n    return x[-1] + g(10, timeout=5) + (3, 8)[a]") == 1);
  CHECK(gives("off_by_one", "def f(x):\n    return x[-1]", "def f(x):\n    return x[-2]"));
  CHECK(gives("off_by_one", "def f(x, i):\n    return x[i + 1]", "def f(x, i):\n    return x[i]"));
  CHECK(gives("off_by_one", "def f(n):\n    return range(n)", "def f(n):\n    return range(n - 1)"));
  CHECK_FALSE(gives("off_by_one", "def f(i):\n    i += 1", "def f(i):\n    i += 0"));
  CHECK(places("wrong_operator", "def f(a):\n    return a + 'x', 'x' + a, a * 1, a + 0, a + [1], '%s' % a") == 0);
  CHECK(places("wrong_operator", "def f(a: int | str, *b, **c) -> int | bool:\n    g(*b, **c)\n    *d, e = b") == 0);
  CHECK_FALSE(gives("wrong_comparison", "def f(a):\n    return len(a) > 0", "def f(a):\n    return len(a) < 0"));
  CHECK(gives("wrong_comparison", "def f(a, b):\n    return a not in b", "def f(a, b):\n    return a in b"));
  CHECK(places("missing_return", "def f():\n    return\n    return None") == 0);
  CHECK(places("missing_return", "def f():\n    return 'text'") == 0);
  CHECK(places("missing_comma", "def f():\n    return g('a', 'b', *c, (d,), -e)") == 0);
  CHECK(places("mutable_default", "def f(a: int = None, b: Optional[str] = None, c=None):\n    return g(a, b)") == 0);
  CHECK(places("mutable_default", "def f(a: Optional[list[int]] = None):\n    return g(a)") == 1);
  CHECK(gives("mutable_default", "def f(a, seen=None):\n    seen = seen or {}", "def f(a, seen={}):\n    seen = seen or {}"));
  CHECK(places("variable_misuse", "def f(a, b):\n    a = b\n    for a in b:\n        g(a=1).b = a") == 1);
  CHECK(places("variable_misuse", "def f(a):\n    b = [x for x in a]\n    del b") == 0);
  CHECK(places("wrong_exception", "def f(d):\n    try:\n        d()\n    except KeyError:\n        0\n    except (IndexError, AttributeError):\n        1") == 1);
  CHECK(places("bare_except", "def f(d):\n    try:\n        d()\n    except KeyError:\n        0\n    except IndexError as e:\n        1") == 0);
  CHECK(places("shallow_copy", "def f(a):\n    a[:] = b\n    a = a.copy()\n    del a[:]") == 0);
  CHECK(places("shallow_copy", "def f(a, b):\n    self.assertEqual(a[:], b[:])\n    a += b[:]\n    return g") == 0);
  CHECK(gives("shallow_copy", "def f(a):\n    for b in a[:]:\n        a.remove(b)", "def f(a):\n    for b in a:\n        a.remove(b)"));
  CHECK(places("off_by_one", "def f(a):\n    options = 0\n    a.b = 4\n    return options") == 0);
  CHECK(places("off_by_one", "def f(a):\n    n = 0\n    while a:\n        n += len(a)\n    return n") == 1);
  CHECK(places("indentation_error", "def f():\n    'text'") == 0);
  CHECK(places("mutable_default", "def f(a=None, path=None):\n    return a.write(path)") == 0);
  CHECK(gives("sql_injection", "def f(c, a):\n    c.execute('SELECT ?', (a,))", "def f(c, a):\n    c.execute('SELECT %s' % (a,))"));
  CHECK(gives("none_check_missing", "def f(a):\n    b = 1\n    if a is None:\n        return b\n    return a", "def f(a):\n    b = 1\n    return a"));
  CHECK(places("missing_comma", "def f():\n    return g(a, -b)") == 0);
  CHECK(places("tab_space_mix", "def f():\n    return 1") == 0);
  CHECK(places("assignment_for_comparison", "def f(a):\n    g(a == 1)\n    b = a == 1") == 0);
  CHECK(places("python2_print", "def f(a):\n    print()\n    print(*a)\n    print(-a)\n    print([a])\n    print(a, file=b)") == 0);
  CHECK(places("illegal_comment", "def f(a):\n    b = 1  # one\n    c = [  # two\n        # three\n    ]") == 0);
  CHECK(places("unclosed_string", "def f(a):\n    return 'a' + 'b'") == 1);
  CHECK(places("wrong_identity", "def f(a):\n    return a == None or a == True or a == a or a == -1") == 0);
  CHECK(gives("wrong_identity", "def f(a,b):\n    return a==b", "def f(a,b):\n    return a is b"));
  CHECK(places("wrong_membership", "def f(a):\n    return [b for b in a if b]") == 0);
  CHECK(places("missing_guard", "def f(a):\n    if a:\n        return 1\n    else:\n        return 2") == 0);
  CHECK(places("missing_guard", "def f(a):\n    if a is None:\n        return 1\n    return 2") == 0);
  CHECK(places("missing_call", "def f(a):\n    logger.info(a)\n    print(a)\n    super().f()\n    return a") == 0);
  CHECK(places("lost_accumulation", "def f(a):\n    b = 0\n    b += a\n    for c in a:\n        b += 1\n    return b") == 0);
  CHECK(places("missing_conversion", "def f(a):\n    a = a.strip()\n    a.lower()\n    return int(1)") == 0);
  CHECK(places("swallowed_exception", "def f(g):\n    try:\n        g()\n    except E:\n        log.warning('x')") == 0);
  CHECK(places("missing_default", "def f(a, b):\n    return requests.get(a), b.get(), Model.objects.get(a)") == 0);
  CHECK(places("superfluous_parentheses", "def f(a):\n    return (a)") == 0);
  CHECK(places("superfluous_parentheses", "def f(a):\n    return a, 1") == 0);
  CHECK(places("shadowed_builtin", "def f(a):\n    id(a)\n    return [b for c in a for b in c]") == 0);
  CHECK(places("missing_self", "def f(self):\n    return self.a") == 0);
  CHECK(places("open_to_all", "def f(a):\n    b = {\"REMOTE_ADDR\": \"127.0.0.1\"}\n    return a == \"localhost\"") == 0);
  CHECK(places("framework_specific", "def f(np, stream):\n    stream.flush()\n    axis = 0\n    return g(axis)") == 0);
}

TEST_CASE("a handler is forgotten where something handles it and nothing else would") {
  const auto one = [](std::string body, std::string handler) { return "def f(a):\n    try:\n        " + body + "\n    except " + handler + "\n    return a"; };
  CHECK(gives("missing_handler", one("# why\n        g(a,\n          1)\n\n        h(a)", "OSError:\n        pass"),
              "def f(a):\n    # why\n    g(a,\n      1)\n\n    h(a)\n    return a"));
  CHECK(places("missing_handler", one("b = a", "OSError:\n        pass")) == 0);  // raises nothing
  CHECK(places("missing_handler", one("g(a)", "OSError:\n        raise")) == 0);
  CHECK(places("missing_handler", one("g('''\n''')", "OSError:\n        pass")) == 0);  // the text would change
  CHECK(places("missing_handler", one("g(a)", "OSError: pass")) == 0);
  CHECK(places("missing_handler", one("g(a)", "OSError:\n        pass\n    else:\n        h()")) == 0);
  CHECK(places("missing_handler", one("g(a)", "KeyError:\n        pass\n    except ValueError:\n        a = 1")) == 2);
  CHECK(places("missing_handler", one("g(a)", "KeyError:\n        pass\n    except ValueError:\n        pass")) == 1);
  CHECK(places("missing_handler", one("g(a)", "KeyError:\n        pass\n    finally:\n        h()")) == 1);
  CHECK(gives("missing_handler", one("g(a)", "(KeyError, a.B):\n        pass"), one("g(a)", "a.B:\n        pass")));
  CHECK(gives("missing_handler", one("g(a)", "(KeyError, ValueError, TypeError) as e:\n        pass"), one("g(a)", "(KeyError, TypeError) as e:\n        pass")));
  CHECK(places("missing_handler", one("g(a)", "(KeyError, LookupError, OSError):\n        raise E")) == 2);  // the whole, and the lookup error
  CHECK(places("missing_handler", one("g(a)", "(KeyError, Exception):\n        return 1")) == 1);
}

TEST_CASE("a statement goes into a block where it would run in other cases or other often") {
  const auto in = [](std::string head, std::string body, std::string next) {
    const std::string before = "def f(a):\n    " + head + ":\n        " + body + "\n    " + next + "\n    return a";
    return gives("wrong_block", before, "def f(a):\n    " + head + ":\n        " + body + "\n        " + next + "\n    return a");
  };
  CHECK(in("if a", "b()", "a.c()"));
  CHECK(in("for b in a", "b()", "a.c += 1"));
  CHECK(in("for b in a", "c = b", "c = a"));  // the loop uses c
  CHECK_FALSE(in("for b in a", "g(b)", "c = a"));
  CHECK_FALSE(in("for b in a", "return b", "a.c()"));  // it would never run
  CHECK_FALSE(in("for b in a", "g(b)", "print(a)"));
  CHECK_FALSE(in("with a as b", "b()", "a.c()"));
  CHECK_FALSE(in("for b in a", "g(b)", "return b"));  // early_return's
  CHECK(in("if a:\n        b()\n    else", "c()", "d()"));
  CHECK_FALSE(in("if a:\n        return 1\n    else", "c()", "d()"));  // nothing else gets there
  CHECK(in("try:\n        b()\n    except E", "c()", "d()"));
  CHECK_FALSE(in("try:\n        return b()\n    except E", "c()", "d()"));
  CHECK_FALSE(in("for b in a:\n        b()\n    else", "c()", "d()"));
}

TEST_CASE("the last statement of a block goes out of it where that changes what runs") {
  const auto goes_out = [](std::string head, std::string body, std::string last, std::string next) {
    const std::string before = "def f(a):\n    " + head + ":\n        " + body + "\n        " + last + next;
    return gives("wrong_block", before, "def f(a):\n    " + head + ":\n        " + body + "\n    " + last + next);
  };
  CHECK(goes_out("if a", "b()", "return c", ""));
  CHECK_FALSE(goes_out("if a", "b()", "return None", ""));
  CHECK_FALSE(goes_out("if a", "b()", "return c", "\n    return c"));
  CHECK(goes_out("if a", "b()", "c = 1", "\n    return c"));
  CHECK_FALSE(goes_out("if a", "c = b()", "c = None", "\n    return a"));  // nobody asks for c
  CHECK_FALSE(goes_out("if a", "b()", "c()", "\n    else:\n        d()"));
  CHECK(goes_out("for b in a", "b()", "d[b] = 1", "\n    return d"));
  CHECK_FALSE(goes_out("for b in a", "b()", "d = 1", "\n    return d"));  // its last value counts anyway
  CHECK_FALSE(goes_out("for b in a", "b()", "break", "\n    return d"));
  CHECK(goes_out("with a as b", "c = 1", "b.read(c)", "\n    return c"));
  CHECK_FALSE(goes_out("with a as b", "c = 1", "d(c)", "\n    return c"));
  CHECK(places("wrong_block", "def f(a):\n    if a:\n        b()") == 0);  // the block would be empty
}

TEST_CASE("an unknown name is answered with the nearest known one") {
  CHECK(find_operator("missing_column") == nullptr);
  CHECK(nearest_operator("missing_column") == "missing_colon");
  CHECK(nearest_operator("off_by_two") == "off_by_one");
}

TEST_CASE("on real functions every splice changes code alone and breaks it exactly in the class syntax") {
  syntax::Parser parser;
  const auto functions = library_functions(parser);
  std::vector<std::size_t> found(operators().size());
  std::vector<Splice> splices;
  std::uint64_t turn = 0;
  for (const auto& text : functions) {
    const FunctionView view(text);
    std::vector<syntax::Token> spared;  // comments and strings
    for (const auto& token : syntax::tokens(text))
      if (token.kind == syntax::TokenKind::comment || token.kind == syntax::TokenKind::string) spared.push_back(token);
    for (std::size_t r = 0; r < operators().size(); ++r) {
      const auto& row = operators()[r];
      CAPTURE(std::string(row.name));
      splices.clear();
      row.find(view, splices);
      found[r] += splices.size();
      for (const auto& splice : splices) {
        REQUIRE(splice.range.begin <= splice.range.end);
        REQUIRE(splice.range.end <= text.size());
        const auto removed = std::string_view(text).substr(splice.range.begin, splice.range.size());
        REQUIRE(removed != splice.text);
        for (const auto& token : spared) {
          const auto allowed = token.kind == syntax::TokenKind::comment ? kInComments : kInStrings;
          if ((row.traits & allowed) != 0) continue;
          const bool inside = splice.range.begin > token.bytes.begin && splice.range.begin < token.bytes.end;
          const bool cut = splice.range.end > token.bytes.begin && splice.range.end < token.bytes.end;
          REQUIRE_FALSE((inside || cut));
        }
      }
      // Parsing all would take minutes: a few of each function, at places that move.
      for (int n = 0; n < 2 && !splices.empty(); ++n) {
        const auto& splice = splices[turn++ * 7919 % splices.size()];
        const auto after = spliced(text, splice);
        CAPTURE(text);
        CAPTURE(after);
        CHECK(after.starts_with(std::string_view(text).substr(0, splice.range.begin)));
        CHECK(after.ends_with(std::string_view(text).substr(splice.range.end)));
        if ((row.traits & kOnlyCpython) == 0) CHECK(is_broken(parser, after) == (row.bug_class == OperatorClass::syntax));
      }
    }
  }
  // What these modules give no place for has its example only.
  for (std::size_t r = 0; r < found.size(); ++r) {
    CAPTURE(std::string(operators()[r].name));
    if (operators()[r].weight < 10) CHECK(found[r] > 3);
  }
}

TEST_CASE("cut and garbled functions are survived, and every splice lies inside them") {
  syntax::Parser parser;
  Random random(7);
  static constexpr std::string_view kNoise = "()[]{}:,=\n\t \"'#\\@*.";
  std::size_t splices_seen = 0;
  for (const auto& function : library_functions(parser)) {
    auto text = function.substr(random.below(function.size()), random.below(600));
    for (auto n = random.below(5); n > 0 && !text.empty(); --n) text[random.below(text.size())] = kNoise[random.below(kNoise.size())];
    const FunctionView view(text);
    for (const auto& row : operators()) {
      std::vector<Splice> splices;
      row.find(view, splices);
      splices_seen += splices.size();
      for (const auto& splice : splices) {
        REQUIRE(splice.range.begin <= splice.range.end);
        REQUIRE(splice.range.end <= text.size());
      }
    }
  }
  CHECK(splices_seen > 1000);
}

TEST_CASE("CPython agrees about a sample of each operator") {
  syntax::Parser parser;
  auto started = syntax::PythonChecker::start({});
  REQUIRE(started);
  const auto functions = library_functions(parser);
  std::uint64_t turn = 0;
  for (const auto& row : operators()) {
    std::vector<std::string> texts;
    for (std::size_t f = 0; f < functions.size() && texts.size() < 150; ++f) {
      const auto all = results(row, functions[f * 31 % functions.size()]);
      if (!all.empty()) texts.push_back(all[turn++ * 7919 % all.size()]);
    }
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const auto verdicts = (*started)->check(views);
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      CAPTURE(std::string(row.name));
      CAPTURE(texts[i]);
      CAPTURE(verdicts[i].message);
      CHECK((verdicts[i].kind == syntax::Validity::Kind::valid) == (row.bug_class != OperatorClass::syntax));
    }
  }
}
