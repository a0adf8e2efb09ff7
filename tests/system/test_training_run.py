"""Runs of the model's trainer as a process: killed and resumed, and its checkpoint read by the safetensors library.

Drives bench_training, the smallest program around model/; the command line of mendel-trainer has tests of its own.
"""
import json
import random
import signal
import subprocess
import sys
import time

import numpy
import pytest
from conftest import BUILD, PATIENCE, ROOT
from safetensors import safe_open

sys.path.insert(0, str(ROOT / "tests/bench"))
PROGRAM = BUILD / "bench_training"
STEPS, LIMIT_S = 12, 300 * PATIENCE


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    if not PROGRAM.exists():
        pytest.skip("bench_training is not built")
    from bench_training import made_samples, write
    folder = tmp_path_factory.mktemp("samples")
    write(folder / "train", made_samples(120, 1))
    write(folder / "validation", made_samples(8, 2))
    return folder


def command(samples, run, extra):
    # Every step is followed by an evaluation, and with it by a saved state.
    return [PROGRAM, samples / "train", samples / "validation", run, f"steps={STEPS}", "cells=600", f"evaluations={STEPS}", "width=32", "threads=2", *extra]


def losses(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line["loss"], line["gradient_norm"]) for line in lines if "curve" not in line]


def whole_run(samples, folder, extra=()):
    run = folder / "whole"
    subprocess.run(command(samples, run, extra), check=True, capture_output=True, timeout=LIMIT_S)
    return run


@pytest.fixture(scope="module")
def whole(samples, tmp_path_factory):
    return whole_run(samples, tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("extra", [(), ("neurons=48",), ("device=cpu-operations",)], ids=["trm", "ctm", "operations"])
def test_kill_9_at_any_moment_leaves_a_run_that_goes_on_with_the_same_losses(samples, tmp_path, extra):
    whole = whole_run(samples, tmp_path, extra)
    run, rng = tmp_path / "killed", random.Random(5)
    for _ in range(3):
        process = subprocess.Popen(command(samples, run, extra), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        state = run / "state/state.safetensors"
        before = state.stat().st_mtime_ns if state.exists() else 0
        deadline = time.monotonic() + LIMIT_S
        # Wait for a new state, then strike within the next steps.
        while process.poll() is None and time.monotonic() < deadline and (not state.exists() or state.stat().st_mtime_ns == before):
            time.sleep(0.002)
        time.sleep(rng.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command(samples, run, extra), check=True, capture_output=True, timeout=LIMIT_S)
    assert losses(run) == losses(whole)
    assert (run / "checkpoint.safetensors").read_bytes() == (whole / "checkpoint.safetensors").read_bytes()


def test_the_safetensors_library_reads_the_checkpoint(whole):
    with safe_open(whole / "checkpoint.safetensors", framework="numpy") as file:
        metadata = file.metadata()
        assert metadata["format"] == "mendel-repair-2"
        assert metadata["model.width"] == "32"
        assert [key for key in metadata if key.startswith("threshold.")] and float(metadata["threshold.0.05"]) < 1e308
        assert file.get_slice("trunk.embedding").get_shape() == [4096, 32]
        for name in file.keys():
            assert numpy.isfinite(file.get_tensor(name)).all(), name
