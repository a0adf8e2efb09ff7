"""Runs the benchmarks, each beside its peer in one run, and prints one table.

Usage: tests/bench/run.py BUILD [--write] [SUBJECT...]     SUBJECT: part of a benchmark's name
A benchmark is an executable BUILD/bench_* or, where the peer is a Python library, a driver
tests/bench/bench_*.py that gets BUILD as its argument. Each prints JSON lines with the keys
bench, mendel, peer, peer_name, unit, ratio, target, met. --write puts the table into docs/benchmarks.md.
"""
import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 1200
HEAD = """# Benchmarks

Each row was measured beside its peer in one run on the same input, in CPU seconds of one core unless the
row says otherwise. Print it again with `make bench`; `tests/bench/run.py build/release --write` wrote this file.

"""


def number(value):
    return "–" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rows_of(command):
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        print(f"{command[-2:]}: ran longer than {LIMIT_S} s", file=sys.stderr)
        return []
    if done.returncode:
        print(f"{command}: status {done.returncode}\n{done.stderr[-2000:]}", file=sys.stderr)
    rows = []
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            rows.append(json.loads(line))
        elif line.strip():
            print("  " + line)
    return rows


def cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def table(rows):
    out = ["| benchmark | Mendel | peer | unit | ratio | target |", "|---|---|---|---|---|---|"]
    for row in rows:
        peer = number(row.get("peer")) + (f" ({row['peer_name']})" if row.get("peer_name") else "")
        ratio = "–" if row.get("ratio") is None else f"{row['ratio']:.2f}×"
        missed = "" if row.get("met", True) else " **missed**"
        out.append(f"| {row['bench']} | {number(row.get('mendel'))} | {peer} | {row.get('unit', '')} | {ratio} | {row.get('target', '')}{missed} |")
    return "\n".join(out)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--write"]
    build, wanted = Path(arguments[0]).resolve(), arguments[1:]
    commands = [[str(p)] for p in sorted(build.glob("bench_*")) if p.is_file() and os.access(p, os.X_OK)]
    drivers = sorted((ROOT / "tests/bench").glob("bench_*.py"))
    driven = {p.stem for p in drivers}
    commands = [c for c in commands if Path(c[0]).name not in driven]
    commands += [[sys.executable, str(p), str(build)] for p in drivers]
    rows = []
    for command in commands:
        name = Path(command[-2] if command[0] == sys.executable else command[0]).stem
        if wanted and not any(w in name for w in wanted):
            continue
        print(f"running {name} …", file=sys.stderr, flush=True)
        rows += rows_of(command)
    text = table(rows)
    print(text)
    if "--write" in sys.argv:
        when = f"Measured on {datetime.date.today()}, {os.cpu_count()} cores ({cpu()}), shared machine.\n\n"
        (ROOT / "docs/benchmarks.md").write_text(HEAD + when + text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
