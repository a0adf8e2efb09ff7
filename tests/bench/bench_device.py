"""How long the demo models take to propose a repair of one function on the CPU. A GPU's figures: model/bench/bench_device.py.

Usage: bench_device.py BUILD. The weights are untrained, so every answer writes as many tokens as it may: no trained model takes longer.
One thread, its CPU time: the machine may be shared.
"""
import json
import subprocess
import sys
from pathlib import Path

# Rows and columns of the grid that the function fills: about the mean of real functions, and the longest that is trained on.
FUNCTIONS = {"132 cells": (11, 12), "400 cells": (20, 20)}
CALLS, P99_MS = 100, 500


def main():
    for model in ("trm-demo", "ctm-demo"):
        for name, (rows, columns) in FUNCTIONS.items():
            command = [Path(sys.argv[1]) / "bench_device", "repair", f"model={model}", "device=cpu", f"rows={rows}", f"columns={columns}", f"repeats={CALLS}"]
            row = json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout)
            print(json.dumps({"bench": f"repair of one function of {name} by {model}, p99", "mendel": round(row["p99_ms"], 1), "peer": None, "unit": "CPU ms",
                              "ratio": None, "target": f"< {P99_MS} ms", "met": row["p99_ms"] < P99_MS}), flush=True)


if __name__ == "__main__":
    main()
