// Rows of the operator table. Slips after which the code does not parse any more.
#include "actors/mutator/operator_rows.hpp"

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {
namespace {

using Class = OperatorClass;

constexpr Operator kRows[] = {
    {"missing_colon", Class::syntax, "forgets the colon that opens a block", "puts the colon back", "every block is opened by one",
     "def f(a):\n    if a:\n        return 1", "def f(a):\n    if a\n        return 1", 1, find_missing_colon},
    {"missing_parenthesis", Class::syntax, "leaves out an opening or closing parenthesis", "puts the parenthesis back", "brackets must pair",
     "def f(a):\n    return g(a)", "def f(a):\n    return g(a", 0.95, find_missing_parenthesis},
    {"missing_bracket", Class::syntax, "leaves out a square or curly bracket", "puts the bracket back", "brackets must pair",
     "def f(a):\n    return a[0]", "def f(a):\n    return a[0", 1.55, find_missing_bracket},
    {"missing_comma", Class::syntax, "forgets the comma between two items", "puts the comma back", "the right item could not go on from the left one",
     "def f(a, b):\n    return g(a, b)", "def f(a, b):\n    return g(a b)", 1.1, find_missing_comma},
    {"indentation_error", Class::syntax, "indents a line too far or not far enough", "indents the line as its block", "no block has that depth there",
     "def f(a):\n    b = a\n    return b", "def f(a):\n    b = a\n      return b", 1, find_indentation_error},
    {"extra_closer", Class::syntax, "closes a bracket once too often", "takes the second closer away",
     "the outermost bracket, or two closers in a row", "def f(a):\n    return g(a)", "def f(a):\n    return g(a))", 0.6, find_extra_closer},
    {"mismatched_closer", Class::syntax, "closes a bracket by one of another kind", "closes it by its own kind", "brackets must pair",
     "def f(a):\n    return a[0]", "def f(a):\n    return a[0)", 0.6, find_mismatched_closer},
    {"unclosed_string", Class::syntax, "forgets the quote at the end of a text", "closes the text", "no other quote of the kind follows on the line",
     "def f():\n    return g('a')", "def f():\n    return g('a)", 1, find_unclosed_string, kInStrings},
    {"tab_space_mix", Class::syntax, "indents one line by tabs among lines indented by spaces", "indents by spaces",
     "the line is not all of its block, where either would do", "def f(a):\n    b = a\n    return b", "def f(a):\n    b = a\n\treturn b", 0.4,
     find_tab_space_mix},
    {"misspelt_keyword", Class::syntax, "mistypes a keyword or takes that of another language", "writes Python's keyword",
     "what follows cannot go on from a name", "def f(a):\n    return a", "def f(a):\n    retrun a", 1, find_misspelt_keyword, kOnlyCpython},
    {"assignment_for_comparison", Class::syntax, "writes = where == is meant", "compares",
     "in a condition, outside of brackets where it would name an argument", "def f(a):\n    if a == 1:\n        return 2",
     "def f(a):\n    if a = 1:\n        return 2", 3, find_assignment_for_comparison},
    {"python2_print", Class::syntax, "prints without parentheses, as in Python 2", "calls print",
     "what is printed begins with a name, number or text", "def f(a):\n    print(a)", "def f(a):\n    print a", 3, find_python2_print, kOnlyCpython},
    {"python2_except", Class::syntax, "names the exception behind a comma, as in Python 2", "names it with as", "the handler names its exception",
     "def f(g):\n    try:\n        g()\n    except OSError as e:\n        return e",
     "def f(g):\n    try:\n        g()\n    except OSError, e:\n        return e", 2, find_python2_except, kOnlyCpython},
    {"python2_syntax", Class::syntax, "raises behind a comma, writes <> or an octal number as in Python 2", "writes it as in Python 3",
     "Python 3 reads none of these", "def f(a):\n    return a != 1", "def f(a):\n    return a <> 1", 1, find_python2_syntax, kOnlyCpython},
    {"illegal_comment", Class::syntax, "begins a comment by //, as in C", "begins it by #",
     "the comment has a line of its own; behind code it might divide", "def f(a):\n    # as given\n    return a",
     "def f(a):\n    // as given\n    return a", 1, find_illegal_comment, kInComments},
    {"wrong_punctuation", Class::syntax, "types a semicolon for a colon or comma", "types the right sign",
     "at the end of a header, in a literal or between arguments", "def f(a):\n    if a:\n        return 1", "def f(a):\n    if a;\n        return 1",
     0.4, find_wrong_punctuation},
    {"else_if", Class::syntax, "writes else if, as in other languages", "writes elif", "there is an elif",
     "def f(a):\n    if a:\n        return 1\n    elif a == 0:\n        return 2",
     "def f(a):\n    if a:\n        return 1\n    else if a == 0:\n        return 2", 2, find_else_if},
    {"foreign_operator", Class::syntax, "writes &&, double bars, ! or ++, as in other languages", "writes and, or, not, += 1",
     "Python has none of these", "def f(a, b):\n    return a and b", "def f(a, b):\n    return a && b", 1, find_foreign_operator, kOnlyCpython},
    {"positional_after_keyword", Class::syntax, "puts a positional argument or parameter behind a named one", "puts it in front",
     "two neighbours, the first without and the second with a name", "def f(a):\n    return g(a, b=1)", "def f(a):\n    return g(b=1, a)", 0.7,
     find_positional_after_keyword, kOnlyCpython},
    {"missing_keyword", Class::syntax, "forgets the word in, is or def", "puts the word back", "the two sides cannot stand beside each other",
     "def f(a):\n    for b in a:\n        g(b)", "def f(a):\n    for b a:\n        g(b)", 0.5, find_missing_keyword},
};

}  // namespace

std::span<const Operator> syntax_rows() { return kRows; }

}  // namespace mendel::mutator
