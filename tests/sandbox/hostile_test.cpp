// Code that means harm, run for real, in both ways of running and as whoever runs the tests (also root):
// F35 (limits kill it, siblings are fine), F36 (no network, no secrets), F37 (faked success).
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "actors/sandbox/system_call_filter.hpp"
#include "tests/sandbox/sandboxes.hpp"

using namespace mendel;
using namespace mendel::sandbox;
using namespace mendel::sandbox::samples;

namespace {

struct Attack {
  const char* name;
  const char* code;  // asserts that it fails; so it must pass
};

// Whatever is tried here must raise OSError.
constexpr char kRefused[] = R"(
import ctypes, os, socket
def refused(attempt, *arguments):
    try:
        attempt(*arguments)
    except OSError:
        return
    raise SystemExit(f'{attempt} {arguments} was allowed')
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno())
)";

constexpr Attack kAttacks[] = {
    {"reading secrets", "for path in ('/etc/shadow', '/etc/passwd', '/root', '/home', '/var', '/run', '/work', '/sys'):\n    refused(os.listdir if os.path.isdir(path) else open, path)\n"
                        "assert set(os.listdir('/')) <= {'bin', 'box', 'dev', 'etc', 'lib', 'lib32', 'lib64', 'packages', 'proc', 'tmp', 'usr'}, os.listdir('/')\n"},
    {"the environment", "assert set(os.environ) <= {'PATH', 'HOME', 'TMPDIR', 'LC_ALL', 'TZ', 'PYTHONHASHSEED', 'PYTHONDONTWRITEBYTECODE', 'PWD'}, set(os.environ)\n"},
    {"the environment and memory of other processes",
     "for pid in filter(str.isdigit, os.listdir('/proc')):\n    try:\n        text = open(f'/proc/{pid}/environ', 'rb').read()\n    except OSError:\n        continue\n"
     "    assert b'MENDEL_SECRET' not in text, pid\nassert len([p for p in os.listdir('/proc') if p.isdigit()]) <= 3\n"},
    {"the network", "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET):\n    refused(socket.socket, family)\n"
                    "refused(socket.create_connection, ('127.0.0.1', 9))\nrefused(socket.getaddrinfo, 'example.org', 80)\n"},
    {"writing outside", "for path in ('/x', '/usr/x', '/etc/x', '/dev/x', '/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/bin/sh'):\n    refused(open, path, 'w')\n"
                        "refused(os.mkdir, '/new')\nrefused(os.remove, '/usr/bin/env')\nrefused(os.chmod, '/usr/bin/env', 0o777)\nopen('/box/mine', 'w').close()\nopen('/tmp/mine', 'w').close()\n"},
    {"new namespaces and mounts", "refused(call, 272, 0x10000000)\nrefused(call, 272, 0x20000)\nrefused(call, 165, b'x', b'/tmp', b'tmpfs', 0, None)\nrefused(call, 161, b'/tmp')\nrefused(call, 56, 0x10000000 | 17, 0, 0, 0, 0)\n"},
    {"tracing, BPF, io_uring, keys, modules", "for number in (101, 310, 311, 321, 425, 250, 175, 246, 169, 323, 319):\n    refused(call, number, 0, 0, 0, 0, 0)\n"},
    {"the user", "assert os.getuid() != 0 and os.geteuid() != 0\nrefused(os.setuid, 0)\nrefused(os.setgroups, [0])\nrefused(os.chroot, '/tmp')\n"
                 "assert 'CapEff:\\t0000000000000000' in open('/proc/self/status').read() and 'NoNewPrivs:\\t1' in open('/proc/self/status').read()\n"},
    {"raising its own limits", "import resource\nfor limit in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):\n    soft, hard = resource.getrlimit(limit)\n"
                               "    try:\n        resource.setrlimit(limit, (hard * 2, hard * 2))\n    except (ValueError, OSError):\n        continue\n    raise SystemExit(limit)\n"},
    {"filling the disk", "try:\n    for n in range(1000):\n        with open(f'/tmp/{n}', 'wb') as file: file.write(b'x' * (1 << 20))\nexcept OSError:\n    assert n < 64\nelse:\n    raise SystemExit('1 GB')\n"},
    {"one huge file", "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nrefused(lambda: open('big', 'wb').write(b'x' * (64 << 20)))\n"},
    {"a memory bomb", "try:\n    held = [bytearray(64 << 20) for _ in range(1000)]\nexcept MemoryError:\n    pass\nelse:\n    raise SystemExit('64 GB')\n"},
    {"shared memory past all limits", "refused(call, 29, 0, 1 << 30, 0o1600)\nrefused(call, 319, b'x', 0)\n"},
    {"a fork bomb", "made = []\ntry:\n    while len(made) < 5000:\n        pid = os.fork()\n        if pid == 0:\n            import time\n            time.sleep(60)\n            os._exit(0)\n        made.append(pid)\nexcept BlockingIOError:\n    pass\n"
                    "assert len(made) < 100, len(made)\n"},
    {"a thread bomb", "import threading\nstop = threading.Event()\ntry:\n    for n in range(5000): threading.Thread(target=stop.wait, daemon=True).start()\nexcept RuntimeError:\n    pass\nstop.set()\nassert n < 100, n\n"},
    {"killing everybody", "import signal\nfor pid in (1, ):\n    try:\n        os.kill(pid, signal.SIGKILL)\n    except OSError:\n        pass\n"},
};

