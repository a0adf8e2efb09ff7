"""Real plants on a disk and a clock that fail: tests/faults/disk_faults.c, preloaded; small disks; crash loops."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from conftest import BUILD, PATIENCE, ROOT
from test_plant import Nodes, code, digest_of, finish, free_port, plant, undisturbed, wait_for  # noqa: F401 (fixtures)

SHIM = BUILD / "libdisk_faults.so"


@pytest.fixture
def faults(tmp_path):
    """The environment of a process with that fault, and the file in which the shim says what it saw."""
    if not SHIM.exists():
        pytest.skip(f"{SHIM.name} is not built in {BUILD}")

    def environment(fault, after=0, **more):
        return {"LD_PRELOAD": str(SHIM), "DISK_FAULT": fault, "DISK_FAULT_AFTER": str(after), "DISK_FAULT_LOG": str(tmp_path / "shim.log"), **more}
    environment.log = tmp_path / "shim.log"
    return environment


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own of 64 MB, and a function that takes all of it but some MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], capture_output=True).returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def nats(tmp_path):
    """The settings of a plant whose items wait in a NATS server of its own."""
    if not shutil.which("nats-server"):
        pytest.skip("nats-server is not installed")
    port = free_port()
    server = subprocess.Popen(["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", tmp_path / "nats"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    wait_for(listens, what="the NATS server listens")
    yield ("queue.backend=nats", f"queue.nats_url=nats://127.0.0.1:{port}")
    server.kill()
    server.wait()


def fill(folder, leave_mib):
    """A file that leaves so much of the disk; remove it to make room."""
    ballast = folder / "ballast"
    room = shutil.disk_usage(folder).free - (leave_mib << 20)
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, room)
    return ballast


def status_of(mendel, data):
    done = mendel("--data", data, "--json", "status", status=None)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout else {}


def done_by_stage(status):
    return {stage["stage"]: int(stage.get("done", 0)) for stage in status.get("stages", [])}


def metric(port, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)", answer.read().decode(), re.M)
    return None if found is None else float(found[1])


def test_the_shim_loses_what_was_not_synced_and_keeps_what_was(tmp_path, faults):
    (tmp_path / "store").mkdir()
    script = "import os,sys\nf=os.open(sys.argv[1],os.O_WRONLY|os.O_CREAT)\nos.write(f,b'one')\nos.fsync(f)\nos.write(f,b'two')\nos.kill(os.getpid(),9)"
    subprocess.run([sys.executable, "-c", script, tmp_path / "store/1.log"], env={**os.environ, **faults("hold")})
    assert (tmp_path / "store/1.log").read_bytes() == b"one"


def test_a_sync_that_fails_ends_the_plant_and_is_never_tried_again(mendel, code, tmp_path, undisturbed, faults):  # noqa: F811
    process = mendel.start(*plant(tmp_path / "data", code), "up", "--until", "dataset", env=faults("eio", 12))
    status, _, err = finish(process)
    assert status == 1 and "input/output error" in err.lower() and "nothing of the last step was stored" in err, err
    assert faults.log.read_text() == "eio\n"
    assert digest_of(mendel(*plant(tmp_path / "data", code), "up", "--until", "dataset").stdout) == undisturbed[0]


def test_after_a_power_cut_everything_that_was_shown_as_done_is_there(mendel, code, tmp_path, undisturbed, faults):  # noqa: F811
    data, seen = tmp_path / "data", {}
    for least in (5, 20, 40):
        process = mendel.start(*plant(data, code), "up", "--until", "dataset", env=faults("hold"))

        def far_enough():
            seen.update(done_by_stage(status_of(mendel, data)))
            return sum(seen.values()) >= least or process.poll() is not None
        wait_for(far_enough, what=f"{least} items are done")
        process.kill()
        process.wait()
        kept = done_by_stage(status_of(mendel, data))
        assert all(kept[stage] >= count for stage, count in seen.items()), (seen, kept)
    assert digest_of(mendel(*plant(data, code), "up", "--until", "dataset").stdout) == undisturbed[0]


def test_killed_around_each_of_its_syncs_and_renames_it_goes_on_to_the_same_digest(mendel, code, tmp_path, undisturbed, faults):  # noqa: F811
    killed = 0
    for number in (1, 2, 3, 4, 6, 9, 14, 21):
        process = mendel.start(*plant(tmp_path / "data", code), "up", "--until", "dataset", env=faults("kill", number),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        killed += process.wait(timeout=120 * PATIENCE) == -signal.SIGKILL
    assert killed >= 6
    assert digest_of(mendel(*plant(tmp_path / "data", code), "up", "--until", "dataset").stdout) == undisturbed[0]


def test_a_disk_that_never_answers_is_noticed_by_the_watchdog(mendel, code, tmp_path, undisturbed, faults):  # noqa: F811
    process = mendel.start(*plant(tmp_path / "data", code, "queue.watchdog_ms=2000"), "up", "--until", "dataset", env=faults("hang", 10))
    status, _, err = finish(process)
    assert status == 1 and "has not moved for 2 s" in err, err
    assert digest_of(mendel(*plant(tmp_path / "data", code), "up", "--until", "dataset").stdout) == undisturbed[0]


def test_a_wall_clock_that_jumps_an_hour_back_and_forth_ends_no_lease(mendel, code, tmp_path, undisturbed, faults):  # noqa: F811
    clock, port = tmp_path / "clock", free_port()
    clock.write_text("0")
    mendel.environment = lambda extra=None, ours=mendel.environment: {**ours(extra), **faults("clock", DISK_FAULT_CLOCK=str(clock))}
    plants = Nodes(mendel, code, tmp_path, "a")
    plants.coordinator(settings=[f"metrics.listen=127.0.0.1:{port}"])
    plants.node("a")
    for jump, least in ((3600, 10), (-3600, 25)):
        wait_for(lambda: sum(done_by_stage(plants.status()).values()) >= least, what=f"{least} items are done")
        clock.write_text(str(jump))
    wait_for(lambda: plants.status().get("dataset_digest"), what="the dataset is there")
    assert plants.status()["dataset_digest"] == undisturbed[0]
    assert metric(port, "mendel_attempts_failed_total") == 0 and metric(port, "mendel_results_duplicate_total") == 0


def test_a_full_disk_pauses_intake_is_told_and_goes_on_by_itself(mendel, code, small_disk, undisturbed):  # noqa: F811
    data, port = small_disk / "data", free_port()
    ballast = fill(small_disk, 8)
    settings = ("queue.disk_reserve_mib=16", f"metrics.listen=127.0.0.1:{port}")
    process = mendel.start(*plant(data, code, *settings), "up", "--until", "dataset")

    def paused():
        return bool(status_of(mendel, data).get("intake_paused"))
    wait_for(paused, what="intake pauses")
    wait_for(lambda: metric(port, "mendel_intake_paused") == 1, what="the metric tells of it")
    assert sum(done_by_stage(status_of(mendel, data)).values()) == 0
    assert "intake is paused" in mendel("--data", data, "status").stdout
    ballast.unlink()
    wait_for(lambda: sum(done_by_stage(status_of(mendel, data)).values()) > 0 or process.poll() is not None, what="it goes on")
    if process.poll() is None:
        fill(small_disk, 8)
        wait_for(lambda: paused() or process.poll() is not None, what="intake pauses again")
        (small_disk / "ballast").unlink()
    status, out, err = finish(process)
    assert status == 0 and digest_of(out) == undisturbed[0], err
    assert err.count("there is room on the disk again") >= 1


def test_a_training_node_that_ends_again_and_again_stops_the_plant_and_says_so(mendel, code, tmp_path, undisturbed):  # noqa: F811
    programs = tmp_path / "bin"
    programs.mkdir()
    shutil.copy(mendel.path, programs / "mendel")
    (programs / "mendel-trainer").write_text("#!/bin/sh\nexit 3\n")
    (programs / "mendel-trainer").chmod(0o755)
    mendel.path = programs / "mendel"
    ruff = f"lint.ruff={ROOT / '.venv/bin/ruff'}"  # no longer beside the program
    done = mendel(*plant(tmp_path / "data", code, ruff), "up", status=1)
    assert "the training node ended with status 3, 5 times in a row; giving up" in done.stderr
    assert digest_of(mendel(*plant(tmp_path / "data", code, ruff), "up", "--until", "dataset").stdout) == undisturbed[0]


def test_items_that_wait_in_nats_give_the_same_digest_killed_in_the_middle_or_not(mendel, code, tmp_path, undisturbed, nats):  # noqa: F811
    first = mendel.start(*plant(tmp_path / "data", code, *nats), "up", "--until", "dataset")
    wait_for(lambda: sum(done_by_stage(status_of(mendel, tmp_path / "data")).values()) >= 8 or first.poll() is not None, what="something is done")
    first.kill()
    _, _, err = finish(first)
    if "has no NATS backend" in err:
        pytest.skip("this build has no NATS backend")
    done = mendel(*plant(tmp_path / "data", code, *nats), "up", "--until", "dataset")
    assert digest_of(done.stdout) == undisturbed[0]


def test_without_its_nats_server_a_plant_says_so_at_once(mendel, code, tmp_path):  # noqa: F811
    refused = mendel(*plant(tmp_path / "data", code, "queue.backend=nats", "queue.nats_url=nats://127.0.0.1:1"), "up", "--until", "dataset", status=1)
    assert "queue.nats_url" in refused.stderr or "has no NATS backend" in refused.stderr
