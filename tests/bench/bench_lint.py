"""`mendel lint` with one job beside one batch of each linter itself: the same files, the same rules, one thread, JSON both times.

Usage: bench_lint.py BUILD. Input: modules of the standard library. Ruff must find the same both times.
"""
import collections
import json
import os
import re
import resource
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = 1500
BYTES_MAX = 200_000
RUNS = 3
PYTHON_FILES = 100
PYTHON_RUNS = 2
TARGET = 0.9


def copied_modules(folder):
    """Real modules under names of their own, so that both programs see one plain folder."""
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    found = [p for p in sorted(stdlib.rglob("*.py")) if "site-packages" not in p.parts and "dist-packages" not in p.parts and 0 < p.stat().st_size < BYTES_MAX]
    chosen = found[::max(1, len(found) // FILES)][:FILES]
    for number, path in enumerate(chosen):
        target = folder / f"p{number // 50:02}" / f"m{number:04}_{re.sub('[^a-z]', '', path.stem.lower())}.py"
        target.parent.mkdir(exist_ok=True)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            text = ""
        generated = re.search("generated|do not (edit|modify)", text[:2000], re.I)  # Mendel leaves such files out, ruff does not
        target.write_text("" if generated else text)
    return len(chosen)


def run(command, folder, check=True):
    """Output and CPU seconds, of the program and of what it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, env={**os.environ, "RAYON_NUM_THREADS": "1"}, check=check)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def found(diagnostics, path_key, rule_key):
    return collections.Counter((str(Path(d[path_key]).name), d[rule_key] or "invalid-syntax") for d in diagnostics)


def rules_of(tool):
    return re.findall(r'LintRule\{"([\w-]+)"', (ROOT / f"actors/linter/{tool}_rules.cpp").read_text())


def python_tools(mendel, made):
    """pylint, mypy and bandit beside one batch of each: the same files and rules, one process, JSON, no cache from before."""
    python = sys.executable
    files = [p for p in sorted(Path(made).rglob("*.py")) if 2000 < p.stat().st_size < 40_000 and "from ." not in p.read_text()]
    files = [str(p.relative_to(made)) for p in files[::max(1, len(files) // PYTHON_FILES)][:PYTHON_FILES]]
    batches = {
        "pylint": [python, "-I", "-m", "pylint", "--rcfile=/dev/null", "--score=n", "-f", "json", "--disable=all", "--enable=" + ",".join(rules_of("pylint"))],
        "mypy": [python, "-I", "-m", "mypy", "--config-file=", "--cache-dir=/dev/null", "--follow-imports=skip", "--ignore-missing-imports", "--no-site-packages",
                 "--check-untyped-defs", "--strict-equality", "--warn-redundant-casts", "-O", "json", "--scripts-are-modules"]
        + [f"--enable-error-code={rule}" for rule in rules_of("mypy") if rule != "misc"],
        "bandit": [python, "-I", "-m", "bandit", "-q", "-f", "json", "--exit-zero"],
    }
    for tool, batch in batches.items():
        own_s = peer_s = float("inf")
        for _ in range(PYTHON_RUNS):
            own, seconds = run([mendel, "lint", "--jobs", "1", "--tools", tool, *files], made)
            own_s = min(own_s, seconds)
            _, seconds = run([*batch, *files], made, check=False)
            peer_s = min(peer_s, seconds)
        yield {"bench": f"{tool}: diagnostics of {len(files)} files, {own.count(bytes([10]))} found", "mendel": round(len(files) / own_s, 1),
               "peer": round(len(files) / peer_s, 1), "peer_name": f"{tool}, one batch", "unit": "files/s", "ratio": round(peer_s / own_s, 2),
               "target": f">= {TARGET}x", "met": peer_s / own_s >= TARGET}


def main():
    mendel = Path(sys.argv[1]).resolve() / "mendel"
    ruff = Path(sys.executable).parent / "ruff"
    rules = rules_of("ruff")
    with tempfile.TemporaryDirectory() as made:
        files = copied_modules(Path(made))
        mine = [mendel, "--set", f"lint.ruff={ruff}", "lint", "--tools", "ruff", "--jobs", "1", "."]
        batch = [ruff, "check", "--isolated", "--no-cache", "--quiet", "--exit-zero", "--output-format", "json", "--select", ",".join(rules), "."]
        own_s = peer_s = float("inf")
        for _ in range(RUNS):  # side by side, so that a busy machine slows both; the best of each counts
            own, seconds = run(mine, made)
            own_s = min(own_s, seconds)
            peer, seconds = run(batch, made)
            peer_s = min(peer_s, seconds)
        others = list(python_tools(mendel, made))
        version = subprocess.run([ruff, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    ours, theirs = found(map(json.loads, own.splitlines()), "path", "rule"), found(json.loads(peer), "filename", "code")
    assert ours == theirs, f"findings differ: {list((ours - theirs).items())[:5]} {list((theirs - ours).items())[:5]}"
    print(json.dumps({"bench": f"diagnostics of {files} files, {sum(ours.values())} found", "mendel": round(files / own_s), "peer": round(files / peer_s),
                      "peer_name": f"ruff {version}, one batch", "unit": "files/s", "ratio": round(peer_s / own_s, 2), "target": f">= {TARGET}x",
                      "met": peer_s / own_s >= TARGET}))
    for row in others:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