// Says that it has passed without having done what a test must do. None may pass.
struct Fake {
  const char* kind;
  const char* code;
};
constexpr Fake kFakes[] = {
    {"script", "import os\nos._exit(0)"},
    {"script", "import sys\nprint('OK')\nsys.exit(0)"},
    {"script", "raise SystemExit"},
    {"script", "import os\nprint('{\"outcome\":\"passed\"}')\nos.write(3, b'{\"outcome\":\"passed\"}\\n')\nos._exit(0)"},
    {"script", "import os\nfor fd in range(3, 20):\n    try: os.write(fd, b'{\"outcome\":\"passed\"}\\n{\"nonce\":\"\",\"planted\":1,\"failed\":1}\\n')\n    except OSError: pass\nos._exit(0)"},
    {"script", "import atexit, os\natexit.register(os._exit, 0)\nassert False"},
    {"script", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"},
    {"script", "import os\nos.execv('/bin/true', ['true'])"},
    {"script", "import threading, os\nthreading.Thread(target=os._exit, args=(0,)).start()\nwhile True: pass"},
    {"script", "import ctypes\nctypes.string_at(0)"},
    {"script", "import sys\nsys.excepthook = lambda *a: None\nassert False"},
    {"script", "import sys\nsys.settrace(None)\nframe = sys._getframe()\nwhile frame:\n    frame.f_globals['KINDS'] = {}\n    frame = frame.f_back\nraise AssertionError"},
    {"script", "import os\nif os.fork() == 0: os._exit(0)\nos._exit(0)"},
    {"unittest", "import unittest, os\nclass T(unittest.TestCase):\n    def test_it(self): os._exit(0)"},
    {"unittest", "import unittest\nunittest.TestCase.run = lambda self, result=None: result\nclass T(unittest.TestCase):\n    def test_it(self): self.fail()"},
    {"unittest", "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\nclass T(unittest.TestCase):\n    def test_it(self): self.assertEqual(1, 2)"},
    {"unittest", "import unittest\nunittest.TestResult.addFailure = lambda *a: None\nclass T(unittest.TestCase):\n    def test_it(self): self.fail()"},
    {"unittest", "import unittest\nunittest.TestResult.wasSuccessful = lambda *a: True\nunittest.TestResult.failures = property(lambda s: [], lambda s, v: None)\n"
                 "class T(unittest.TestCase):\n    def test_it(self): self.fail()"},
    {"unittest", "import unittest\nclass T(unittest.TestCase):\n    @unittest.skip('all')\n    def test_it(self): pass"},
    {"pytest", "import os\ndef test_it(): os._exit(0)"},
    {"pytest", "import pytest\npytest.main = lambda *a, **k: 0\npytest.skip('all', allow_module_level=True)"},
    {"pytest", "import _pytest.runner\n_pytest.runner.call_and_report = lambda *a, **k: None\ndef test_it(): assert False"},
    {"pytest", "import _pytest.python\n_pytest.python.Function.runtest = lambda self: None\ndef test_it(): assert False"},
    {"command", "exit 1"},
};

Runner* runners(int n) { return n == 0 ? sandboxes().single.get() : sandboxes().server.get(); }

}  // namespace

TEST_CASE("an attack is refused, in both ways of running") {
  NEEDS_SANDBOX();
  setenv("MENDEL_SECRET", "in the environment of the caller", 1);
  for (int way = 0; way < 2; ++way) {
    for (const auto& attack : kAttacks) {
      const auto result = ran(*runners(way), "script", std::string(kRefused) + attack.code);
      CHECK_MESSAGE(result.ending == Ending::passed, attack.name, " ", way, ": ", name_of(result.ending), " ", result.why);
    }
  }
}

TEST_CASE("every refused system call is refused where code of others runs") {
  NEEDS_SANDBOX();
  std::string script = kRefused;
  script += "allowed = []\nfor name, number in (";
  for (const auto& call : refused_calls())
    if (call.number >= 0) script += "('" + std::string(call.name) + "', " + std::to_string(call.number) + "), ";
  script += "):\n    ctypes.set_errno(0)\n    if libc.syscall(number, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != 1:\n        allowed.append((name, ctypes.get_errno()))\n"
            "assert not allowed, allowed\n";
  for (int way = 0; way < 2; ++way) {
    const auto result = ran(*runners(way), "script", script);
    CHECK_MESSAGE(result.ending == Ending::passed, way, ": ", name_of(result.ending), " ", result.why);
  }
}

