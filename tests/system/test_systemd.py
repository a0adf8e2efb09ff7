"""The services: the tools of systemd agree with the units, installing puts them in place, and under a real manager
they start, are killed when they hang, come back, drain and stop."""
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import BUILD, ROOT
from test_plant import PROFILE, code, wait_for  # noqa: F401  (code is a fixture)

UNITS = ROOT / "deploy/systemd"
SERVICES = ("mendel-coordinator.service", "mendel-node@.service", "mendel-trainer.service")
SYSTEMD = next((path for path in ("/usr/lib/systemd/systemd", "/lib/systemd/systemd") if os.path.exists(path)), None)


def tool(name):
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def rendered(folder, bindir="/bin", program=None):
    """The units as `make install` leaves them; `program` stands in for ours where only the text matters."""
    for path in UNITS.iterdir():
        if path.suffix in (".target", ".slice"):
            shutil.copy(path, folder)
        elif path.suffix == ".in":
            text = path.read_text().replace("@BINDIR@", str(bindir)).replace("@DATADIR@", "/usr/share")
            (folder / path.stem).write_text(re.sub(r"ExecStart=\S+", f"ExecStart={program}", text) if program else text)
    return folder


def test_systemd_verifies_every_unit_without_a_word(tmp_path):
    folder = rendered(tmp_path, program="/bin/true")
    for unit in ("mendel-coordinator.service", "mendel-node@miner-linter.service", "mendel-trainer.service", "mendel.target", "mendel-train.slice"):
        done = subprocess.run([tool("systemd-analyze"), "verify", "--man=no", unit], cwd=folder, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:/usr/lib/systemd/system:/lib/systemd/system"})
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), unit


@pytest.mark.parametrize("unit, most", [(name, 2.0) for name in SERVICES] + [("validator", 2.2)])
def test_services_are_hardened(tmp_path, unit, most):
    folder = rendered(tmp_path, program="/bin/true")
    if unit == "validator":  # the one drop-in that opens what its sandbox needs (deploy/systemd/README.md)
        unit = "mendel-validator.service"
        lines = (UNITS / "mendel-node@validator.service.conf").read_text().split("[Service]")[1]
        (folder / unit).write_text((folder / "mendel-node@.service").read_text().replace("[Install]", f"[Service]\n{lines}\n[Install]"))
    done = subprocess.run([tool("systemd-analyze"), "security", "--offline=true", "--no-pager", str(folder / unit)], capture_output=True, text=True, timeout=60)
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)[1])
    assert exposure <= most, done.stdout


def test_secrets_reach_the_services_as_credentials_and_nothing_else():
    for name in SERVICES:
        text = (UNITS / f"{name}.in").read_text()
        assert "DynamicUser=yes" in text and "LoadCredential=" in text and "StateDirectoryMode=0700" in text
        for line in text.splitlines():
            assert not (line.startswith(("Environment=", "ExecStart=")) and re.search(r"/etc/mendel/(keys|tokens)", line)), line


class Manager:
    """A user manager of systemd's in a mount namespace, that knows our units and no other."""

    # What a manager without root can do; the rest of the units is for the system's manager.
    KEPT = re.compile(r"\[|Type=|NotifyAccess=|ExecStart=|Restart|KillMode=|TimeoutSt|WatchdogSec=|Description=|StartLimit")

    def __init__(self, folder, environment):
        # Never the first process of the namespace: as that it would be a whole machine's manager, whatever is asked of it.
        self.folder, self.units = folder, folder / "units"
        self.units.mkdir()
        for path in rendered(folder / "rendered", bindir=BUILD).glob("*.service"):
            kept = [line for line in path.read_text().splitlines() if self.KEPT.match(line)]
            (self.units / path.name).write_text("\n".join(kept) + "\n")
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder / "run"), "SYSTEMD_UNIT_PATH": str(self.units), "SYSTEMD_PAGER": "", **environment}
        for name in ("DBUS_SESSION_BUS_ADDRESS", "NOTIFY_SOCKET"):
            self.environment.pop(name, None)
        (folder / "run").mkdir(mode=0o700)
        self.log = open(folder / "manager.log", "w+")
        script = f"mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && {{ {SYSTEMD} --user --log-target=console --unit=nothing.target & wait $!; }}"
        for name in ("nothing", "basic", "shutdown"):  # what services depend on by themselves
            (self.units / f"{name}.target").write_text(f"[Unit]\nDescription={name}\nDefaultDependencies=no\n")
        self.process = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, env=self.environment, start_new_session=True)

    def drop_in(self, unit, text):
        (self.units / f"{unit}.d").mkdir(exist_ok=True)
        (self.units / f"{unit}.d/test.conf").write_text("[Service]\n" + text)

    def ctl(self, *arguments, status=0, timeout=60):
        first = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[:1] or ["0"]
        done = subprocess.run(["nsenter", "--target", *first, "--mount", "--pid", "systemctl", "--user", "--no-pager", *arguments], env=self.environment,
                              capture_output=True, text=True, timeout=timeout)
        assert status is None or done.returncode == status, done.stdout + done.stderr + self.said()
        return done

    def show(self, unit):
        fields = "ActiveState,SubState,NRestarts,StatusText,Result,ExecMainStatus,ExecMainCode,MainPID"
        return dict(line.split("=", 1) for line in self.ctl("show", "-p", fields, unit).stdout.splitlines())

    def said(self):
        return open(self.log.name).read()[-6000:]

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # the namespace's first process, and with it all in it
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()


