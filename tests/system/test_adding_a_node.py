"""docs/adding-a-node.md is one page and three commands, and they work between machines: network namespaces stand for
these, each with an address, files and nothing else of its own."""
import json
import re
import shlex
import shutil
import subprocess
import sys
import time

import pytest
from conftest import BUILD, PATIENCE, ROOT
from test_plant import PROFILE, code, wait_for  # noqa: F401  (code is a fixture)

sys.path.insert(0, str(ROOT / "tests/faults"))
from hosts import Hosts, reason_for_none  # noqa: E402

PAGE = (ROOT / "docs/adding-a-node.md").read_text()
COMMANDS = [line for block in re.findall(r"^```\n(.*?)^```", PAGE, re.M | re.S) for line in block.splitlines()]


@pytest.fixture
def machines(tmp_path):
    reason = reason_for_none()
    if reason:
        pytest.skip(reason)
    made = Hosts(["first", "collector-1"])
    for name in made.names:
        (tmp_path / name).mkdir()
    yield made
    made.remove()


def test_the_page_is_one_page_and_three_commands():
    assert len(COMMANDS) == 3 and len(PAGE.splitlines()) <= 50


def test_the_three_commands_add_a_node_and_its_loss_shows(machines, mendel, code, tmp_path):
    first, collector = tmp_path / "first", tmp_path / "collector-1"
    data = first / "mendel-data"

    def run_on(machine, line, folder):
        words = shlex.split(line)
        words[0] = str(BUILD / "mendel") if words[0] == "mendel" else words[0]
        return machines.command(machine, *words), folder

    mendel("--data", data, "keys", "init", cwd=first)
    mendel.path = shutil.which("ip")
    coordinator = machines.command("first", BUILD / "mendel", "--config", PROFILE, "--data", data, "--set", f'sources.python=["{code}"]', "coordinator", "--listen", "tcp://10.77.0.1:5599")
    mendel.start(*coordinator[1:], cwd=first, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def status():
        done = subprocess.run([BUILD / "mendel", "--data", data, "--json", "status"], capture_output=True, text=True)
        return {node["name"]: node for node in json.loads(done.stdout).get("nodes", [])} if done.returncode == 0 else None
    wait_for(lambda: status() is not None, what="the coordinator answers")

    add, copy, join = COMMANDS
    words, folder = run_on("first", add, first)
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    for path in shlex.split(copy)[1:-1]:  # scp between machines that share a disk
        shutil.copy(first / path, collector)
    words, folder = run_on("collector-1", join.replace("COORDINATOR", "10.77.0.1"), collector)
    started = time.monotonic()
    node = mendel.start(*words[1:], cwd=folder)
    wait_for(lambda: "collector-1" in status(), seconds=5, what="the node shows up in the status")
    assert time.monotonic() - started < 5 * PATIENCE and node.poll() is None
    wait_for(lambda: int(status()["collector-1"].get("done", 0)) > 0, what="the node works")

    machines.cut("collector-1")
    wait_for(lambda: "SILENT" in subprocess.run([BUILD / "mendel", "--data", data, "status"], capture_output=True, text=True).stdout, seconds=10, what="the loss of the node shows")
