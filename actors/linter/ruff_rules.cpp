// The rules of ruff. Rules about imports at the top, annotations, documentation and layout are left out: what they
// change is in no function, or no model of code could tell.
#include <array>

#include "actors/linter/rule_table.hpp"

namespace mendel::linter {
namespace {

constexpr auto kLogic = BugClass::logic;
constexpr auto kStyle = BugClass::style;
constexpr auto kAsync = BugClass::async;
constexpr auto kSecurity = BugClass::security;
constexpr auto kFramework = BugClass::framework;

constexpr std::array kRules = {
    LintRule{"ASYNC105", kAsync, "async_not_awaited", "calls a coroutine of trio without await", "import trio\nasync def f():\n    trio.sleep(1)\n", true},
    LintRule{"ASYNC115", kAsync, "blocking_checkpoint", "sleeps for no time where a checkpoint is meant",
             "import trio\nasync def f():\n    await trio.sleep(0)\n", false},
    LintRule{"B006", kLogic, "mutable_default", "shares one default object between calls", "def f(a=[]):\n    return a\n", true},
    LintRule{"B009", kStyle, "constant_attribute", "calls getattr with a constant name", "def f(a):\n    return getattr(a, \"b\")\n", false},
    LintRule{"B010", kStyle, "constant_attribute", "calls setattr with a constant name", "def f(a):\n    setattr(a, \"b\", 1)\n", false},
    LintRule{"B013", kStyle, "redundant_tuple", "catches a tuple of one exception", "def f(a):\n    try:\n        a()\n    except (ValueError,):\n        pass\n", false},
    LintRule{"B014", kLogic, "wrong_exception", "catches the same exception twice", "def f(a):\n    try:\n        a()\n    except (OSError, OSError):\n        pass\n", false},
    LintRule{"B033", kLogic, "duplicate_value", "writes a value into a set twice", "def f():\n    return {1, 2, 1}\n", false},
    LintRule{"C413", kStyle, "redundant_call", "sorts and then calls list or reversed", "def f(a):\n    return list(sorted(a))\n", false},
    LintRule{"E703", kStyle, "useless_semicolon", "ends a statement with a semicolon", "def f(a):\n    a();\n", false},
    LintRule{"E711", kStyle, "none_comparison", "compares to None by equality", "def f(a):\n    return a == None\n", true},
    LintRule{"E712", kStyle, "bool_comparison", "compares to True or False by equality", "def f(a):\n    if a == True:\n        return 1\n", true},
    LintRule{"E713", kStyle, "negated_membership", "negates the whole membership test", "def f(a, b):\n    return not a in b\n", false},
    LintRule{"E714", kStyle, "negated_identity", "negates the whole identity test", "def f(a, b):\n    return not a is b\n", false},
    LintRule{"F401", kStyle, "unused_import", "imports what is not used", "def f():\n    import os\n    return 1\n", false},
    LintRule{"F504", kLogic, "format_arguments", "formats with a named argument that the text lacks", "def f():\n    return \"%(a)s\" % {\"a\": 1, \"b\": 2}\n", false},
    LintRule{"F541", kStyle, "empty_f_string", "marks a string as f-string without a placeholder", "def f():\n    return f\"a\"\n", false},
    LintRule{"F632", kLogic, "wrong_identity", "compares to a literal by identity", "def f(a):\n    return a is 1\n", false},
    LintRule{"F811", kLogic, "redefinition", "imports a name twice", "def f():\n    import os\n    import os\n    return os\n", false},
    LintRule{"F841", kStyle, "unused_variable", "names an exception that is not used", "def f(a):\n    try:\n        a()\n    except OSError as e:\n        pass\n", false},
    LintRule{"FURB136", kStyle, "verbose_minimum", "spells out min or max", "def f(a, b):\n    return a if a > b else b\n", false},
    LintRule{"FURB188", kStyle, "sliced_prefix", "slices off a prefix by hand", "def f(a):\n    if a.startswith(\"x\"):\n        a = a[1:]\n    return a\n", false},
    LintRule{"G010", kFramework, "deprecated_call", "calls the old name of logging.warning", "import logging\ndef f():\n    logging.warn(\"a\")\n", false},
    LintRule{"LOG009", kFramework, "deprecated_constant", "uses the old name of logging.WARNING", "import logging\ndef f():\n    return logging.WARN\n", false},
    LintRule{"NPY001", kFramework, "deprecated_type", "uses a type alias that numpy removed", "import numpy as np\ndef f():\n    return np.float\n", false},
    LintRule{"PIE790", kStyle, "useless_pass", "writes pass into a block that has a statement", "def f(a):\n    a()\n    pass\n", false},
    LintRule{"PIE804", kStyle, "redundant_unpacking", "unpacks a literal dict into arguments", "def f(a):\n    a(**{\"b\": 1})\n", false},
    LintRule{"PIE808", kStyle, "redundant_start", "starts a range at 0", "def f(n):\n    return range(0, n)\n", false},
    LintRule{"PLC0208", kStyle, "iteration_over_set", "iterates over a set of literals", "def f(a):\n    for x in {1, 2}:\n        a(x)\n", false},
    LintRule{"PLC1802", kStyle, "length_as_condition", "tests the length instead of the container", "def f(a):\n    b = list(a)\n    if len(b):\n        return 1\n", false},
    LintRule{"PLR1711", kStyle, "useless_return", "returns None at the end", "def f(a):\n    a()\n    return\n", false},
    LintRule{"PLR1716", kStyle, "unchained_comparison", "joins two comparisons that could be one", "def f(a, b, c):\n    return a < b and b < c\n", false},
    LintRule{"PLR1730", kStyle, "verbose_minimum", "spells out min or max with if", "def f(a, b):\n    if a < b:\n        a = b\n    return a\n", false},
    LintRule{"PLR1733", kStyle, "redundant_lookup", "looks up what the loop has in hand", "def f(a):\n    for k, v in a.items():\n        print(a[k])\n", false},
    LintRule{"PLR5501", kStyle, "collapsible_else", "nests an if in an else", "def f(a, b):\n    if a:\n        return 1\n    else:\n        if b:\n            a = 2\n    return a\n", false},
    LintRule{"PT001", kFramework, "fixture_parentheses", "calls pytest.fixture without arguments", "import pytest\n@pytest.fixture()\ndef f():\n    return 1\n", false},
    LintRule{"PT022", kFramework, "useless_yield", "yields from a fixture that cleans nothing up", "import pytest\n@pytest.fixture\ndef f():\n    a = 1\n    yield a\n", true},
    LintRule{"PT023", kFramework, "mark_parentheses", "calls a mark without arguments", "import pytest\n@pytest.mark.slow()\ndef test_a():\n    assert 1\n", false},
    LintRule{"RET501", kStyle, "explicit_none", "returns None where nothing else is returned", "def f(a):\n    a()\n    return None\n", false},
    LintRule{"RET502", kStyle, "inconsistent_return", "returns nothing in a function that returns values", "def f(a):\n    if a:\n        return\n    return 1\n", false},
    LintRule{"RET503", kStyle, "inconsistent_return", "leaves the return of None unsaid at one end", "def f(a):\n    if a:\n        return 1\n", true},
    LintRule{"RET505", kStyle, "superfluous_else", "writes else after return", "def f(a):\n    if a:\n        return 1\n    else:\n        a()\n        return 2\n", false},
    LintRule{"RET506", kStyle, "superfluous_else", "writes else after raise", "def f(a):\n    if a:\n        raise OSError\n    else:\n        a()\n", false},
    LintRule{"RET507", kStyle, "superfluous_else", "writes else after continue", "def f(a):\n    for x in a:\n        if x:\n            continue\n        else:\n            x()\n", false},
    LintRule{"RET508", kStyle, "superfluous_else", "writes else after break", "def f(a):\n    for x in a:\n        if x:\n            break\n        else:\n            x()\n", false},
    LintRule{"RSE102", kStyle, "useless_parentheses", "calls an exception without arguments", "def f():\n    raise ValueError()\n", false},
    LintRule{"RUF010", kStyle, "verbose_conversion", "calls str or repr inside an f-string", "def f(a):\n    return f\"{repr(a)}\"\n", false},
    LintRule{"RUF015", kStyle, "needless_copy", "builds a list to take its first item", "def f(a):\n    return list(a)[0]\n", true},
    LintRule{"RUF019", kStyle, "redundant_check", "asks for a key before it is looked up", "def f(a):\n    if \"x\" in a and a[\"x\"]:\n        return 1\n", false},
    LintRule{"RUF046", kStyle, "redundant_call", "makes an int of an int", "def f(a):\n    return int(len(a))\n", false},
    LintRule{"RUF057", kStyle, "redundant_call", "rounds an integer", "def f():\n    return round(1)\n", false},
    LintRule{"RUF064", kSecurity, "wrong_permissions", "writes file permissions in decimal", "import os\ndef f(a):\n    os.chmod(a, 644)\n", true},
    LintRule{"SIM101", kStyle, "duplicate_check", "asks isinstance twice", "def f(a):\n    return isinstance(a, int) or isinstance(a, float)\n", true},
    LintRule{"SIM103", kStyle, "verbose_bool", "returns True or False from if", "def f(a, b):\n    if a > b:\n        return True\n    else:\n        return False\n", true},
    LintRule{"SIM114", kStyle, "duplicate_branch", "writes the same branch twice", "def f(a, b):\n    if a:\n        return 1\n    elif b:\n        return 1\n    return 2\n", false},
    LintRule{"SIM117", kStyle, "nested_with", "nests with in with", "def f(a, b):\n    with a:\n        with b:\n            f(a, b)\n", false},
    LintRule{"SIM118", kStyle, "redundant_keys", "asks keys() for a key", "def f():\n    a = {}\n    return \"x\" in a.keys()\n", false},
    LintRule{"SIM202", kStyle, "negated_comparison", "negates an inequality", "def f(a, b):\n    return not a != b\n", true},
    LintRule{"SIM208", kStyle, "double_negation", "negates twice", "def f(a):\n    if not (not a):\n        return 1\n", false},
    LintRule{"SIM300", kStyle, "yoda_condition", "puts the constant first", "def f(a):\n    return 1 == a\n", false},
    LintRule{"SIM905", kStyle, "split_literal", "splits a literal at run time", "def f():\n    return \"a b\".split()\n", false},
    LintRule{"SIM910", kStyle, "redundant_default", "gives get the default it has", "def f():\n    a = {}\n    return a.get(\"x\", None)\n", false},
    LintRule{"UP003", kStyle, "type_of_literal", "asks for the type of a literal", "def f():\n    return type(\"\")\n", false},
    LintRule{"UP008", kStyle, "super_arguments", "gives super the arguments it knows", "class A:\n    def f(self):\n        return super(A, self).f()\n", false},
    LintRule{"UP012", kStyle, "redundant_encode", "encodes a literal", "def f():\n    return \"a\".encode(\"utf-8\")\n", false},
    LintRule{"UP015", kStyle, "redundant_mode", "opens with the mode that is the default", "def f(a):\n    return open(a, \"r\")\n", false},
    LintRule{"UP018", kStyle, "redundant_call", "calls a type for its empty literal", "def f():\n    return str(\"a\")\n", false},
    LintRule{"UP020", kStyle, "deprecated_call", "opens by io.open", "import io\ndef f(a):\n    return io.open(a)\n", false},
    LintRule{"UP021", kStyle, "deprecated_argument", "asks for text by its old name", "import subprocess\ndef f(a):\n    return subprocess.run(a, universal_newlines=True)\n", false},
    LintRule{"UP024", kLogic, "wrong_exception", "catches an alias of OSError", "def f(a):\n    try:\n        a()\n    except IOError:\n        pass\n", false},
    LintRule{"UP025", kStyle, "useless_prefix", "marks a string as Unicode", "def f():\n    return u\"a\"\n", false},
    LintRule{"UP032", kStyle, "format_call", "formats by a call where an f-string does", "def f(a):\n    return \"{}\".format(a)\n", false},
    LintRule{"UP034", kStyle, "useless_parentheses", "doubles parentheses", "def f(a):\n    print((a))\n", false},
    LintRule{"UP041", kLogic, "wrong_exception", "catches an alias of TimeoutError", "import socket\ndef f(a):\n    try:\n        a()\n    except socket.timeout:\n        pass\n", false},
};

}  // namespace

std::span<const LintRule> ruff_rules() { return kRules; }

}  // namespace mendel::linter
