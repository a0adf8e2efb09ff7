// The rules of bandit, by test id. Bare imports (B401 to B415) are left out: what they change is in no function.
#include <array>

#include "actors/linter/rule_table.hpp"

namespace mendel::linter {
namespace {

constexpr auto kSecurity = BugClass::security;
constexpr auto kFramework = BugClass::framework;

constexpr std::array kRules = {
    LintRule{"B101", kSecurity, "assert_as_check", "checks by assert, which -O removes", "def f(a):\n    assert a\n", false},
    LintRule{"B102", kSecurity, "code_injection", "runs text as code", "def f(a):\n    exec(a)\n", false},
    LintRule{"B103", kSecurity, "wrong_permissions", "lets everybody write a file", "import os\ndef f(a):\n    os.chmod(a, 0o777)\n", false},
    LintRule{"B104", kSecurity, "open_to_all", "listens on all interfaces", "def f(s):\n    s.bind(('0.0.0.0', 80))\n", false},
    LintRule{"B105", kSecurity, "hardcoded_secret", "writes a password into the code", "def f():\n    password = 'secret!'\n    return password\n", false},
    LintRule{"B106", kSecurity, "hardcoded_secret", "gives a password as a literal argument", "def f(g):\n    g(password='secret!')\n", false},
    LintRule{"B107", kSecurity, "hardcoded_secret", "has a password as default", "def f(password='secret!'):\n    return password\n", false},
    LintRule{"B108", kSecurity, "predictable_file", "uses a fixed name in the temporary folder", "def f():\n    return open('/tmp/x')\n", false},
    LintRule{"B110", kSecurity, "swallowed_exception", "passes over any exception",
             "def f(a):\n    try:\n        a()\n    except Exception:\n        pass\n", false},
    LintRule{"B112", kSecurity, "swallowed_exception", "goes on after any exception",
             "def f(a):\n    for x in a:\n        try:\n            x()\n        except Exception:\n            continue\n", false},
    LintRule{"B113", kSecurity, "missing_timeout", "sends a request without a timeout", "import requests\ndef f(a):\n    return requests.get(a)\n", false},
    LintRule{"B201", kFramework, "debug_enabled", "runs the application in debug mode",
             "import flask\ndef f():\n    app = flask.Flask('x')\n    app.run(debug=True)\n", false},
    LintRule{"B202", kSecurity, "unsafe_extraction", "unpacks an archive without a look at its names",
             "import tarfile\ndef f(a):\n    tarfile.open(a).extractall()\n", false},
    LintRule{"B301", kSecurity, "unsafe_load", "unpickles untrusted bytes", "import pickle\ndef f(a):\n    return pickle.loads(a)\n", false},
    LintRule{"B302", kSecurity, "unsafe_load", "loads untrusted marshal data", "import marshal\ndef f(a):\n    return marshal.loads(a)\n", false},
    LintRule{"B303", kSecurity, "weak_hash", "uses a weak hash", "from Crypto.Hash import MD5\ndef f():\n    return MD5.new()\n", false},
    LintRule{"B304", kSecurity, "weak_cipher", "uses a broken cipher", "from Crypto.Cipher import DES\ndef f(k):\n    return DES.new(k)\n", false},
    LintRule{"B306", kSecurity, "predictable_file", "asks for a temporary name that others can take",
             "import tempfile\ndef f():\n    return tempfile.mktemp()\n", false},
    LintRule{"B307", kSecurity, "code_injection", "evaluates text as code", "def f(a):\n    return eval(a)\n", false},
    LintRule{"B308", kFramework, "missing_escape", "marks text of others as safe",
             "from django.utils.safestring import mark_safe\ndef f(a):\n    return mark_safe(a)\n", false},
    LintRule{"B310", kSecurity, "open_scheme", "opens any URL, file:// too",
             "import urllib.request\ndef f(a):\n    return urllib.request.urlopen(a)\n", false},
    LintRule{"B311", kSecurity, "weak_random", "draws a secret from a predictable generator", "import random\ndef f():\n    return random.random()\n", false},
    LintRule{"B312", kSecurity, "plaintext_protocol", "speaks telnet", "import telnetlib\ndef f(a):\n    return telnetlib.Telnet(a)\n", false},
    LintRule{"B314", kSecurity, "unsafe_xml", "parses untrusted XML by ElementTree",
             "import xml.etree.ElementTree as e\ndef f(a):\n    return e.fromstring(a)\n", false},
    LintRule{"B317", kSecurity, "unsafe_xml", "parses untrusted XML by sax", "import xml.sax\ndef f(a, h):\n    return xml.sax.parse(a, h)\n", false},
    LintRule{"B318", kSecurity, "unsafe_xml", "parses untrusted XML by minidom",
             "import xml.dom.minidom\ndef f(a):\n    return xml.dom.minidom.parseString(a)\n", false},
    LintRule{"B321", kSecurity, "plaintext_protocol", "speaks FTP", "import ftplib\ndef f(a):\n    return ftplib.FTP(a)\n", false},
    LintRule{"B323", kSecurity, "certificate_unchecked", "makes a context that checks no certificate",
             "import ssl\ndef f():\n    return ssl._create_unverified_context()\n", false},
    LintRule{"B324", kSecurity, "weak_hash", "uses a weak hash", "import hashlib\ndef f(a):\n    return hashlib.md5(a)\n", false},
    LintRule{"B501", kSecurity, "certificate_unchecked", "does not check the other side's certificate",
             "import requests\ndef f(a):\n    return requests.get(a, verify=False, timeout=5)\n", false},
    LintRule{"B502", kSecurity, "weak_protocol", "asks for a broken protocol",
             "import ssl\ndef f(s):\n    return ssl.wrap_socket(s, ssl_version=ssl.PROTOCOL_SSLv2)\n", false},
    LintRule{"B503", kSecurity, "weak_protocol", "has a broken protocol as default",
             "import ssl\ndef f(version=ssl.PROTOCOL_SSLv2):\n    return version\n", false},
    LintRule{"B504", kSecurity, "weak_protocol", "leaves the protocol open", "import ssl\ndef f(s):\n    return ssl.wrap_socket(s)\n", false},
    LintRule{"B505", kSecurity, "weak_key", "makes a key that is too short",
             "from cryptography.hazmat.primitives.asymmetric import rsa\ndef f():\n    return rsa.generate_private_key(65537, key_size=512)\n", false},
    LintRule{"B506", kSecurity, "unsafe_load", "loads YAML that can make any object", "import yaml\ndef f(a):\n    return yaml.load(a)\n", false},
    LintRule{"B507", kSecurity, "host_unchecked", "takes any host key",
             "import paramiko\ndef f():\n    c = paramiko.SSHClient()\n    c.set_missing_host_key_policy(paramiko.AutoAddPolicy)\n", false},
    LintRule{"B602", kSecurity, "shell_injection", "runs a program through the shell",
             "import subprocess\ndef f(a):\n    subprocess.Popen(a, shell=True)\n", false},
    LintRule{"B604", kSecurity, "shell_injection", "calls a function with shell=True", "def f(g, a):\n    g(a, shell=True)\n", false},
    LintRule{"B605", kSecurity, "shell_injection", "starts a shell", "import os\ndef f(a):\n    os.system(a)\n", false},
    LintRule{"B607", kSecurity, "relative_program", "starts a program by a partial path",
             "import subprocess\ndef f():\n    subprocess.Popen(['ls', '-l'])\n", false},
    LintRule{"B608", kSecurity, "sql_injection", "builds SQL from text", "def f(a, c):\n    c.execute(\"SELECT * FROM t WHERE x = '%s'\" % a)\n", false},
    LintRule{"B609", kSecurity, "shell_injection", "passes a wildcard to a shell", "import os\ndef f():\n    os.system('chown x *')\n", false},
    LintRule{"B610", kFramework, "sql_injection", "gives Django's extra text as SQL",
             "from django.contrib.auth.models import User\ndef f(a):\n    return User.objects.filter(x=1).extra(select={'a': '%s' % a})\n", false},
    LintRule{"B611", kFramework, "sql_injection", "gives Django's RawSQL text",
             "from django.db.models.expressions import RawSQL\ndef f(a, q):\n    return q.annotate(v=RawSQL('%s' % a, []))\n", false},
    LintRule{"B613", kSecurity, "hidden_text", "hides text by control characters", "def f(a):\n    return a  # \xE2\x80\xAE x\n", false},
    LintRule{"B614", kSecurity, "unsafe_load", "loads a model that can run code", "import torch\ndef f(a):\n    return torch.load(a)\n", false},
    LintRule{"B701", kSecurity, "missing_escape", "makes templates that do not escape", "import jinja2\ndef f():\n    return jinja2.Environment()\n", false},
    LintRule{"B702", kSecurity, "missing_escape", "makes Mako templates, which do not escape",
             "import mako.template\ndef f(a):\n    return mako.template.Template(a)\n", false},
};

}  // namespace

std::span<const LintRule> bandit_rules() { return kRules; }

}  // namespace mendel::linter
