"""Partitions of a real network; a short form of `make chaos`, and that its driver sees what it is there to see."""
import json
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from conftest import BUILD, PATIENCE, ROOT, Program
from test_plant import PROFILE, ROLES, code, finish, plant, wait_for  # noqa: F401  (code is a fixture)

sys.path.insert(0, str(ROOT / "tests/faults"))
import chaos  # noqa: E402
import chaos_plant  # noqa: E402
from chaos_faults import FAULTS  # noqa: E402
from hosts import Hosts, reason_for_none  # noqa: E402

SEED = 5


@pytest.fixture
def apart(mendel, code, tmp_path):  # noqa: F811
    """A coordinator and the nodes a and b, each on a host of its own: (hosts, the coordinator's process, its status,
    what it must come to)."""
    reason = reason_for_none()
    if reason:
        pytest.skip(reason)
    hosts, data, ip = Hosts(["coordinator", "a", "b"]), tmp_path / "data", Program(shutil.which("ip"), tmp_path)
    endpoint = f"tcp://{hosts.address('coordinator')}:5599"

    def start(host, *words):
        return ip.start(*hosts.command(host, BUILD / "mendel", *words)[1:])

    def status():
        done = mendel("--data", data, "--json", "status", status=None)
        return {node["name"]: int(node.get("leased", 0)) for node in json.loads(done.stdout).get("nodes", [])} if done.returncode == 0 else {}
    expected = chaos_plant.summary(mendel(*plant(tmp_path / "undisturbed", code, "validate.pairs_per_item=4"), "--json", "up", "--until", "dataset").stdout)
    mendel("--data", data, "keys", "init")
    slow = ("runtime.lease_ms=1000", "validate.pairs_per_item=4", "queue.rate_mutate=3", "queue.rate_lint=3", "queue.rate_validate=5")
    coordinator = start("coordinator", *plant(data, code, *slow), "--json", "coordinator", "--listen", endpoint, "--until", "dataset")
    for name in ("a", "b"):
        mendel("--data", data, "keys", "add", name)
        start(name, "--config", PROFILE, "--data", tmp_path / name, "node", "--name", name, "--roles", ROLES, "--connect", endpoint,
              "--key", data / f"keys/{name}.secret", "--server-key", data / "keys/server.public")
    yield hosts, coordinator, status, expected
    ip.stop_all()
    hosts.remove()


def test_a_node_cut_off_past_its_leases_both_ways_and_one_way_commits_nothing_twice(apart):
    hosts, coordinator, status, expected = apart
    for cut in (lambda: hosts.cut("a"), lambda: hosts.mute("a", "coordinator"), lambda: hosts.mute("coordinator", "a")):
        wait_for(lambda: status().get("a", 0) > 0 or coordinator.poll() is not None, what="the node holds work")
        assert coordinator.poll() is None, "the plant was done before all partitions were made"
        cut()
        wait_for(lambda: "a" not in status() or coordinator.poll() is not None, what="the node is given up")
        hosts.heal("a", "coordinator")
        hosts.heal("coordinator", "a")
    status_, out, err = finish(coordinator)
    assert status_ == 0, err
    assert chaos_plant.summary(out) == expected


def fake_mendel(folder, text):
    (folder / "mendel").write_text(f"#!/bin/sh\ncat <<'EOF'\n{text}\nEOF\n")
    (folder / "mendel").chmod(0o755)


def test_half_a_minute_of_chaos_ends_in_the_digest_of_the_undisturbed_run(mendel):
    done = subprocess.run([sys.executable, ROOT / "tests/faults/chaos.py", BUILD, "--minutes", "0.3", "--round-s", "18", "--seed", str(SEED), "--packages", "json,html", "--no-trainer"],
                          capture_output=True, text=True, timeout=400 * PATIENCE)
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


@pytest.mark.parametrize("steps, stuck", [(5, False), (2, True)])
def test_the_driver_waits_for_a_slow_plant_and_sees_one_that_is_stuck(monkeypatch, steps, stuck):
    """Five looks, each longer after the last than a plant may stand still."""
    looks = iter(range(100))
    clock = iter(range(0, 10**6, chaos.STUCK_S // 2 + 1))
    plant = SimpleNamespace(last_status={}, finished=lambda: at["look"] >= 2 * steps + (10 if stuck else 0), progress=lambda: min(at["look"] // 2, steps), supervise=lambda: at.update(look=next(looks)))
    at = {"look": next(looks)}
    monkeypatch.setattr(chaos, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None))
    peace = SimpleNamespace(mend=lambda _: None, mend_all=lambda: None)
    if stuck:
        with pytest.raises(chaos_plant.Violation, match="without a step"):
            chaos.play(plant, peace, None, 0)
    else:
        chaos.play(plant, peace, None, 0)