TEST_CASE("what only its end can stop is ended by its limit") {
  NEEDS_SANDBOX();
  auto limits = sandboxes().settings.limits;
  limits.cpu_s = 1;
  limits.wall_ms = 60'000;  // a busy machine needs that for two seconds of processor time
  auto hasty = limits;
  hasty.wall_ms = 1500;
  for (int way = 0; way < 2; ++way) {
    CAPTURE(way);
    CHECK(ran(*runners(way), "script", "while True: pass", "", limits).ending == Ending::cpu_limit);
    CHECK(ran(*runners(way), "script", "import time\ntime.sleep(1000)", "", hasty).ending == Ending::timed_out);
    CHECK(ran(*runners(way), "script", "while True: print('x' * 10000)", "", limits).ending == Ending::flooded);
    CHECK(ran(*runners(way), "script", "import signal\nfor n in range(1, 64):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: pass", "", limits).ending ==
          Ending::cpu_limit);
  }
}

TEST_CASE("processes that each stay below the limit do not get past it together") {
  NEEDS_SANDBOX();
  auto limits = sandboxes().settings.limits;
  limits.memory_mib = 256;
  const char* code = "import os, time\nfor n in range(8):\n    if os.fork() == 0:\n        held = b'x' * (100 << 20)\n        time.sleep(1000)\ntime.sleep(1000)";
  CHECK(ran(*sandboxes().server, "script", code, "", limits).ending == Ending::memory_limit);
}

TEST_CASE("a child that outlives its parent does not outlive the run") {
  NEEDS_SANDBOX();
  // The orphan would go on writing into the output pipe; the next run must neither see nor wait for it.
  const char* code = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        while True:\n            time.sleep(0.01)\n            open('/box/alive', 'w').close()\n    os._exit(0)\n";
  for (int way = 0; way < 2; ++way) {
    CAPTURE(way);
    const auto started = std::chrono::steady_clock::now();
    CHECK(ran(*runners(way), "script", code).ending == Ending::passed);
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(10));
    CHECK(ran(*runners(way), "script", "import os\nassert os.listdir('/box') == ['subject.py'] and len([p for p in os.listdir('/proc') if p.isdigit()]) <= 3").ending == Ending::passed);
  }
}

TEST_CASE("a faked success does not pass") {
  NEEDS_SANDBOX();
  for (const auto& fake : kFakes) {
    if (std::string_view(fake.kind) == "pytest" && sandboxes().settings.packages.empty()) continue;
    for (int way = 0; way < 2; ++way) {
      const auto result = ran(*runners(way), fake.kind, fake.code);
      CHECK_MESSAGE(result.ending != Ending::passed, fake.kind, ": ", fake.code);
    }
  }
}

TEST_CASE("a subject that disarms the runner is found out by what is planted after the test") {
  NEEDS_SANDBOX();
  const char* cases = "import unittest\nclass T(unittest.TestCase):\n    def test_it(self): self.assertEqual(f(), 1)\n";
  const char* disarming = "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\ndef f(): return 2\n";
  for (int way = 0; way < 2; ++way) CHECK(ran(*runners(way), "unittest", cases, disarming).ending == Ending::faked);
}

TEST_CASE("siblings of a bomb are fine, fifty at once") {
  NEEDS_SANDBOX();
  auto limits = sandboxes().settings.limits;
  limits.cpu_s = 1;
  constexpr int kSiblings = 50;
  const char* bombs[] = {"import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", "while True: pass",
                         "held = []\nwhile True:\n    try: held.append(bytearray(1 << 20))\n    except MemoryError: pass",
                         "n = 0\nwhile True:\n    n += 1\n    try: open(f'/tmp/{n}', 'wb').write(b'x' * (1 << 20))\n    except OSError: pass", "import time\ntime.sleep(1000)"};
  limits.wall_ms = 2000;
  auto patient = limits;
  patient.wall_ms = 60'000;
  std::vector<Ending> endings(kSiblings, Ending::passed);
  std::vector<std::thread> threads;
  for (int n = 0; n < kSiblings; ++n)
    threads.emplace_back([&, n] {
      const bool hostile = n % 10 == 0;
      const auto result = sandboxes().server->run({"script", hostile ? bombs[n / 10] : "import os\nif os.fork() == 0: os._exit(0)\nos.wait()\nopen('/tmp/x', 'w').write('x' * 100000)", "", hostile ? limits : patient});
      if (!hostile) endings[static_cast<std::size_t>(n)] = result ? result->ending : Ending::ended_early;
    });
  for (auto& thread : threads) thread.join();
  for (const auto ending : endings) CHECK(ending == Ending::passed);
  CHECK(ran(*sandboxes().server, "script", "x = 1").ending == Ending::passed);
}
