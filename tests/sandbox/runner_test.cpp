// What a run may do, what comes back, and what limits hold: the same for both ways of running.
#include "actors/sandbox/runner.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/sandbox/sandboxes.hpp"

using namespace mendel;
using namespace mendel::sandbox;
using namespace mendel::sandbox::samples;

namespace {

// Runs `check` with each way of running.
template <class Check>
void each_way(Check check) {
  for (auto* runner : {sandboxes().single.get(), sandboxes().server.get()}) {
    const std::string way = runner == sandboxes().single.get() ? "one-shot" : "fork-server";
    CAPTURE(way);
    check(*runner);
  }
}

}  // namespace

TEST_CASE("a script passes if it ends normally, with what subject defines at hand") {
  NEEDS_SANDBOX();
  each_way([](Runner& runner) {
    const std::string subject = "def double(x):\n    return 2 * x\n\n_hidden = 7\n";
    CHECK(ran(runner, "script", "assert double(4) == 8 and _hidden == 7 and __name__ == '__main__'", subject).ending == Ending::passed);
    CHECK(ran(runner, "script", "import subject, os\nassert subject.double(1) == 2 and os.listdir('.') == ['subject.py']", subject).ending == Ending::passed);
    const auto failed = ran(runner, "script", "assert double(4) == 9, 'no'", subject);
    CHECK(failed.ending == Ending::failed);
    CHECK(failed.why == "AssertionError: no");
    CHECK(ran(runner, "script", "double(4)", "def double(x)\n").why == "NameError: name 'double' is not defined");
  });
}

TEST_CASE("unittest and command decide by what they ran") {
  NEEDS_SANDBOX();
  each_way([](Runner& runner) {
    const std::string cases = "import unittest\nclass T(unittest.TestCase):\n    def test_it(self): self.assertEqual(f(), 1)\n";
    CHECK(ran(runner, "unittest", cases, "def f(): return 1").ending == Ending::passed);
    CHECK(ran(runner, "unittest", cases, "def f(): return 2").why == "AssertionError: 2 != 1");
    CHECK(ran(runner, "unittest", "x = 1").why == "0 tests found, 0 run, 0 skipped");
    CHECK(ran(runner, "command", "test -f subject.py && python3 -c 'import subject'", "x = 1").ending == Ending::passed);
    CHECK(ran(runner, "command", "exit 3").why == "status 3");
  });
}

TEST_CASE("pytest runs where its packages are given") {
  NEEDS_SANDBOX();
  if (sandboxes().settings.packages.empty()) {
    MESSAGE("skipped: no pytest beside the checkout or in the system");
    return;
  }
  each_way([](Runner& runner) {
    const auto passed = ran(runner, "pytest", "from __future__ import annotations\ndef test_it(tmp_path):\n    assert f() == 1\n", "def f(): return 1");
    CHECK_MESSAGE(passed.ending == Ending::passed, passed.why, passed.output, passed.error_output);
    CHECK(ran(runner, "pytest", "def test_it():\n    assert f() == 1\n", "def f(): return 2").ending == Ending::failed);
    CHECK(ran(runner, "pytest", "x = 1\n").ending == Ending::failed);
  });
}

TEST_CASE("output comes back, its end where it is long") {
  NEEDS_SANDBOX();
  each_way([](Runner& runner) {
    const auto said = ran(runner, "script", "import sys\nprint('out')\nprint('err', file=sys.stderr)");
    CHECK(said.output == "out\n");
    CHECK(said.error_output == "err\n");
  });
}

TEST_CASE("a container's three streams carry request, question and answer") {
  NEEDS_SANDBOX();
  // Stands in for podman: takes the words up to the image away and starts the rest in namespaces of bubblewrap.
  const auto folder = std::filesystem::temp_directory_path() / ("mendel-podman-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const auto program = folder / "podman";
  std::ofstream(program) << "#!/bin/sh\n[ \"$1\" = run ] || exit 0\nwhile [ \"$1\" != an-image ]; do shift; done\nshift\n"
                            "exec bwrap --unshare-all --uid 65534 --gid 65534 --die-with-parent --clearenv --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 "
                            "--symlink usr/bin /bin --proc /proc --dev /dev --tmpfs /box --tmpfs /tmp \"$@\"\n";
  chmod(program.c_str(), 0755);
  auto settings = sandboxes().settings;
  settings.backend = "podman";
  settings.program = program.string();
  settings.image = "an-image";
  settings.interpreter = "/usr/bin/python3";
  const auto runner = one_shot(settings);
  CHECK(ran(*runner, "script", "print('hello')\nassert f() == 1", "def f(): return 1").ending == Ending::passed);
  CHECK(ran(*runner, "script", "assert f() == 1", "def f(): return 2").ending == Ending::failed);
  CHECK(ran(*runner, "script", "import os\nos.write(1, b'{\"outcome\":\"passed\"}\\n')\nos._exit(0)").ending == Ending::ended_early);
  auto hasty = settings.limits;
  hasty.wall_ms = 1000;
  CHECK(ran(*runner, "script", "import time\ntime.sleep(1000)", "", hasty).ending == Ending::timed_out);
  std::filesystem::remove_all(folder);
}
