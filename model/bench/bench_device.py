#!/usr/bin/env python3
"""The full-size models on this machine's GPU: training step and repair, samples/s, share of the peak, memory, beside the targets.

Usage: bench_device.py [--build DIR] [--device cuda|cpu|cpu-operations] [--models NAME...] [--batches N...] [--json FILE] [--tiny]

Needs Python, CMake, a C++20 compiler and the torch of the machine, nothing else of Mendel: without --build it builds model/ into
out-bench/ first. Functions fill the grid of 64 x 48 cells, each with one edit, other ones in every step; products are bfloat16.

eager: attention by products and softmax. fused: LibTorch's scaled_dot_product_attention. graph: the same, forward and backward pass
captured once and replayed (the optimizer's step stays outside). Out of memory a batch is tried again with gradient checkpointing. What a
way cannot do on a device is said in its row. The share of the peak counts the model's own products once, recomputed ones never.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

MODEL = Path(__file__).resolve().parent.parent
# Dense bfloat16 FLOP/s as the makers name them, by a part of the device's name.
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12, "B200": 2250e12,
         "MI300A": 981e12, "MI300X": 1307e12, "MI250X": 383e12, "Radeon 8060S": 59e12, "gfx1151": 59e12}
MODELS = {"trm-coderepair-7m": {"target": 200, "steps": [1, 0]}, "ctm-coderepair-15m": {"target": 300, "steps": [8, 0]}}
# Shapes with which every path runs within seconds on a CPU.
TINY = ["rows=6", "columns=8", "vocabulary=64", "width=32", "heads=4", "inner=32", "rank=12"]
TINY_OF = {"trm-coderepair-7m": ["high=2", "low=2", "supervision=2"], "ctm-coderepair-15m": ["neurons=32", "memory=4", "input=16", "pairs=16", "ticks=4"]}
REPAIRS_PER_S, REPAIR_P99_MS = 100, 100
OUT_OF_MEMORY, LIMIT_S = 4, 1800


def build(folder):
    import torch
    configure = ["cmake", "-S", MODEL, "-B", folder, f"-DCMAKE_PREFIX_PATH={torch.utils.cmake_prefix_path}"]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", "bench_device", "-j"], check=True, stdout=subprocess.DEVNULL)
    return folder


def device_name(device):
    if device.startswith("cpu"):
        return "CPU"
    try:
        import torch
        return torch.cuda.get_device_name(0)
    except Exception as error:
        return f"unknown ({error})"


class Bench:
    def __init__(self, arguments):
        self.program = Path(arguments.build or build(Path("out-bench"))) / "bench_device"
        self.arguments = arguments

    def __call__(self, mode, model, *settings):
        """What it measured, or {"refused": why}."""
        tiny = TINY + TINY_OF[model] if self.arguments.tiny and model else []
        command = [self.program, mode, *([f"model={model}"] if model else []), f"device={self.arguments.device}", *tiny, *settings]
        try:
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return {"refused": f"took over {LIMIT_S} s", "status": 1}
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            return {"refused": (lines[-1] if lines else f"status {done.returncode}").removeprefix("bench_device: "), "status": done.returncode}
        return json.loads(done.stdout)


def training(bench, model, supervision, batch, way, flop, peak):
    settings = [f"batch={batch}", f"way={way}", f"repeats={bench.arguments.repeats}", *supervision]
    row = bench("train", model, *settings)
    checkpointing = row.get("status") == OUT_OF_MEMORY
    if checkpointing:
        row = bench("train", model, *settings, "checkpointing=1")
    row.update(mode="train", model=model, batch=batch, way=way, checkpointing=checkpointing, supervision=supervision)
    if "samples_per_s" in row:
        row["flop_per_s"] = row["samples_per_s"] * flop
        row["share_of_peak"] = row["flop_per_s"] / peak if peak else None
    return row


def shown(row, target):
    head = f"  {row['mode']:8} {row['way']:6} batch {row['batch']:5}" + ("  checkpointed" if row.get("checkpointing") else "")
    if "refused" in row:
        return f"{head}  {row['refused']}"
    text = f"{head}  {row['samples_per_s']:9.1f} samples/s"
    if "flop_per_s" in row:
        share = f"{100 * row['share_of_peak']:5.1f} % of the peak" if row["share_of_peak"] else "peak unknown"
        text += f"  {row['flop_per_s'] / 1e12:8.3f} TFLOP/s  {share}"
    if "p99_ms" in row:
        text += f"  p50 {row['p50_ms']:8.1f} ms  p99 {row['p99_ms']:8.1f} ms"
    return f"{text}  {row['memory_mib']:8.0f} MiB  {target}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", help="folder with bench_device (default: build model/ into out-bench)")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu", "cpu-operations"])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--batches", nargs="+", type=int, default=[16, 64, 256, 768])
    parser.add_argument("--repair-batches", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--ways", nargs="+", default=["eager", "fused", "graph"], choices=["eager", "fused", "graph"])
    parser.add_argument("--repeats", type=int, default=10, help="steps of training that are timed")
    parser.add_argument("--calls", type=int, default=100, help="calls of repair that are timed")
    parser.add_argument("--tiny", action="store_true", help="small shapes: whether everything runs, not how fast")
    parser.add_argument("--json", help="file for all rows, one JSON object a line")
    arguments = parser.parse_args()
    bench, rows = Bench(arguments), []

    name = device_name(arguments.device)
    product = bench("product", "", f"batch={256 if arguments.device != 'cuda' else 8192}")
    if "refused" in product:
        sys.exit(product["refused"])
    named = next((peak for part, peak in PEAKS.items() if part in name), None)
    peak = named or product["flop_per_s"]
    print(f"{name}: {named / 1e12:.0f} TFLOP/s in bfloat16 by its maker" if named else f"{name}: peak taken from one large product",
          f"; one large product reaches {product['flop_per_s'] / 1e12:.3f} TFLOP/s", sep="", flush=True)

    for model in arguments.models:
        # The target counts one step of supervision a sample; the specification's setting has more.
        for supervision in (["supervision=1"], []) if model.startswith("trm") else ([],):
            counted = bench("flop", model, *supervision)
            print(f"{model}{' with one supervision step' if supervision else ''}: {counted['parameters']:,} parameters, "
                  f"{counted['training_flop'] / 1e9:.3f} GFLOP a sample of training, {counted['thought_flop'] / 1e9:.3f} of thought", flush=True)
            aim = MODELS[model]["target"]
            for way in arguments.ways:
                for batch in arguments.batches:
                    row = training(bench, model, supervision, batch, way, counted["training_flop"], peak)
                    row["target"] = aim
                    rows.append(row)
                    reached = "" if arguments.tiny or "refused" in row else "met" if row["samples_per_s"] >= aim else "missed"
                    print(shown(row, f"target >= {aim}/s {reached}".rstrip()), flush=True)
        for steps in MODELS[model]["steps"]:
            print(f"{model}: repair, {f'halted after {steps}' if steps else 'all steps'}, weights untrained, so each answer writes as many tokens as it may", flush=True)
            for way in [w for w in arguments.ways if w != "graph"]:
                for batch in arguments.repair_batches:
                    row = bench("repair", model, f"batch={batch}", f"way={way}", f"repeats={arguments.calls}", f"steps={steps}")
                    row.update(mode="repair", model=model, batch=batch, way=way, steps=steps)
                    rows.append(row)
                    met = "samples_per_s" in row and row["samples_per_s"] > REPAIRS_PER_S and row["p99_ms"] < REPAIR_P99_MS
                    reached = "" if arguments.tiny or "refused" in row else "met" if met else "missed"
                    print(shown(row, f"target > {REPAIRS_PER_S}/s at p99 < {REPAIR_P99_MS} ms {reached}".rstrip()), flush=True)
        print(f"{model}: the thought alone, all steps, nothing written", flush=True)
        for way in arguments.ways:
            for batch in arguments.repair_batches:
                row = bench("thought", model, f"batch={batch}", f"way={way}", f"repeats={arguments.calls}")
                row.update(mode="thought", model=model, batch=batch, way=way)
                rows.append(row)
                print(shown(row, ""), flush=True)
    if arguments.json:
        Path(arguments.json).write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
