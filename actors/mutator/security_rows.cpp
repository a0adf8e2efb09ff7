// Rows of the operator table. Doors left open.
#include "actors/mutator/operator_rows.hpp"

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {
namespace {

using Class = OperatorClass;

constexpr Operator kRows[] = {
    {"sql_injection", Class::security, "formats values into a query instead of passing them", "passes the values",
     "the query is a text with placeholders and its values follow", "def f(c, name):\n    c.execute(\"SELECT * FROM t WHERE name = %s\", (name,))",
     "def f(c, name):\n    c.execute(\"SELECT * FROM t WHERE name = %s\" % (name,))", 60, find_sql_injection, kInStrings},
    {"shell_injection", Class::security, "lets a shell run the command", "passes the words to the program itself",
     "a call of subprocess that names no shell", "def f(a):\n    return subprocess.run([\"ls\", a])",
     "def f(a):\n    return subprocess.run([\"ls\", a], shell=True)", 40, find_shell_injection},
    {"unsafe_load", Class::security, "makes objects of text that others wrote", "reads data only", "safe_load, a safe loader or JSON",
     "def f(a):\n    return yaml.safe_load(a)", "def f(a):\n    return yaml.load(a)", 30, find_unsafe_load},
    {"certificate_unchecked", Class::security, "does not check the other side's certificate", "checks it", "a request or context that checks",
     "def f(a):\n    return requests.get(a)", "def f(a):\n    return requests.get(a, verify=False)", 40, find_certificate_unchecked},
    {"weak_hash", Class::security, "uses a broken hash", "uses a sound one", "a hash of the second family", "def f(a):\n    return hashlib.sha256(a)",
     "def f(a):\n    return hashlib.md5(a)", 30, find_weak_hash},
    {"hardcoded_secret", Class::security, "writes a password into the code", "reads it from where it is kept",
     "a name that says so is read or defaults to nothing", "def f(a):\n    password = a.get(\"x\")\n    return g(password)",
     "def f(a):\n    password = \"hunter2\"\n    return g(password)", 20, find_hardcoded_secret, kInStrings},
    {"eval_injection", Class::security, "evaluates text that others wrote", "reads it as what it should be",
     "literal_eval, or a number read from text", "def f(a):\n    return ast.literal_eval(a)", "def f(a):\n    return eval(a)", 10,
     find_eval_injection},
    {"missing_escape", Class::security, "sends text of others out as it came", "escapes it", "the escaped value is used",
     "def f(a):\n    return \"<b>\" + html.escape(a)", "def f(a):\n    return \"<b>\" + a", 30, find_missing_escape},
    {"path_traversal", Class::security, "takes a path of others as it came", "takes its name, or resolves it", "the checked value is used",
     "def f(a):\n    return g(os.path.basename(a))", "def f(a):\n    return g(a)", 10, find_path_traversal},
    {"insecure_temporary", Class::security, "names a temporary file before it exists", "has it made", "a file or folder is made by tempfile",
     "def f():\n    return tempfile.mkstemp()", "def f():\n    return tempfile.mktemp()", 40, find_insecure_temporary},
    {"weak_random", Class::security, "draws a secret from a predictable generator", "draws it from the system", "secrets, urandom or SystemRandom",
     "def f(a):\n    return secrets.choice(a)", "def f(a):\n    return random.choice(a)", 40, find_weak_random},
    {"loose_permissions", Class::security, "lets everybody read or write a file", "lets its owner", "a mode that is stricter",
     "def f(a):\n    os.chmod(a, 0o600)", "def f(a):\n    os.chmod(a, 0o666)", 40, find_loose_permissions},
    {"timing_attack", Class::security, "compares a secret by ==, which tells how much is right", "compares in constant time",
     "compare_digest of two values", "def f(a, b):\n    return hmac.compare_digest(a, b)", "def f(a, b):\n    return a == b", 40, find_timing_attack},
    {"assert_for_check", Class::security, "checks input by an assert, which -O takes away", "raises", "an if that does nothing but raise, and no AssertionError",
     "def f(a):\n    if not a:\n        raise ValueError(1)\n    return a", "def f(a):\n    assert a\n    return a", 3, find_assert_for_check},
    {"swallowed_exception", Class::security, "passes over an exception", "handles it", "a handler of one line that does something",
     "def f(g):\n    try:\n        g()\n    except OSError:\n        close()", "def f(g):\n    try:\n        g()\n    except OSError:\n        pass",
     4, find_swallowed_exception},
    {"missing_timeout", Class::security, "waits for ever", "waits a limited time", "a timeout is passed", "def f(a):\n    return g(a, timeout=5)",
     "def f(a):\n    return g(a)", 10, find_missing_timeout},
    {"open_to_all", Class::security, "listens on all interfaces", "listens on the loopback", "the address is a text of its own",
     "def f(a):\n    a.bind((\"127.0.0.1\", 80))", "def f(a):\n    a.bind((\"0.0.0.0\", 80))", 10, find_open_to_all, kInStrings},
};

}  // namespace

std::span<const Operator> security_rows() { return kRows; }

}  // namespace mendel::mutator
