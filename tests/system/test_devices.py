"""Devices and gates as people meet them: impossible ones refused, a run that is the same wherever it was trained, status 3, readers of others."""
import importlib.util
import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import BUILD, ROOT, program
from test_repair import SETTINGS, module, plant, run_folder  # noqa: F401  (plant is a fixture)

GATES = ["train.gates.toml", """
[[train.stages]]
name = "first"
gates = ["end: loss < 1000", "end: exact > %s"]
"""]


def has_gpu():
    try:
        import torch
        return torch.cuda.is_available()
    except ImportError:
        return False


def test_a_gpu_that_is_not_there_is_refused_with_the_remedy(plant, tmp_path):
    if has_gpu():
        pytest.skip("this machine has a GPU")
    for arguments in (["train", "--run", tmp_path / "run"], ["eval", "--out", tmp_path / "out"], ["repair", "-"]):
        done = plant("--data", plant.data, *SETTINGS, "--set", "train.device=cuda", *arguments, input="x = 1\n", status=None)
        assert done.returncode == 1 and "device is cuda" in done.stderr and "or take cpu" in done.stderr, (arguments, done.stderr)
    assert not (tmp_path / "run").exists()
    trainer = program("mendel-trainer", tmp_path)
    done = trainer("--set", "train.device=cuda", "node", "--name", "a", "--roles", "trainer", "--connect", "tcp://127.0.0.1:1", "--key", "k", "--server-key", "s", status=1)
    assert "train.device is cuda" in done.stderr
    assert "train.device is cuda" in plant("--set", "train.device=cuda", "doctor", status=1).stdout


def test_an_unknown_device_is_refused_by_the_configuration(plant):
    done = plant("--set", "train.device=abacus", "train", status=2)
    assert "train.device" in done.stderr and "auto|cpu|cuda|cpu-operations" in done.stderr


def test_the_device_is_no_part_of_a_run_and_its_model_answers_on_another(plant):
    there = ["--set", "train.device=cpu-operations"]
    assert "already trained" in plant("--data", plant.data, *SETTINGS, *there, "train").stderr
    assert len(list((plant.data / "runs").iterdir())) == 1
    codes = "".join(json.dumps({"id": str(n), "code": module(n)}) + "\n" for n in range(4))
    answers = [[json.loads(line) for line in plant("--data", plant.data, *device, "--json", "repair", "--false-alarms", "1", "-", input=codes).stdout.splitlines()]
               for device in ([], there)]
    for here, other in zip(*answers):
        assert here["id"] == other["id"] and abs(here["probability"] - other["probability"]) < 0.05


def test_a_run_by_the_operations_of_a_gpu_ends_with_a_checkpoint_for_everyone(plant, tmp_path):
    done = plant("--data", plant.data, *SETTINGS, "--set", "train.device=cpu-operations", "train", "--run", tmp_path / "run")
    assert "by the memory that is free" in done.stderr
    here, there = (json.loads((folder / "metrics.jsonl").read_text().splitlines()[0]) for folder in (run_folder(plant), tmp_path / "run"))
    assert here["samples_seen"] == there["samples_seen"] and abs(here["loss"] - there["loss"]) < 0.02 * here["loss"]
    report = json.loads(plant("--data", plant.data, "--set", "train.device=cpu", "--json", "eval", "--checkpoint", tmp_path / "run", "--out", tmp_path / "out").stdout)
    assert report["sources"]["all"]["bugs"]["n"] > 20


def test_missed_gates_end_training_with_status_3_and_met_ones_with_0(plant, tmp_path):
    for limit, status in (("0.999", 3), ("-1", 0)):
        (tmp_path / GATES[0]).write_text(GATES[1] % limit)
        # To the end of the stage, whatever the steps.
        options = ["--config", tmp_path / GATES[0], "--data", plant.data, *SETTINGS, "--set", "train.steps_max=0"]
        run = tmp_path / f"run-{status}"
        done = plant(*options, "train", "--gate", "--run", run, status=status)
        gates = json.loads((run / "gates.json").read_text())
        text = json.dumps(gates)
        assert "end: loss < 1000" in text and ("gate missed" in done.stderr) == (status == 3)
        # Without --gate they are reported and nothing more; a finished run remembers them.
        plant(*options, "train", "--run", run, status=0)
        plant(*options, "train", "--gate", "--run", run, status=status)


def test_gates_without_a_curriculum_are_refused(plant):
    assert "train.stages is empty" in plant("--data", plant.data, *SETTINGS, "train", "--gate", status=2).stderr


def test_a_trained_models_time_and_memory_are_measured_by_steps(plant):
    told = json.loads(program("mendel-trainer", plant.data)("--data", plant.data, "--json", "describe", "--checkpoint", run_folder(plant)).stdout)
    trained = told["trained"]
    assert told["parameters"] > 10000 and trained["forward_ms"] > 0 and trained["memory_mb"] >= 0 and trained["steps"][0]["steps"] == 1


