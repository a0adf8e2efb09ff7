"""tests/run.py counts what it should: every report of a sanitizer, of whatever process, is a failure."""
import os
import subprocess
import sys

import pytest
from conftest import ROOT, sanitized

GOOD = 'echo "[doctest] test cases: 3 | 3 passed | 0 failed | 0 skipped"\n'
CHILD = 'folder=${ASAN_OPTIONS##*log_path=}; (echo "ERROR: AddressSanitizer: heap-use-after-free" >"$folder.77") &\nwait\n'


def run(build, script, flags):
    (build / "CMakeCache.txt").write_text(f"CMAKE_CXX_FLAGS_DEBUG:STRING=-O1 {flags}\n")
    (build / "test_it").write_text("#!/bin/sh\n" + script + GOOD)
    (build / "test_it").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "ASAN_OPTIONS"}
    done = subprocess.run([sys.executable, ROOT / "tests/run.py", build, "it"], capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout


@pytest.mark.parametrize("script, last", [("", "3 passed, 0 failed, 0 skipped"), (CHILD, "3 passed, 1 failed, 0 skipped")])
def test_a_report_of_a_child_that_nobody_waits_for_is_a_failure(tmp_path, script, last):
    status, said = run(tmp_path, script, "-fsanitize=address,undefined")
    assert said.splitlines()[-1] == last and status == ("1 failed" in last)
    assert ("heap-use-after-free" in said) == ("1 failed" in last)


def test_reports_of_the_run_before_do_not_count(tmp_path):
    run(tmp_path, CHILD, "-fsanitize=address")
    assert run(tmp_path, "", "-fsanitize=address")[0] == 0


def test_a_build_without_sanitizers_has_no_patience_and_nothing_to_tell_them(tmp_path):
    assert run(tmp_path, 'test -z "$ASAN_OPTIONS" || exit 9\n', "-O2")[0] == 0
    assert sanitized.patience(tmp_path) == 1 and sanitized.environment(tmp_path) == {}
    run(tmp_path, "", "-fsanitize=address")
    assert sanitized.patience(tmp_path) > 1
