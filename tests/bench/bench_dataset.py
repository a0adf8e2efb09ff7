"""Writing a dataset beside pyarrow: the same rows as Parquet files with zstd at level 3.

Usage: bench_dataset.py BUILD. Mendel starts from rows in any order, which it checks, shuffles outside of memory by the hash of
their ids, digests, writes, sums and syncs. pyarrow does it in memory: once it brings a finished table into that order and
writes it, once the table is in order already and it only writes, its best case.
"""
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import pyarrow
import pyarrow.parquet as parquet

from bench_grid import functions

LEVEL = 3
REPEATS = 5


def size_of(folder):
    return sum(p.stat().st_size for p in Path(folder).rglob("*.parquet"))


def timed(work):
    before = time.process_time()
    work()
    return time.process_time() - before


def main():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "texts").write_bytes("".join(text + "\0" for text in functions()).encode())
        runs = []
        for _ in range(REPEATS):
            done = subprocess.run([Path(sys.argv[1]) / "bench_dataset", Path(folder, "texts"), Path(folder, "dataset")], capture_output=True, text=True, check=True)
            runs.append(json.loads(done.stdout))
        own = min(runs, key=lambda run: run["write_s"])
        shards = [parquet.read_table(p) for p in sorted(Path(folder, "dataset", "train").glob("*.parquet"))]
        order = numpy.random.default_rng(7).permutation(sum(map(len, shards)))
        table = pyarrow.concat_tables(shards).combine_chunks()
        in_any_order = table.take(numpy.argsort(order))

        def write(rows):
            parquet.write_table(rows, Path(folder, "peer.parquet"), compression="zstd", compression_level=LEVEL)

        peer_s = min(timed(lambda: write(in_any_order.take(order))) for _ in range(REPEATS))
        best_s = min(timed(lambda: write(table)) for _ in range(REPEATS))
        size, peer_size = size_of(Path(folder, "dataset")), Path(folder, "peer.parquet").stat().st_size
    rate = own["rows"] / own["write_s"]
    name = f"pyarrow {pyarrow.__version__}"
    print(f"{own['rows']} rows; writing took {own['more_mib']} MiB more memory under a bound of 64")
    for what, seconds in (("shuffle, write", peer_s), ("write in order", best_s)):
        peer_rate = own["rows"] / seconds
        print(json.dumps({"bench": "dataset: check, shuffle, digest, write", "mendel": round(rate), "peer": round(peer_rate), "peer_name": f"{name}, {what}",
                          "unit": "rows/s", "ratio": round(rate / peer_rate, 2), "target": ">= 1x", "met": rate >= peer_rate}))
    print(json.dumps({"bench": "size of the same dataset", "mendel": size / own["rows"], "peer": peer_size / own["rows"], "peer_name": name, "unit": "bytes/row",
                      "ratio": round(size / peer_size, 3), "target": "within 1 %", "met": size <= 1.01 * peer_size}))


if __name__ == "__main__":
    main()
