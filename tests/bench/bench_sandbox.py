"""Sandboxed runs of one small test beside bubblewrap alone: `bwrap --unshare-all … python3 -c` of the same assertion, no limits, no judge.

Usage: bench_sandbox.py BUILD. Rates are by wall clock, 2 runs at once on 2 cores, side by side; a third row has 50 at once.
The targets are rates (runs/s on 2 cores) that an idle machine must reach; the ratios hold on a busy one too.
"""
import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

RUNS, ROUNDS, AT_ONCE, CROWD = 60, 3, 2, 50
CODE = "def add(a, b):\n    return a + b\nassert add(2, 3) == 5\n"


def bare(bwrap):
    roots = [word for name in ("lib", "lib64", "bin") for word in ("--symlink", f"usr/{name}", f"/{name}")]
    command = [bwrap, "--unshare-all", "--die-with-parent", "--clearenv", "--ro-bind", "/usr", "/usr", *roots, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
               "/usr/bin/python3", "-I", "-c", CODE]
    left = list(range(RUNS))

    def work():
        while left:
            try:
                left.pop()
            except IndexError:
                return
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return RUNS / (time.perf_counter() - started)


def ours(build, way, runs, at_once):
    done = subprocess.run([build / "bench_sandbox", way, str(runs), str(at_once)], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert said["passed"] == said["runs"], said
    return said["runs"] / said["seconds"]


def main():
    build, bwrap = Path(sys.argv[1]).resolve(), shutil.which("bwrap")
    if not bwrap:
        print("no bwrap here: install bubblewrap")
        return
    peer = one = server = crowd = 0.0
    for _ in range(ROUNDS):  # side by side; the best of each counts
        peer = max(peer, bare(bwrap))
        one = max(one, ours(build, "one-shot", RUNS, AT_ONCE))
        server = max(server, ours(build, "fork-server", 4 * RUNS, AT_ONCE))
        crowd = max(crowd, ours(build, "fork-server", 4 * RUNS, CROWD))
    for name, rate, target in (("sandboxed test, one-shot", one, 30), ("sandboxed test, fork-server", server, 150), (f"sandboxed test, fork-server, {CROWD} at once", crowd, 150)):
        print(json.dumps({"bench": name, "mendel": round(rate, 1), "peer": round(peer, 1), "peer_name": "bare bwrap, one-shot", "unit": "runs/s",
                          "ratio": round(rate / peer, 2), "target": f">= {target} runs/s on 2 cores", "met": rate >= target}))


if __name__ == "__main__":
    main()
