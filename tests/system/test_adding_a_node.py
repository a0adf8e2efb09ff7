"""docs/adding-a-node.md is one page and three commands, and they work between machines: network namespaces stand for
these, each with an address, files and nothing else of its own."""
import json
import os
import re
import shlex
import shutil
import subprocess
import time

import pytest
from conftest import BUILD, ROOT
from test_plant import PROFILE, code, wait_for  # noqa: F401  (code is a fixture)

PAGE = (ROOT / "docs/adding-a-node.md").read_text()
COMMANDS = [line for block in re.findall(r"^```\n(.*?)^```", PAGE, re.M | re.S) for line in block.splitlines()]


class Machines:
    """Namespaces on one bridge; 10.77.0.N is the Nth."""

    def __init__(self, folder, names):
        self.folder, self.names, self.mark = folder, names, f"m{os.getpid() % 10000}"
        self.bridge = f"{self.mark}b"
        self.ip("link", "add", self.bridge, "type", "bridge")
        self.ip("link", "set", self.bridge, "up")
        for number, name in enumerate(names, 1):
            (folder / name).mkdir()
            space, outer = self.space(name), f"{self.mark}v{number}"
            self.ip("netns", "add", space)
            self.ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
            self.ip("link", "set", outer, "master", self.bridge, "up")
            self.ip("-n", space, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
            self.ip("-n", space, "link", "set", "eth0", "up")
            self.ip("-n", space, "link", "set", "lo", "up")

    @staticmethod
    def ip(*arguments, check=True):
        return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)

    def space(self, name):
        return f"{self.mark}-{name}"

    def command(self, name, *arguments):
        return ["ip", "netns", "exec", self.space(name), *map(str, arguments)]

    def pull_plug(self, name):
        self.ip("-n", self.space(name), "link", "set", "eth0", "down")

    def remove(self):
        for name in self.names:
            self.ip("netns", "del", self.space(name), check=False)
        self.ip("link", "del", self.bridge, check=False)


@pytest.fixture
def machines(tmp_path):
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need root and ip (iproute2)")
    probe = subprocess.run(["ip", "netns", "add", f"probe{os.getpid()}"], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"no network namespaces here: {probe.stderr.strip()}")
    subprocess.run(["ip", "netns", "del", f"probe{os.getpid()}"], check=True)
    made = Machines(tmp_path, ["first", "collector-1"])
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
    assert time.monotonic() - started < 5 and node.poll() is None
    wait_for(lambda: int(status()["collector-1"].get("done", 0)) > 0, what="the node works")

    machines.pull_plug("collector-1")
    wait_for(lambda: "SILENT" in subprocess.run([BUILD / "mendel", "--data", data, "status"], capture_output=True, text=True).stdout, seconds=10, what="the loss of the node shows")
