"""The long tests, one after the other: 100,000 weathers of the simulation, an hour of chaos, ten minutes for each fuzz target.

Usage: tests/nightly.py BUILD [--fuzz BUILD_FUZZ] [--minutes N] [--seeds N] [--chaos-minutes N] [--fuzz-seconds N] [--seed S]
--minutes is a budget for all of it: every part is shortened alike. Logs: BUILD/nightly. Nothing is left out because
something before it failed; status 1 if anything did.
"""
import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEEDS_PER_S = 400  # of the simulation on one core, for the budget only


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--fuzz", type=Path, default=HERE.parent / "build/fuzz")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--chaos-minutes", type=float, default=60)
    parser.add_argument("--fuzz-seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000, help="of the chaos; printed")
    options = parser.parse_args()
    options.build, options.fuzz = options.build.resolve(), options.fuzz.resolve()
    options.targets = sorted(path for path in options.fuzz.glob("fuzz_*") if path.is_file() and path.stat().st_mode & 0o100)
    if options.minutes:
        whole_s = options.seeds / SEEDS_PER_S + options.chaos_minutes * 60 + options.fuzz_seconds * len(options.targets)
        share = min(1.0, options.minutes * 60 / whole_s)
        options.seeds = max(1000, int(options.seeds * share))
        options.chaos_minutes *= share
        options.fuzz_seconds = max(1, int(options.fuzz_seconds * share))
    return options


def jobs(options):
    """(name, command) in the order in which they run: the quick ones first."""
    yield "simulation", [options.build / "test_simulation", "--seeds", options.seeds]
    for target in options.targets:
        yield f"fuzz {target.name[5:]}", [sys.executable, HERE / "fuzz/run.py", options.fuzz, "--seconds", options.fuzz_seconds, target.name[5:]]
    yield "chaos", [sys.executable, HERE / "faults/chaos.py", options.build, "--minutes", options.chaos_minutes, "--seed", options.seed]


def main():
    options = parse()
    logs = options.build / "nightly"
    logs.mkdir(exist_ok=True)
    failed = 0
    for name, command in jobs(options):
        started = time.monotonic()
        log = logs / f"{name.replace(' ', '_')}.log"
        with open(log, "w") as out:
            status = subprocess.run(list(map(str, command)), stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode
        failed += status != 0
        last = (log.read_text(errors="replace").strip().splitlines() or [""])[-1]
        print(f"{name:20} {'ok' if status == 0 else 'FAILED':7} {time.monotonic() - started:8.0f} s  {last[:160]}", flush=True)
    if not options.targets:
        print(f"fuzzing was left out: no targets in {options.fuzz}")
    print(f"{failed} failed; logs in {logs}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
