// Rows of the operator table. Coroutines and frameworks used against their rules.
#include "actors/mutator/operator_rows.hpp"

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {
namespace {

using Class = OperatorClass;

constexpr Operator kRows[] = {
    {"async_not_awaited", Class::async, "calls a coroutine without awaiting it", "awaits it", "an awaited name or call",
     "async def f(g):\n    return await g()", "async def f(g):\n    return g()", 40, find_async_not_awaited},
    {"blocking_call", Class::async, "blocks the event loop", "awaits", "a sleep, or work handed to a thread",
     "async def f():\n    await asyncio.sleep(1)", "async def f():\n    time.sleep(1)", 40, find_blocking_call},
    {"unkept_task", Class::async, "starts a task that nothing holds", "keeps the task", "the task is assigned",
     "async def f(self):\n    self.t = asyncio.create_task(g())", "async def f(self):\n    asyncio.create_task(g())", 30, find_unkept_task},
    {"sync_context", Class::async, "enters or walks something asynchronous as if it were not", "writes async", "async with or async for",
     "async def f(a):\n    async with a as b:\n        return b", "async def f(a):\n    with a as b:\n        return b", 20, find_sync_context},
    {"nested_event_loop", Class::async, "runs a loop inside a running one", "awaits", "an awaited call that is all of a statement's value",
     "async def f(g):\n    return await g(1)", "async def f(g):\n    return asyncio.run(g(1))", 10, find_nested_event_loop},
    {"unbounded_wait", Class::async, "awaits for ever", "waits a limited time", "an awaited wait_for",
     "async def f(a):\n    return await asyncio.wait_for(a, 5)", "async def f(a):\n    return await a", 40, find_unbounded_wait},
    {"pandas_settingwithcopy", Class::framework, "assigns into a copy by chained indexing", "assigns by one index",
     "loc with row and column is assigned", "def f(df, m):\n    df.loc[m, \"a\"] = 1", "def f(df, m):\n    df[m][\"a\"] = 1", 60,
     find_pandas_settingwithcopy},
    {"framework_specific", Class::framework, "breaks a rule of the framework in use: commit, debug mode, axis, gradients", "keeps the rule",
     "a call that nothing reports as missing, or a flag or axis", "def f(session, x):\n    session.add(x)\n    session.commit()",
     "def f(session, x):\n    session.add(x)", 30, find_framework_specific},
    {"django_get_uncaught", Class::framework, "asks for one row that may not be there", "asks for the first of those that are",
     "filter and first of a manager", "def f(a):\n    return User.objects.filter(id=a).first()", "def f(a):\n    return User.objects.get(id=a)", 60,
     find_django_get_uncaught},
    {"django_n_plus_one", Class::framework, "asks the database once for each row", "fetches the related rows along",
     "a query that selects or prefetches", "def f(a):\n    return a.select_related(\"b\").all()", "def f(a):\n    return a.all()", 60,
     find_django_n_plus_one},
    {"flask_debug", Class::framework, "serves with the debugger open", "serves without", "an app is run", "def f(app):\n    app.run()",
     "def f(app):\n    app.run(debug=True)", 60, find_flask_debug},
    {"sqlalchemy_text", Class::framework, "passes a raw text as a statement", "wraps it in text()", "text() is an argument of a query",
     "def f(c):\n    c.execute(text(\"SELECT 1\"))", "def f(c):\n    c.execute(\"SELECT 1\")", 60, find_sqlalchemy_text},
    {"pandas_result_dropped", Class::framework, "calls a method that answers a changed copy and drops the answer", "keeps the answer",
     "a name is given its own changed copy", "def f(df):\n    df = df.dropna()\n    return df", "def f(df):\n    df.dropna()\n    return df", 40,
     find_pandas_result_dropped},
    {"graph_kept", Class::framework, "keeps the graph of a tensor alive, or an array where a number is meant",
     "takes the number or the detached tensor", "the value is used", "def f(a, b):\n    a += b.item()\n    return a",
     "def f(a, b):\n    a += b\n    return a", 40, find_graph_kept},
    {"series_truth", Class::framework, "joins series by and or or, which ask for one truth", "joins them element by element",
     "comparisons in parentheses on both sides", "def f(df):\n    return df[(df.a > 0) & (df.b < 1)]",
     "def f(df):\n    return df[(df.a > 0) and (df.b < 1)]", 60, find_series_truth},
    {"assert_true_for_equal", Class::framework, "asserts the first of two values as true", "asserts that they are equal",
     "an equality of two values is asserted", "def test(self):\n    self.assertEqual(a(), 1)", "def test(self):\n    self.assertTrue(a(), 1)", 20,
     find_assert_true_for_equal},
    {"broad_expectation", Class::framework, "expects any exception", "expects the one that is meant", "a kind is expected",
     "def test(self):\n    with pytest.raises(ValueError):\n        a()", "def test(self):\n    with pytest.raises(Exception):\n        a()", 20,
     find_broad_expectation},
};

}  // namespace

std::span<const Operator> framework_rows() { return kRows; }

}  // namespace mendel::mutator
