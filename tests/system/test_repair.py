"""From a dataset to a mended file with the built programs: training in seconds, resume, scores, repair, bad checkpoints."""
import json
import os
import re
import shutil
import stat
import subprocess
import time

import pytest
from conftest import BUILD, PATIENCE, program

FUNCTIONS = 120


def module(n):
    """A module of small functions; every name differs so that no two are near-duplicates of each other."""
    words = ["total", "price", "index", "width", "shade", "queue", "token", "frame", "score", "depth"]
    a, b, c = words[n % 10], words[(n // 10 + 3) % 10], words[(n * 7 + 1) % 10]
    return (f"def {a}_{b}_{n}({a}s, limit={n}):\n    found = []\n    for {c} in {a}s:\n        if {c} > limit and {c} % {n + 2} == 0:\n"
            f"            found.append({c} * {n % 9 + 1})\n    return found[:{n % 5 + 2}]\n\n\n"
            f"def {c}_of_{n}(self, {b}=None):\n    if {b} is None:\n        {b} = [{n}, {n * 3}]\n    {a} = sum({b}) + {n}\n"
            f"    while {a} > {n % 7}:\n        {a} -= len({b})\n    return {a} or {n % 4}\n")


SETTINGS = ["--set", "train.steps_max=6", "--set", "train.width=32", "--set", "train.heads=2", "--set", "train.cells_per_batch=400", "--set", "train.threads=1",
            "--set", "train.evaluations=1", "--set", "train.minutes=5", "--set", "tokenizer.vocabulary=512", "--set", "validate.near_duplicate_threshold=1.0",
            "--set", "dataset.validation_share=0.2", "--set", "dataset.test_share=0.2", "--set", "mutate.clean_share=0.4", "--set", "validate.quality_min=0"]


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """A data folder with a small dataset and a model that was trained on it for six steps."""
    if not (BUILD / "mendel-trainer").exists():
        pytest.skip("mendel-trainer is not built")
    folder = tmp_path_factory.mktemp("plant")
    run = program("mendel", folder)
    for n in range(FUNCTIONS):
        target = folder / "code" / f"package{n % 20}" / f"module{n}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(module(n))
    (folder / "pairs.jsonl").write_text(run(*SETTINGS, "mutate", folder / "code", "--seed", 3).stdout)
    run("--data", folder / "data", *SETTINGS, "dataset", "build", folder / "pairs.jsonl", "--out", folder / "data" / "dataset")
    run.first = run("--data", folder / "data", *SETTINGS, "train")
    run.data = folder / "data"
    return run


def repair(plant, *arguments, **options):
    return plant("--data", plant.data, "repair", *arguments, **options)


def run_folder(plant):
    (found,) = (plant.data / "runs").iterdir()
    return found


def test_training_leaves_a_run_with_log_metrics_and_checkpoint(plant):
    folder = run_folder(plant)
    assert folder.name.startswith("trm-demo-")
    assert (folder / "checkpoint.safetensors").exists()
    steps = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert max(row["step"] for row in steps if "loss" in row) == 6
    log = (folder / "logs" / "training" / "stage_1.log").read_text()
    assert "step 6 samples" in log and "curve step" in log
    assert "checkpoint" in plant.first.stdout
    assert json.loads((folder / "summary.json").read_text())["steps"] == 6


def test_a_second_run_of_the_same_command_says_that_it_is_done(plant):
    again = plant("--data", plant.data, *SETTINGS, "train")
    assert "already trained" in again.stderr
    assert "checkpoint" in again.stdout


def test_an_interrupted_run_goes_on_where_it_stopped(plant, tmp_path):
    long = [*SETTINGS, "--set", "train.steps_max=100000", "--set", "train.checkpoint_s=1"]
    command = ["--data", plant.data, *long, "train", "--run", tmp_path / "run"]
    process = plant.start(*command)
    try:
        log = tmp_path / "run" / "logs" / "training" / "stage_1.log"
        while process.poll() is None and not (log.exists() and "step 3 " in log.read_text()):
            time.sleep(0.02)
        process.send_signal(2)
        _, errors = process.communicate(timeout=120 * PATIENCE)
    finally:
        plant.stop_all()
    assert process.returncode == 130, errors
    assert "goes on from" in errors
    steps = int(log.read_text().strip().splitlines()[-1].split(" samples")[0].rsplit(" ", 1)[1])
    process = plant.start(*command)
    try:
        while process.poll() is None and f"step {steps + 1} " not in log.read_text():
            time.sleep(0.02)
        process.send_signal(2)
        _, errors = process.communicate(timeout=120 * PATIENCE)
    finally:
        plant.stop_all()
    assert f"goes on at step {steps + 1}" in errors
    numbers = [int(line.split()[1]) for line in log.read_text().splitlines() if line.startswith("step ")]
    assert numbers == sorted(set(numbers))


def test_evaluation_writes_its_report_beside_doing_nothing(plant, tmp_path):
    analysis = plant.data / "logs/evaluation/analysis.log"
    earlier = len(analysis.read_text().splitlines()) if analysis.exists() else 0
    done = plant("--data", plant.data, "eval", "--split", "test", "--out", tmp_path / "reports")
    assert "unchanged" in done.stdout and "clean functions edited" in done.stdout and "mined from history: no bug" in done.stdout
    report = json.loads((tmp_path / "reports" / "benchmark_report.json").read_text())
    bugs = report["sources"]["all"]["bugs"]
    assert bugs["n"] > 20 and bugs["identity"]["exact"]["count"] == 0
    assert set(report["thresholds"]) == {"at_5", "at_10", "at_20"}
    assert bugs["at_5"]["edited"]["count"] <= bugs["at_20"]["edited"]["count"] <= bugs["n"]
    assert report["dataset"]["digest"] == report["model"]["trained_on_digest"]
    header, *rows = (tmp_path / "reports" / "per_bug_type_metrics.csv").read_text().splitlines()
    assert header.startswith("source,bug_class,bug_type,n,identity_exact") and len(rows) > 3
    matrix = (tmp_path / "reports" / "confusion_matrices" / "always.csv").read_text().splitlines()[1:]
    assert sum(int(cell) for row in matrix for cell in row.split(",")[1:]) == report["dataset"]["samples"]
    lines = analysis.read_text().splitlines()[earlier:]
    assert sum(int(re.search(r" bugs=(\d+) ", line)[1]) for line in lines) == bugs["n"] and "status=0" in (plant.data / "logs/evaluation/benchmark.log").read_text()
    assert sum(int(re.search(r" exact=(\d+) ", line)[1]) for line in lines) == bugs["always"]["exact"]["count"]
    again = plant("--data", plant.data, "--json", "eval", "--split", "test", "--out", tmp_path / "again")
    assert json.loads(again.stdout)["sources"] == report["sources"]


def test_repair_prints_a_difference_that_parses_or_nothing(plant, tmp_path):
    texts = [module(n) + "\n\nclass A:\n    def f(self):\n        return self.x\n" for n in range(FUNCTIONS)]
    lines = "".join(json.dumps({"id": str(n), "code": text}) + "\n" for n, text in enumerate(texts))
    answers = [json.loads(line) for line in repair(plant, "-", "--json", "--false-alarms", 1, "--candidates", 8, input=lines).stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [str(n) for n in range(FUNCTIONS)]
    for answer, text in zip(answers, texts):
        compile(answer["code"], "repaired", "exec")
        assert answer["changed"] == (answer["code"] != text)
    assert any(answer["changed"] for answer in answers), "a fifth of the clean functions should be edited at this threshold"
    # A file is looked at function by function, a line of JSON as a whole: which texts are edited differs.
    file = tmp_path / "shop.py"
    for text in texts:
        file.write_text(text)
        done = repair(plant, file, "--false-alarms", 1, "--candidates", 8)
        assert file.read_text() == text
        if done.stdout:
            break
    assert done.stdout, "one of the files should be edited at this threshold"
    patched = tmp_path / "patched.py"
    subprocess.run(["patch", "-s", "-o", str(patched), str(file)], input=done.stdout, text=True, check=True)
    repair(plant, file, "--false-alarms", 1, "--candidates", 8, "--write")
    assert file.read_text() == patched.read_text() != text
    compile(file.read_text(), "repaired", "exec")


def test_what_is_not_believed_is_left_and_explain_says_why(plant, tmp_path):
    file = tmp_path / "shop.py"
    file.write_text(module(1))
    done = repair(plant, file, "--false-alarms", 0.01, "--explain")
    assert done.stdout == ""
    assert "left as it is" in done.stderr and "threshold" in done.stderr


def test_write_keeps_mode_and_link(plant, tmp_path):
    target, link = tmp_path / "target.py", tmp_path / "link.py"
    target.write_text("def f(x)\n    return x\n")
    target.chmod(0o750)
    link.symlink_to(target)
    repair(plant, link, "--write", "--candidates", 100)
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o750


def test_lines_of_json_are_answered_one_by_one_in_order(plant):
    codes = [{"id": "a", "code": "def f(x):\n    return x\n"}, {"id": 2, "code": ""}, {"id": "c", "code": "x = 1\0"}, {"id": "d", "code": "def g(:\r\n    pass\r\n"}]
    lines = "".join(json.dumps(code) + "\n" for code in codes)
    done = plant("--data", plant.data, "--json", "repair", "-", "--false-alarms", 1, input=lines)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == ["a", 2, "c", "d"]
    for code, answer in zip(codes, answers):
        assert set(answer) >= {"id", "code", "changed", "probability", "steps", "edits"}
        assert answer["changed"] == (answer["code"] != code["code"]) == bool(answer["edits"])
        if answer["changed"]:
            compile(answer["code"], "answer", "exec")
    assert "NUL" in answers[2]["error"]
    again = plant("--data", plant.data, "--json", "repair", "-", "--false-alarms", 1, input=lines)
    assert again.stdout == done.stdout
    wrong = plant("--data", plant.data, "--json", "repair", "-", input='{"id": 1}\nnothing\n{"id": 3, "code": "x = 1"}\n', status=4)
    assert "-:1:" in wrong.stderr and len(wrong.stdout.splitlines()) == 1


@pytest.mark.parametrize("content, says", [(b"x = 1\0\n", "NUL"), (b"x = '\xff'\n", "UTF-8")])
def test_text_that_is_none_is_named(plant, tmp_path, content, says):
    file = tmp_path / "bad.py"
    file.write_bytes(content)
    done = repair(plant, file, status=1)
    assert str(file) in done.stderr and says in done.stderr and done.stdout == ""


def test_other_bad_input_is_named(plant, tmp_path):
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "huge.py").write_text("x = 1\n" * 200000)
    for name, says in [("dangling.py", "No such file"), ("missing.py", "No such file"), ("huge.py", "larger than"), (".", "directory")]:
        done = repair(plant, tmp_path / name, status=1)
        assert says in done.stderr, done.stderr
    (tmp_path / "empty.py").write_text("")
    assert repair(plant, tmp_path / "empty.py").stdout == ""
    (tmp_path / "dashes.py").write_text("x = " + "-" * 100000 + "1\n")
    repair(plant, tmp_path / "dashes.py", status=None)
    assert repair(plant, "-", "--write", status=2).stdout == ""


def test_bad_checkpoints_are_refused_by_name(plant, tmp_path):
    sound = (run_folder(plant) / "checkpoint.safetensors").read_bytes()
    file = tmp_path / "shop.py"
    file.write_text(module(1))
    cases = {"truncated.safetensors": sound[:len(sound) // 2], "empty.safetensors": b"", "text.safetensors": b"def f(): pass\n" * 100,
             "hostile.safetensors": (1 << 60).to_bytes(8, "little") + b"{}"}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        done = repair(plant, file, "--checkpoint", tmp_path / name, status=1)
        assert name in done.stderr, done.stderr
    assert "no such checkpoint" in repair(plant, file, "--checkpoint", tmp_path / "none", status=1).stderr
    nothing = plant("--data", tmp_path / "other", "repair", file, status=1)
    assert "mendel train" in nothing.stderr


def test_a_dataset_of_another_vocabulary_is_refused(plant, tmp_path):
    other = tmp_path / "dataset"
    plant(*SETTINGS, "--set", "tokenizer.vocabulary=700", "dataset", "build", plant.data.parent / "pairs.jsonl", "--out", other)
    done = plant("--data", plant.data, "eval", "--dataset", other, "--out", tmp_path / "reports", status=1)
    assert "vocabulary" in done.stderr


def test_a_missing_dataset_and_an_unknown_model_are_named(plant, tmp_path):
    assert "no dataset there" in plant("--data", tmp_path, "train", status=1).stderr
    assert "train.model" in plant("--data", plant.data, "train", "--model", "trm-nothing", status=1).stderr


def test_a_suite_of_texts_is_scored(plant, tmp_path):
    suite = tmp_path / "suite.jsonl"
    suite.write_text("".join(json.dumps({"id": str(n), "buggy": module(n), "fixed": module(n)}) + "\n" for n in range(3)))
    done = plant("--data", plant.data, "--json", "eval", "--suite", suite, "--out", tmp_path / "reports")
    report = json.loads(done.stdout)
    assert report["identity"]["exact"]["count"] == 3 and report["identity"]["changed"]["count"] == 0
    assert report["always"]["changed"]["count"] == 3 - report["always"]["exact"]["count"]


def test_without_the_trainer_mendel_says_what_to_do(tmp_path):
    lonely = tmp_path / "bin" / "mendel"
    lonely.parent.mkdir()
    source = BUILD / "mendel"
    if not source.exists():
        pytest.skip("mendel is not built")
    shutil.copy2(source, lonely)
    done = subprocess.run([lonely, "repair", "x.py"], capture_output=True, text=True)
    assert done.returncode == 1 and "mendel-trainer" in done.stderr and "make build" in done.stderr
