"""Mining a git history beside `git log -p` on the same repository, in CPU seconds of one job.

Usage: bench_git.py BUILD. `mendel mine git --stats` walks, compares and reads blobs as git does, and then also cuts and
classifies the functions of the fixes; git prints every diff to a pipe that throws it away. The repository is the one that
BENCH_REPO names; without it a history is made of the standard library: the same commits on every machine with that library.
"""
import json
import os
import random
import resource
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

COMMITS = 4000
FILES = 240
RUNS = 3
TARGET = 2
# What share of the commits of a real project touches Python, and of those how many say that they fix (measured on flask).
TOUCHES_PYTHON, SAYS_FIX = 0.53, 0.22
SUBJECTS = ("Add a parameter to", "Rework", "Move code of", "Refactor", "Document", "Simplify")


def sources():
    """Path in the made repository → lines, of real modules: tests among them, as in any project."""
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    found = [p for p in sorted(stdlib.glob("*.py")) + sorted(stdlib.glob("*/*.py")) if 2_000 < p.stat().st_size < 120_000]
    step = max(1, len(found) // FILES)
    out = {}
    for path in found[::step][:FILES]:
        try:
            out["src/" + str(path.relative_to(stdlib))] = path.read_text().splitlines(keepends=True)
        except UnicodeDecodeError:
            pass
    return out


def change(lines, chosen, size):
    """Exchanges or adds `size` lines at one place, keeping the indentation, as an edit by hand does."""
    at = chosen.randrange(len(lines))
    for i in range(at, min(len(lines), at + size)):
        line = lines[i]
        body = line.strip()
        if not body or body.endswith((":", "\\", "(", "[", "{", ",")) or '"""' in body:
            continue
        indent = line[:len(line) - len(line.lstrip())]
        lines[i] = chosen.choice((line.rstrip("\n") + "  # checked\n", line.replace("==", "!=").replace("1", "2"), line + indent + "pass\n"))


def stream(files, commits):
    """A fast-import stream: first everything, then `commits` small changes."""
    chosen = random.Random(7)
    names = sorted(files)
    notes = []

    def data(text):
        raw = text.encode()
        return b"data %d\n%s\n" % (len(raw), raw)

    def commit(number, message, changed):
        yield b"commit refs/heads/main\ncommitter Dev <dev@example.com> %d +0000\n" % (1_500_000_000 + 600 * number) + data(message)
        for name in changed:
            yield b"M 100644 inline %s\n" % name.encode() + data("".join(files[name]) if name in files else "".join(notes))
        yield b"\n"

    yield from commit(0, "Start", names)
    for number in range(1, commits):
        if chosen.random() > TOUCHES_PYTHON:
            notes.append(f"- change {number}\n")
            yield from commit(number, f"Note change {number}", ["CHANGES.rst"])
            continue
        changed = sorted({chosen.choice(names) for _ in range(chosen.choice((1, 1, 1, 2, 3)))})
        for name in changed:
            change(files[name], chosen, chosen.choice((1, 1, 2, 4, 8, 20)))
        subject = "Fix a wrong result of" if chosen.random() < SAYS_FIX else chosen.choice(SUBJECTS)
        yield from commit(number, f"{subject} {changed[0]}", changed)


def git(folder, *arguments, **options):
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    return subprocess.run(["git", "-C", str(folder), *arguments], env=environment, check=True, **options)


def made_history(folder):
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", ".")
    git(folder, "fast-import", "--quiet", input=b"".join(stream(sources(), COMMITS)))
    git(folder, "gc", "--quiet")


def cpu_s(command):
    """CPU seconds of a child whose output goes through a pipe, as to a reader."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        while child.stdout.read(1 << 20):
            pass
    if child.returncode:
        raise SystemExit(f"{command}: status {child.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    mendel = Path(sys.argv[1]) / "mendel"
    with tempfile.TemporaryDirectory() as made:
        repository = os.environ.get("BENCH_REPO")
        if not repository:
            repository = made
            made_history(made)
        mine = [mendel, "--data", made, "--json", "mine", "git", "--jobs", "1", "--stats", repository]
        funnel = json.loads(subprocess.run(mine, capture_output=True, check=True).stdout)
        log = ["git", "-C", repository, "log", "-p"]
        # Side by side, so that a busy machine slows both; the best of each counts.
        own, peer = (min(times) for times in zip(*((cpu_s(mine), cpu_s(log)) for _ in range(RUNS))))
    commits, version = funnel["mine.commits"], subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.split()[2]
    what = Path(repository).resolve().name if os.environ.get("BENCH_REPO") else "made history"
    print(json.dumps({"bench": f"git history to pairs: {what}, {commits} commits, {funnel['mine.small']} small fixes", "mendel": round(commits / own),
                      "peer": round(commits / peer), "peer_name": f"git {version} log -p", "unit": "commits/s", "ratio": round(peer / own, 2),
                      "target": f">= {TARGET}x", "met": peer / own >= TARGET}))


if __name__ == "__main__":
    main()