@pytest.fixture
def manager(tmp_path):
    if SYSTEMD is None or not shutil.which("systemctl"):
        pytest.skip("systemd is not installed")
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"], capture_output=True).returncode != 0:
        pytest.skip("a manager of our own needs root and namespaces")
    (tmp_path / "rendered").mkdir()
    made = Manager(tmp_path, {"PLANT_LISTEN": "tcp://127.0.0.1:0", "MENDEL_DATA": str(tmp_path / "data")})
    until = time.monotonic() + 20
    while made.ctl("show", "-p", "Version", status=None).returncode != 0:
        if made.process.poll() is not None or time.monotonic() > until:
            said = made.said()
            made.end()
            pytest.skip(f"no user manager can run here: {said[-300:]}")
        time.sleep(0.05)
    yield made
    made.end()


def test_services_start_are_watched_restarted_drained_and_stopped_by_a_real_manager(manager, mendel, code, tmp_path):
    endpoint = "tcp://127.0.0.1:" + str(free_port())
    data = tmp_path / "data"
    node = "mendel-node@mutator-validator.service"
    mendel("--data", data, "keys", "init")
    mendel("--data", data, "keys", "add", "a")
    manager.drop_in("mendel-coordinator.service", f"ExecStart=\nExecStart={BUILD}/mendel --config {PROFILE} --data {data} --set 'sources.python=[\"{code}\"]' "
                    f"coordinator --listen {endpoint}\nWatchdogSec=60\n")
    manager.drop_in(node, f"ExecStart=\nExecStart={BUILD}/mendel --config {PROFILE} --set health.stalled_ms=1000 --data {tmp_path}/node node --name a --roles mutator-validator "
                    f"--connect {endpoint} --key {data}/keys/a.secret --server-key {data}/keys/server.public\nWatchdogSec=3\nRestartSec=100ms\nTimeoutAbortSec=1\n")
    manager.ctl("daemon-reload")
    manager.ctl("start", "mendel-coordinator.service", node)  # returns once both said READY
    assert manager.show("mendel-coordinator.service")["ActiveState"] == "active"
    wait_for(lambda: re.search(r"\d+ pending, \d+ leased, [1-9]\d* done", manager.show("mendel-coordinator.service")["StatusText"]), what="the status tells of the depth")
    wait_for(lambda: re.search(r"\d+ running, [1-9]\d* done", manager.show(node)["StatusText"]), what="the node tells what it did")

    manager.ctl("kill", "--signal=KILL", node)
    wait_for(lambda: manager.show(node)["NRestarts"] == "1" and manager.show(node)["ActiveState"] == "active", what="the killed node is back")

    manager.ctl("kill", "--kill-whom=main", "--signal=STOP", node)  # it hangs; nothing but the watchdog would end it
    wait_for(lambda: manager.show(node)["NRestarts"] == "2" and manager.show(node)["ActiveState"] == "active", what="the watchdog restarts the node that hangs")

    for unit in (node, "mendel-coordinator.service"):
        started = time.monotonic()
        manager.ctl("stop", unit)
        shown = manager.show(unit)
        assert (shown["ActiveState"], shown["Result"], shown["ExecMainStatus"]) == ("inactive", "success", "0"), shown
        assert time.monotonic() - started < 30
    assert (tmp_path / "node/logs/plant.log").read_text().count("stopping: what runs is finished first") == 1


def free_port():
    import socket
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