def test_tensorboards_own_reader_reads_the_events(plant):
    """Scalars, texts, pictures of a grid and histograms, by the library that TensorBoard itself reads them with."""
    if not importlib.util.find_spec("tensorboard"):
        pytest.skip("the tensorboard package is not installed here")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    folders = {path.parent for path in run_folder(plant).rglob("*tfevents*")}
    assert folders
    for folder in folders:
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "histograms": 0, "tensors": 0})
        events.Reload()
        tags = events.Tags()
        lines = [json.loads(line) for line in (run_folder(plant) / "metrics.jsonl").read_text().splitlines()]
        steps = [line for line in lines if "curve" not in line]
        read = {event.step: event.value for event in events.Scalars("loss/all")}
        assert read == pytest.approx({line["step"]: line["loss"] for line in steps}, rel=1e-5)
        assert "thought/certainty" in tags["histograms"] and events.Histograms("thought/certainty")[0].histogram_value.num > 0
        assert b"before\n```python\n" in events.Tensors("example/1")[0].tensor_proto.string_val[0]
        picture = events.Images(tags["images"][0])[0]
        assert picture.encoded_image_string.startswith(b"\x89PNG") and picture.width > 0


def test_the_benchmark_of_devices_runs_in_small(tmp_path):
    if not (BUILD / "bench_device").exists():
        pytest.skip("bench_device is not built")
    rows = tmp_path / "rows.jsonl"
    command = [sys.executable, ROOT / "model/bench/bench_device.py", "--build", BUILD, "--device", "cpu-operations", "--tiny", "--batches", "2", "--repair-batches", "1", "2",
               "--repeats", "2", "--calls", "2", "--json", rows]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    seen = [json.loads(line) for line in rows.read_text().splitlines()]
    for model in ("trm-coderepair-7m", "ctm-coderepair-15m"):
        own = [row for row in seen if row["model"] == model]
        assert {row["mode"] for row in own} == {"train", "repair", "thought"}
        for row in own:
            if row["way"] == "graph":
                assert "refused" in row  # a CPU captures no graphs, and the row says so
            else:
                assert row["samples_per_s"] > 0 and row["memory_mib"] >= 0, row
        assert all(row["share_of_peak"] > 0 for row in own if row["mode"] == "train" and "refused" not in row)
    assert "target >= 200/s" in done.stdout and "target >= 300/s" in done.stdout and "target > 100/s at p99 < 100 ms" in done.stdout


def test_flop_are_counted_and_grow_as_the_formula_says():
    if not (BUILD / "bench_device").exists():
        pytest.skip("bench_device is not built")

    def flop(*settings):
        command = [BUILD / "bench_device", "flop", "device=cpu", "model=trm-coderepair-7m", "rows=8", "columns=16", *settings]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)

    d, inner, cells = 256, 1024, 8 * 16
    # A net call: two layers of projections and SwiGLU, attention along 16 cells of a row and 8 of a column.
    call = 2 * cells * (2 * (3 * d * d + d * d + 3 * d * inner) + 2 * d * (16 + 8))
    one = flop("supervision=1")
    assert one["thought_flop"] == pytest.approx(21 * call, rel=0.1)  # beside it the input cells and the start's score
    once = flop("supervision=1", "high=0", "low=0")
    assert one["training_flop"] - once["training_flop"] == pytest.approx((14 + 6 * 3) * call, rel=0.01)


def test_depths_are_compared_at_equal_flop_in_small(plant, tmp_path):
    if not (BUILD / "bench_device").exists():
        pytest.skip("bench_device is not built")
    command = [sys.executable, ROOT / "tests/bench/compare_depth.py", "--dataset", plant.data / "dataset", "--out", tmp_path, "--build", BUILD, "--tiny", "--steps", "6", "--cells", "400",
               "--seeds", "1", "2", "--evaluations", "1", "--depths", "depth 1", "3 x (6 + 1)"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "depth.jsonl").read_text().splitlines()]
    assert [(row["depth"], row["seed"]) for row in rows] == [("depth 1", 1), ("depth 1", 2), ("3 x (6 + 1)", 1), ("3 x (6 + 1)", 2)]
    for row in rows:
        assert row["steps"] == max(1, round(6 * rows[0]["training_flop"] / row["training_flop"])) and row["samples"] > 0 and 0 <= row["always"] <= 1


def test_model_builds_alone_with_nothing_but_torch(tmp_path):
    """Configured from its own folder and its loops compiled; with MENDEL_BUILD_ALONE=1 all of it, which takes minutes."""
    torch = pytest.importorskip("torch")
    out = tmp_path / "out"
    launcher = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={shutil.which('ccache')}"] if shutil.which("ccache") else []
    # Nothing of the project around it is found: neither its build folder nor what it was configured with.
    source = tmp_path / "alone"
    source.mkdir()
    for folder in ("model", "tests"):
        (source / folder).symlink_to(ROOT / folder)
    done = subprocess.run(["cmake", "-S", source / "model", "-B", out, f"-DCMAKE_PREFIX_PATH={torch.utils.cmake_prefix_path}", *launcher], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    targets = ["bench_device", "test_model"] if os.environ.get("MENDEL_BUILD_ALONE") else ["mendel_kernels"]
    built = subprocess.run(["cmake", "--build", out, "-j", "2", "--target", *targets], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout[-3000:]
    listed = subprocess.run(["cmake", "--build", out, "--target", "help"], capture_output=True, text=True).stdout
    assert "bench_device" in listed and "mendel_model" in listed
    nothing = subprocess.run(["cmake", "-S", source / "model", "-B", tmp_path / "none", "-DCMAKE_PREFIX_PATH="], capture_output=True, text=True)
    assert nothing.returncode != 0 and "no LibTorch: give -DCMAKE_PREFIX_PATH" in nothing.stderr
