#!/usr/bin/env python3
"""Does recursion earn its place? Depth 1, K = 2, K = 4 and the specification's 3 x (6 + 1) at equal FLOP on one dataset.

Usage: compare_depth.py --dataset DIR --out DIR [--build DIR] [--steps N] [--seeds 7 8 9] [--device auto] [--tiny] [--set KEY=VALUE...]

All are trm-coderepair-7m (one axial net of two layers, the same parameters); they differ in how often the net is called and through
how many calls the gradient goes. The FLOP of one sample of training are counted by bench_device; depth 1 takes N steps, the others so
many that all spend the same. Batches, rate (by steps), seeds and the order of samples are the same. A run that was broken off goes on:
start the same command again. Exact repairs are those of `mendel-trainer eval` on the test split. Rows are written to OUT/depth.jsonl.
"""
import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

# Name, then cycles of the recursion. high = 0: the net is called once, on the cells themselves.
DEPTHS = {
    "depth 1": {"high_cycles": 0, "low_cycles": 0, "supervision_steps": 1},
    "K = 2": {"high_cycles": 1, "low_cycles": 1, "supervision_steps": 1},
    "K = 4": {"high_cycles": 1, "low_cycles": 3, "supervision_steps": 1},
    "3 x (6 + 1)": {"high_cycles": 3, "low_cycles": 6, "supervision_steps": 1},
    "3 x (6 + 1), 4 supervision steps": {"high_cycles": 3, "low_cycles": 6, "supervision_steps": 4},
}
BENCH_NAMES = {"high_cycles": "high", "low_cycles": "low", "supervision_steps": "supervision"}
LAYERS = "rc"
CELLS_OF_COUNT = ["rows=16", "columns=12"]  # FLOP a cell hardly depend on the length of a function
TINY = {"width": 32, "heads": 4}
LEVELS = ["always", "at_5", "at_10", "at_20"]


def run(command, what):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{what}: status {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout


def training_flop(arguments, depth):
    model = "trm-demo" if arguments.tiny else "trm-coderepair-7m"
    settings = [f"model={model}", "encoder=", f"recursive={LAYERS}", *CELLS_OF_COUNT, *(f"{BENCH_NAMES[k]}={v}" for k, v in depth.items())]
    if arguments.tiny:
        settings += [f"{k}={v}" for k, v in TINY.items()]
    return json.loads(run([arguments.build / "bench_device", "flop", "device=cpu", *settings], "bench_device"))["training_flop"]


def trained(arguments, name, depth, steps, seed):
    """Exact shares on the test split after `steps` steps, and samples seen."""
    keys = {"encoder_layers": "", "recursive_layers": LAYERS, **depth, "steps_max": steps, "minutes": 100000, "cells_per_batch": arguments.cells,
            "device": arguments.device, "checkpointing": "true" if arguments.checkpointing else "false", "evaluations": arguments.evaluations,
            "model": "trm-demo" if arguments.tiny else "trm-coderepair-7m", **(TINY if arguments.tiny else {})}
    settings = [word for k, v in keys.items() for word in ("--set", f"train.{k}={v}")]
    settings += [word for value in arguments.set for word in ("--set", value)]
    folder = arguments.out / f"{''.join(c if c.isalnum() else '-' for c in name)}-{seed}"
    trainer = [arguments.build / "mendel-trainer", "--json", *settings]
    summary = json.loads(run([*trainer, "train", "--dataset", arguments.dataset, "--run", folder / "run", "--seed", seed], name))
    report = json.loads(run([*trainer, "eval", "--dataset", arguments.dataset, "--checkpoint", folder / "run", "--split", "test", "--out", folder / "report"], name))
    bugs = report["sources"]["all"]["bugs"]
    return {"samples": summary["samples_seen"], "minutes": summary["cpu_minutes"], **{level: bugs[level]["exact"]["share"] for level in LEVELS}}


def spread(values):
    return f"{100 * statistics.mean(values):5.1f}" + (f" +- {100 * statistics.stdev(values):.1f}" if len(values) > 1 else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--build", type=Path, default=root / "build/release", help="folder with mendel-trainer and bench_device")
    parser.add_argument("--steps", type=int, default=20000, help="steps of depth 1; the others get fewer")
    parser.add_argument("--cells", type=int, default=100000, help="cells in one batch")
    parser.add_argument("--seeds", nargs="+", type=int, default=[7, 8, 9])
    parser.add_argument("--depths", nargs="+", default=list(DEPTHS), choices=list(DEPTHS))
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "cpu-operations"])
    parser.add_argument("--evaluations", type=int, default=10)
    parser.add_argument("--checkpointing", action="store_true", help="keep no activations inside a net call")
    parser.add_argument("--tiny", action="store_true", help="a narrow net: whether everything runs")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any other key of the configuration")
    arguments = parser.parse_args()
    flop = {name: training_flop(arguments, DEPTHS[name]) for name in arguments.depths}
    budget = arguments.steps * training_flop(arguments, DEPTHS["depth 1"])
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = []
    print(f"{'':34} {'FLOP':>6} {'steps':>8}   exact on the test split, %: always | at 5 | 10 | 20 % false alarms")
    for name in arguments.depths:
        steps = max(1, round(budget / flop[name]))
        results = [trained(arguments, name, DEPTHS[name], steps, seed) for seed in arguments.seeds]
        rows += [{"depth": name, "seed": seed, "steps": steps, "training_flop": flop[name], **result} for seed, result in zip(arguments.seeds, results)]
        (arguments.out / "depth.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        print(f"{name:34} {flop[name] / flop[arguments.depths[0]]:5.2f}x {steps:8}   " + " | ".join(spread([r[level] for r in results]) for level in LEVELS), flush=True)


if __name__ == "__main__":
    main()
