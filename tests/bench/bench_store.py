"""Synced commits of the plant's store beside RocksDB's own db_bench: the same number of values a batch, 2 KB each.

Usage: bench_store.py BUILD. Pairs a second of the wall clock, because a commit waits for the disk; runs alternate and the
best of each counts. Where there is no db_bench, its rows say so.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VALUE_BYTES = 2000
REPEATS = 5
SHAPES = [(100, 300), (1000, 60)]  # values a batch, batches


def own_rate(build, folder, batch, commits):
    done = subprocess.run([Path(build) / "bench_store", folder, str(batch), str(commits)], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    return result["pairs"] / result["wall_s"]


def peer_rate(folder, batch, commits):
    done = subprocess.run(["db_bench", "--benchmarks=fillrandom", f"--db={folder}", f"--num={batch * commits}", f"--batch_size={batch}", "--sync=1",
                           f"--value_size={VALUE_BYTES}", "--key_size=16", "--compression_type=lz4", "--max_background_jobs=2", "--threads=1"],
                          capture_output=True, text=True, check=True)
    found = re.search(r"fillrandom\s*:\s*[\d.]+ micros/op (\d+) ops/sec", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def main():
    have_peer = shutil.which("db_bench") is not None
    for batch, commits in SHAPES:
        own, peer = [], []
        for _ in range(REPEATS):
            for run in (own, peer) if have_peer else (own,):
                with tempfile.TemporaryDirectory() as folder:
                    run.append(own_rate(sys.argv[1], f"{folder}/store", batch, commits) if run is own else peer_rate(folder, batch, commits))
        best, best_peer = max(own), max(peer, default=None)
        print(json.dumps({"bench": f"store, {batch} pairs of 2 KB a synced commit", "mendel": round(best), "peer": round(best_peer) if have_peer else None,
                          "peer_name": "db_bench fillrandom sync" if have_peer else "db_bench is not installed", "unit": "pairs/s",
                          "ratio": round(best / best_peer, 3) if have_peer else None, "target": ">= 0.8x", "met": not have_peer or best >= 0.8 * best_peer}))


if __name__ == "__main__":
    main()
