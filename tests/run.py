"""Runs every test of a build folder and counts: doctest executables first, then pytest.

Usage: tests/run.py BUILD [NAME...]     NAME: only executables test_NAME, or "system"
The last line is `N passed, N failed, N skipped`; the exit status is 1 if anything failed. In a build with sanitizers
limits of time are longer, and every report of theirs, of whatever process, is a failure (tests/sanitized.py).
"""
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import sanitized

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 1800  # one executable or the whole of pytest
REPORT_MAX = 4000  # characters shown of a sanitizer's report


def run_doctest(binary):
    """(passed, failed, skipped) of one executable; a crash counts as one failure."""
    started, limit_s = time.monotonic(), LIMIT_S * sanitized.patience(binary.parent)
    try:
        done = subprocess.run([str(binary)], cwd=binary.parent, capture_output=True, text=True, errors="replace",
                              timeout=limit_s, stdin=subprocess.DEVNULL)
        output, status = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as expired:
        output, status = f"{expired.stdout or ''}\nran longer than {limit_s} s", 124
    found = re.search(r"test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped", output)
    passed, failed, skipped = (int(found[2]), int(found[3]), int(found[4])) if found else (0, 1, 0)
    if status != 0 and failed == 0:
        failed = 1
    reasons = re.findall(r"^.*SKIPPED: .*$", output, re.M)
    print(f"{binary.name:28} {passed:4} passed {failed:3} failed {skipped:3} skipped  {time.monotonic() - started:6.1f} s", flush=True)
    for line in reasons:
        print("    " + line.strip())
    if failed:
        print(output[-8000:], flush=True)
    return passed, failed, skipped


def run_pytest(build):
    """The same for tests/system, which runs the built programs as people do."""
    report, limit_s = build / "pytest.xml", LIMIT_S * sanitized.patience(build)
    report.unlink(missing_ok=True)
    environment = dict(os.environ, MENDEL_BIN=str(build))
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", f"--junit-xml={report}", str(ROOT / "tests/system")]
    try:
        status = subprocess.run(command, cwd=ROOT, env=environment, timeout=limit_s, stdin=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        print(f"pytest ran longer than {limit_s} s")
        return 0, 1, 0
    if not report.exists():
        return 0, 1, 0
    suite = ElementTree.parse(report).getroot().find("testsuite")
    total, skipped = int(suite.get("tests")), int(suite.get("skipped"))
    failed = int(suite.get("failures")) + int(suite.get("errors"))
    if status not in (0, 5) and failed == 0:
        failed = 1
    return total - failed - skipped, failed, skipped


def sanitizer_reports(build):
    """(0, how many reports, 0), each printed. That memory was refused is none: tests of running out of it ask for that."""
    refused = "AddressSanitizer failed to allocate"
    reports = [path for path in sorted((build / "sanitizer-reports").glob("*"))
               if any(line.strip() and refused not in line for line in path.read_text(errors="replace").splitlines())]
    for path in reports:
        print(f"{path}:\n{path.read_text(errors='replace')[:REPORT_MAX]}", flush=True)
    return 0, len(reports), 0


def main():
    build = Path(sys.argv[1]).resolve()
    only = sys.argv[2:]
    shutil.rmtree(build / "sanitizer-reports", ignore_errors=True)
    os.environ.update(sanitized.environment(build))
    counts = [run_doctest(binary) for binary in sorted(build.glob("test_*"))
              if binary.is_file() and os.access(binary, os.X_OK) and (not only or binary.name[5:] in only)]
    if not only or "system" in only:
        counts.append(run_pytest(build))
    counts.append(sanitizer_reports(build))
    passed, failed, skipped = (sum(column) for column in zip(*counts)) if len(counts) > 1 else (0, 1, 0)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
