"""Writing a dataset beside pyarrow: the same rows as Parquet files with zstd at level 3.

Usage: bench_dataset.py BUILD. Mendel starts from rows that it checks, shuffles outside of memory, digests, writes, sums and
syncs. pyarrow starts from a finished table in memory, in the order it is to be written, and only writes: its best case.
"""
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet

from bench_grid import functions

LEVEL = 3
REPEATS = 3


def size_of(folder):
    return sum(p.stat().st_size for p in Path(folder).rglob("*.parquet"))


def main():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "texts").write_bytes("".join(text + "\0" for text in functions()).encode())
        runs = []
        for _ in range(REPEATS):
            done = subprocess.run([Path(sys.argv[1]) / "bench_dataset", Path(folder, "texts"), Path(folder, "dataset")], capture_output=True, text=True, check=True)
            runs.append(json.loads(done.stdout))
        own = min(runs, key=lambda run: run["write_s"])
        shards = [parquet.read_table(p) for p in sorted(Path(folder, "dataset", "train").glob("*.parquet"))]
        peer_s = []
        for _ in range(REPEATS):
            before = time.process_time()
            for number, table in enumerate(shards):
                parquet.write_table(table, Path(folder, f"peer-{number}.parquet"), compression="zstd", compression_level=LEVEL)
            peer_s.append(time.process_time() - before)
        size, peer_size = size_of(Path(folder, "dataset")), sum(p.stat().st_size for p in Path(folder).glob("peer-*.parquet"))
    rate, peer_rate = own["rows"] / own["write_s"], own["rows"] / min(peer_s)
    name = f"pyarrow {pyarrow.__version__}"
    print(f"{own['rows']} rows; writing took {own['more_mib']} MiB more memory under a bound of 64")
    print(json.dumps({"bench": "dataset writing, shuffle and digest included", "mendel": round(rate), "peer": round(peer_rate), "peer_name": name, "unit": "rows/s",
                      "ratio": round(rate / peer_rate, 2), "target": ">= 1x", "met": rate >= peer_rate}))
    print(json.dumps({"bench": "size of the same dataset", "mendel": size / own["rows"], "peer": peer_size / own["rows"], "peer_name": name, "unit": "bytes/row",
                      "ratio": round(size / peer_size, 3), "target": "<= 1x", "met": size <= peer_size}))


if __name__ == "__main__":
    main()
