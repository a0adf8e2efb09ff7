// Rows of the operator table. What works and no reviewer lets pass.
#include "actors/mutator/operator_rows.hpp"

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {
namespace {

using Class = OperatorClass;

constexpr Operator kRows[] = {
    {"bare_except", Class::style, "catches everything, the interrupt of the user included", "names what is caught",
     "the last handler of its try, the exception not used", "def f(g):\n    try:\n        g()\n    except ValueError:\n        return 0",
     "def f(g):\n    try:\n        g()\n    except:\n        return 0", 40, find_bare_except},
    {"none_comparison", Class::style, "compares with None by ==", "compares by is", "an identity with None", "def f(a):\n    return a is None",
     "def f(a):\n    return a == None", 4, find_none_comparison},
    {"bool_comparison", Class::style, "compares a condition with True or False", "takes the condition as it is", "a condition of one term",
     "def f(a):\n    if a:\n        return 1", "def f(a):\n    if a == True:\n        return 1", 1, find_bool_comparison},
    {"type_comparison", Class::style, "compares types where a subclass would do", "asks isinstance", "isinstance with one type",
     "def f(a):\n    return isinstance(a, int)", "def f(a):\n    return type(a) == int", 5, find_type_comparison},
    {"unused_import", Class::style, "imports what is not used", "takes the import away", "the function does not name the module",
     "def f(a):\n    b = a\n    return b", "def f(a):\n    import os\n    b = a\n    return b", 0.5, find_unused_import},
    {"unused_variable", Class::style, "keeps a value that is not used", "takes the name away", "a call for its effect; the name is new",
     "def f(a):\n    g(a)\n    return a", "def f(a):\n    result = g(a)\n    return a", 1, find_unused_variable},
    {"shadowed_builtin", Class::style, "takes the name of a builtin", "takes another name",
     "the variable of a comprehension on one line; the builtin is not used", "def f(a):\n    return [i.b for i in a]",
     "def f(a):\n    return [id.b for id in a]", 5, find_shadowed_builtin},
    {"ambiguous_name", Class::style, "names a variable l, which reads like 1", "takes a telling name", "the variable of a comprehension on one line",
     "def f(a):\n    return [i.b for i in a]", "def f(a):\n    return [l.b for l in a]", 4, find_ambiguous_name},
    {"fstring_without_placeholder", Class::style, "writes an f before a text without placeholders", "takes the f away",
     "the text has no braces and no escapes", "def f():\n    return g('text')", "def f():\n    return g(f'text')", 1.5,
     find_fstring_without_placeholder},
    {"negated_membership", Class::style, "negates the whole instead of the comparison", "writes not in or is not",
     "the operand is plain and begins the term", "def f(a, b):\n    if a not in b:\n        return 1",
     "def f(a, b):\n    if not a in b:\n        return 1", 6, find_negated_membership},
    {"superfluous_parentheses", Class::style, "puts a whole condition or value in parentheses", "takes them away",
     "the value has no comma and is on one line", "def f(a):\n    return a + 1", "def f(a):\n    return (a + 1)", 0.6, find_superfluous_parentheses},
    {"trailing_semicolon", Class::style, "ends a line by a semicolon", "takes it away", "the statement has its line for itself",
     "def f(a):\n    b = a\n    return b", "def f(a):\n    b = a;\n    return b", 0.4, find_trailing_semicolon},
    {"yoda_condition", Class::style, "puts the constant first", "puts it last", "a comparison with a number or text",
     "def f(a):\n    if a == 1:\n        return 2", "def f(a):\n    if 1 == a:\n        return 2", 3, find_yoda_condition},
    {"needless_keys", Class::style, "asks the keys of a mapping where the mapping does", "asks the mapping",
     "the thing is used as a mapping elsewhere", "def f(a, b):\n    if b in a:\n        return a.get(b)",
     "def f(a, b):\n    if b in a.keys():\n        return a.get(b)", 8, find_needless_keys},
    {"needless_ternary", Class::style, "chooses True or False by a condition that is either already", "returns the condition",
     "one comparison is returned", "def f(a, b):\n    return a == b", "def f(a, b):\n    return True if a == b else False", 5, find_needless_ternary},
    {"raise_without_from", Class::style, "hides the cause of an exception", "names the cause", "the cause is named",
     "def f(g):\n    try:\n        g()\n    except OSError as e:\n        raise ValueError(1) from e",
     "def f(g):\n    try:\n        g()\n    except OSError as e:\n        raise ValueError(1)", 8, find_raise_without_from},
    {"needless_comprehension", Class::style, "copies by a comprehension", "calls list or set", "list or set of a plain operand",
     "def f(a):\n    return list(a)", "def f(a):\n    return [x for x in a]", 4, find_needless_comprehension},
    {"negated_comparison", Class::style, "negates a comparison instead of comparing the other way", "compares the other way",
     "both sides are plain and all of the term", "def f(a, b):\n    if a != b:\n        return 1",
     "def f(a, b):\n    if not a == b:\n        return 1", 2.5, find_negated_comparison},
};

}  // namespace

std::span<const Operator> style_rows() { return kRows; }

}  // namespace mendel::mutator
