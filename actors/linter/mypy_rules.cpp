// The rules of mypy, by error code. What depends on modules that are not looked at (imports are skipped) is left out.
#include <array>

#include "actors/linter/rule_table.hpp"

namespace mendel::linter {
namespace {

constexpr auto kLogic = BugClass::logic;
constexpr auto kStyle = BugClass::style;
constexpr auto kAsync = BugClass::async;

constexpr std::array kRules = {
    LintRule{"abstract", kLogic, "abstract_instance", "makes an instance of an abstract class",
             "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def g(self) -> int: ...\ndef f():\n    return A()\n", false},
    LintRule{"arg-type", kLogic, "wrong_argument_type", "gives an argument of another type",
             "def g(a: int) -> int:\n    return a\ndef f() -> int:\n    return g('x')\n", false},
    LintRule{"assignment", kLogic, "wrong_assignment_type", "assigns a value of another type", "def f() -> None:\n    a: int = 'x'\n    print(a)\n", false},
    LintRule{"attr-defined", kLogic, "wrong_attribute", "asks for an attribute that is not there", "def f():\n    return ''.no_such()\n", false},
    LintRule{"await-not-async", kAsync, "await_outside", "awaits in a function that is not async", "def f(a):\n    return await a\n", false},
    LintRule{"call-arg", kLogic, "wrong_arguments", "gives too many, too few or unknown arguments",
             "def g(a: int) -> int:\n    return a\ndef f() -> int:\n    return g()\n", false},
    LintRule{"call-overload", kLogic, "wrong_argument_type", "gives arguments that no overload takes", "def f():\n    return open(1.5)\n", false},
    LintRule{"comparison-overlap", kLogic, "wrong_comparison", "compares what can never be equal", "def f(a: int) -> bool:\n    return a == 'x'\n", false},
    LintRule{"dict-item", kLogic, "wrong_literal", "puts an item of another type into a dict", "a: dict[str, int] = {'x': 'y'}\n", false},
    LintRule{"exit-return", kLogic, "wrong_return", "says that __exit__ may swallow exceptions",
             "class A:\n    def __exit__(self, *a: object) -> bool:\n        return False\n", false},
    LintRule{"func-returns-value", kLogic, "missing_return", "uses the result of a function that has none",
             "def g() -> None:\n    print(1)\ndef f():\n    a = g()\n    return a\n", false},
    LintRule{"has-type", kLogic, "use_before_definition", "needs a type that is not known yet",
             "class A:\n    def f(self):\n        return self.x\n    def g(self):\n        self.x = self.x\n", false},
    LintRule{"index", kLogic, "wrong_index", "indexes what cannot be indexed so", "def f():\n    a = {'x': 1}\n    return a[1]\n", false},
    LintRule{"list-item", kLogic, "wrong_literal", "puts an item of another type into a list", "a: list[int] = ['x']\n", false},
    LintRule{"method-assign", kStyle, "assigned_method", "assigns to a method",
             "class A:\n    def g(self):\n        return 1\ndef f(a: A):\n    a.g = lambda: 2\n", false},
    LintRule{"name-defined", kLogic, "undefined_name", "uses a name that nobody defined", "def f():\n    return undefined\n", false},
    LintRule{"no-redef", kLogic, "redefinition", "defines a name twice", "def f():\n    return 1\ndef f():\n    return 2\n", false},
    LintRule{"operator", kLogic, "wrong_operand_type", "applies an operator to types that do not have it", "def f():\n    return 1 + 'x'\n", false},
    LintRule{"override", kLogic, "wrong_signature", "overrides a method with another signature",
             "class A:\n    def f(self, a: int) -> int:\n        return a\nclass B(A):\n    def f(self) -> int:\n        return 1\n", false},
    LintRule{"possibly-undefined", kLogic, "missing_assignment", "sets a variable in one branch only",
             "def f(a):\n    if a:\n        x = 1\n    return x\n", false},
    LintRule{"redundant-cast", kStyle, "redundant_call", "casts to the type it has",
             "import typing\ndef f(a: int) -> int:\n    return typing.cast(int, a)\n", false},
    LintRule{"return", kLogic, "missing_return", "forgets the return at one end", "def f(a: int) -> int:\n    if a:\n        return 1\n", false},
    LintRule{"return-value", kLogic, "wrong_return_type", "returns a value of another type", "def f() -> int:\n    return 'x'\n", false},
    LintRule{"safe-super", kLogic, "wrong_super", "calls an abstract method of the base class",
             "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def g(self) -> int: ...\nclass B(A):\n    def g(self) -> int:\n        return super().g()\n", false},
    LintRule{"str-bytes-safe", kLogic, "bytes_as_text", "formats bytes as text", "def f() -> str:\n    return f'{b\"x\"}'\n", false},
    LintRule{"str-format", kLogic, "format_arguments", "formats with arguments that do not fit", "def f():\n    return '%d' % 'x'\n", false},
    LintRule{"truthy-bool", kLogic, "constant_condition", "tests an object that is always true",
             "class A: ...\ndef f(a: A) -> int:\n    return 1 if a else 2\n", false},
    LintRule{"truthy-function", kLogic, "missing_call", "tests a function instead of its result",
             "def g() -> int:\n    return 1\ndef f() -> int:\n    return 1 if g else 2\n", false},
    LintRule{"type-var", kLogic, "wrong_argument_type", "gives a type that the variable does not allow",
             "import typing\nT = typing.TypeVar(\"T\", bound=int)\ndef g(a: T) -> T:\n    return a\ndef f() -> str:\n    return g(\"x\")\n", false},
    LintRule{"typeddict-item", kLogic, "wrong_key", "asks a typed dict for a key it lacks",
             "import typing\nclass A(typing.TypedDict):\n    a: int\ndef f(x: A):\n    return x['b']\n", false},
    LintRule{"union-attr", kLogic, "none_check_missing", "does not think of None",
             "import re\ndef f(a: str) -> str:\n    return re.match('x', a).group()\n", false},
    LintRule{"unused-awaitable", kAsync, "async_not_awaited", "keeps no task and does not await it",
             "import asyncio\nasync def f(a: 'asyncio.Future[int]'):\n    a\n", false},
    LintRule{"unused-coroutine", kAsync, "async_not_awaited", "calls a coroutine and does not await it",
             "async def g() -> int:\n    return 1\nasync def f() -> None:\n    g()\n", false},
    LintRule{"used-before-def", kLogic, "use_before_definition", "uses a variable before it has a value", "def f():\n    print(x)\n    x = 1\n", false},
    LintRule{"valid-type", kLogic, "wrong_annotation", "annotates with what is no type", "def f(a: 1) -> None: ...\n", false},
    LintRule{"var-annotated", kStyle, "missing_annotation", "leaves open what a container holds", "def f() -> int:\n    a = []\n    return 1\n", false},
};

}  // namespace

std::span<const LintRule> mypy_rules() { return kRules; }

}  // namespace mendel::linter
