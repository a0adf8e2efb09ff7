"""A short form of `make chaos`, and that its driver sees what it is there to see."""
import json
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from conftest import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests/faults"))
import chaos_plant  # noqa: E402
from chaos_faults import FAULTS  # noqa: E402

SEED = 5


def fake_mendel(folder, text):
    (folder / "mendel").write_text(f"#!/bin/sh\ncat <<'EOF'\n{text}\nEOF\n")
    (folder / "mendel").chmod(0o755)


def test_half_a_minute_of_chaos_ends_in_the_digest_of_the_undisturbed_run(mendel):
    done = subprocess.run([sys.executable, ROOT / "tests/faults/chaos.py", BUILD, "--minutes", "0.3", "--round-s", "18", "--seed", str(SEED), "--packages", "json,html", "--no-trainer"],
                          capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["violations"] == 0 and sum(last["faults"].values()) >= 5 and set(last["faults"]) <= {row.name for row in FAULTS}
    assert re.fullmatch("[0-9a-f]{32}", last["digest"])


def test_the_driver_sees_what_was_shown_as_done_and_is_gone(tmp_path):
    plant = SimpleNamespace(build=tmp_path, data=tmp_path, seen={"mutate": 3, "lint": 1}, tell=print)
    fake_mendel(tmp_path, '{"stages": [{"stage": "mutate", "done": "3"}, {"stage": "lint", "done": 1}]}')
    chaos_plant.ChaosPlant.check_nothing_lost(plant)
    fake_mendel(tmp_path, '{"stages": [{"stage": "mutate", "done": "2"}, {"stage": "lint", "done": 1}]}')
    with pytest.raises(chaos_plant.Violation, match=r"gone: .*mutate.*\(3, 2\)"):
        chaos_plant.ChaosPlant.check_nothing_lost(plant)


@pytest.mark.parametrize("change", [{"dataset_digest": "b" * 32}, {"funnel": {"mutate.pairs": 8}}, {"dead_letters": 1}, {"stages": {"mutate": {"done": 6, "dead": 0}}}])
def test_the_driver_sees_another_digest_count_or_dead_letter(tmp_path, change):
    shown = {"dataset_digest": "a" * 32, "funnel": {"mutate.pairs": 9}, "stages": {"mutate": {"done": 5, "dead": 0}}, "dead_letters": 0}
    fake_mendel(tmp_path, "ok")
    plant = SimpleNamespace(build=tmp_path, data=tmp_path, result=json.dumps(shown))
    chaos_plant.ChaosPlant.check(plant, chaos_plant.summary(json.dumps(shown)))
    plant.result = json.dumps({**shown, **change})
    with pytest.raises(chaos_plant.Violation):
        chaos_plant.ChaosPlant.check(plant, chaos_plant.summary(json.dumps(shown)))


@pytest.mark.parametrize("status, said, explained", [(-9, "", True), (0, "", False), (1, "no space left: less than 4 MiB are free", True), (-6, "terminate called", False), (1, "who knows", False)])
def test_the_driver_sees_an_end_that_no_fault_explains(tmp_path, status, said, explained):
    (tmp_path / "coordinator.log").write_text(said)
    (tmp_path / "coordinator.out").touch()
    plant = SimpleNamespace(folder=tmp_path, logs={"coordinator": 0}, ours={}, tell=print, result=None)
    judged = lambda: chaos_plant.ChaosPlant.judge(plant, "coordinator", SimpleNamespace(pid=1, returncode=status))  # noqa: E731
    if explained:
        judged()
    else:
        with pytest.raises(chaos_plant.Violation, match="no fault explains"):
            judged()
