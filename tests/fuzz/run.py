"""Runs every fuzz target of a build folder for some seconds, from the seeds in the tree and what earlier runs found.

Usage: tests/fuzz/run.py BUILD [--seconds N] [NAME...]      NAME: only fuzz_NAME
Findings lie in BUILD/fuzz-findings/NAME; the corpus that grew lies in BUILD/fuzz-corpus/NAME. Status 1 if anything was
found. A finding becomes a fix and a test of the parser's own; its input goes to tests/fuzz/seeds/NAME.
"""
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BYTES_MAX = 1 << 16
MEMORY_MIB = 1024
INPUT_S = 10  # one input that takes longer is a finding


def targets(build, names):
    found = sorted(path for path in build.glob("fuzz_*") if path.is_file() and os.access(path, os.X_OK))
    return [path for path in found if not names or path.name[5:] in names]


def run(binary, build, seconds):
    """(ok, line for people, what was said) of one target."""
    name = binary.name[5:]
    corpus, findings = build / "fuzz-corpus" / name, build / "fuzz-findings" / name
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    seeds = [str(HERE / "seeds" / name)] if (HERE / "seeds" / name).is_dir() else []
    command = [str(binary), f"-max_total_time={seconds}", f"-max_len={BYTES_MAX}", f"-rss_limit_mb={MEMORY_MIB}", f"-timeout={INPUT_S}", "-print_final_stats=1",
               f"-artifact_prefix={findings}/", str(corpus), *seeds]
    # libprotobuf is not instrumented, so its strings look overflown to the container check.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_container_overflow=0:detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, timeout=seconds * 3 + 120)
    runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    return done.returncode == 0, f"{name:16} {int(runs[1]) if runs else 0:>10} inputs in {seconds} s", done.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_intermixed_args()
    build = arguments.build.resolve()
    chosen = targets(build, arguments.names)
    if not chosen:
        sys.exit(f"no fuzz targets in {build}: cmake --preset fuzz && cmake --build --preset fuzz")
    failed = 0
    for binary in chosen:
        good, line, said = run(binary, build, arguments.seconds)
        print(line + ("" if good else "  FOUND SOMETHING"), flush=True)
        if not good:
            failed += 1
            print(said[-6000:], flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
