"""The services: the tools of systemd agree with the units, installing puts them in place, and under real managers they
start, are killed when they hang, come back, drain and stop: a user's with what that one can do, and a machine's with
the units as they are shipped."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import BUILD, PATIENCE, ROOT
from machine import SYSTEMD, Machine, reason_for_none
from test_plant import PROFILE, code, wait_for  # noqa: F401  (code is a fixture)

UNITS = ROOT / "deploy/systemd"
SERVICES = ("mendel-coordinator.service", "mendel-node@.service", "mendel-trainer.service")


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


@pytest.mark.parametrize("unit, most", [(name, 2.0) for name in SERVICES] + [("validator", 2.5)])
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


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that holds what `make install PREFIX=/usr` puts on a collector."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr", "--component", "collector"], check=True, capture_output=True, timeout=300 * PATIENCE, env={**os.environ, "DESTDIR": str(folder)})
    return folder


@pytest.fixture
def machine(tmp_path, installed, code):  # noqa: F811
    reason = reason_for_none()
    if reason:
        pytest.skip(reason)
    kept = tmp_path / "of the host"
    kept.touch()
    try:
        made = Machine(tmp_path, installed, code)
    except RuntimeError as failed:
        pytest.skip(f"no system manager can run here: {failed}")
    yield made
    made.end()
    assert kept.exists() and not made.group.exists(), "it leaves the host as it was"


def first_machine():
    """The commands of deploy/systemd/README.md, "First machine", but for the installing."""
    block = (UNITS / "README.md").read_text().split("## First machine")[1].split("A further machine")[0]
    return [line.strip().split("    #")[0] for line in block.splitlines() if line.startswith("    ") and "make install" not in line]


def test_the_shipped_units_run_unchanged_under_users_of_the_moment_with_their_secrets_as_credentials(machine):
    """The README's commands on a machine whose first process is systemd: nothing of the units is left out."""
    coordinator, node = "mendel-coordinator.service", "mendel-node@mutator-linter.service"
    commands = first_machine()
    assert len(commands) == 7
    setup, copy, start, add, hand_over, join, status = commands
    machine.sh(setup)
    machine.sh(copy)
    machine.sh("printf '[sources]\\npython = [\"/opt/code\"]\\n' >/etc/mendel/plant.toml && printf ghp_secret >/etc/mendel/tokens/one && chmod 600 /etc/mendel/tokens/one")
    machine.sh(start)
    machine.sh(add)
    machine.sh(hand_over)
    machine.sh(join)

    def done():
        shown = json.loads(machine.sh("mendel --data /var/lib/mendel --json status").stdout)
        return {stage["stage"]: int(stage.get("done", 0)) for stage in shown["stages"]}
    wait_for(lambda: done().get("mutate", 0) > 0 and done().get("lint", 0) > 0, what="the node works")
    assert "mutator-linter" in machine.sh(status).stdout

    users = set()
    for unit, credentials in ((coordinator, {"github-token_one"}), (node, {"node.secret", "server.public"})):
        shown = machine.show(unit, "ActiveState", "MainPID", "NRestarts")
        assert (shown["ActiveState"], shown["NRestarts"]) == ("active", "0"), shown
        process = f"/proc/{shown['MainPID']}"
        user = int(machine.sh(f"stat -c %u {process}").stdout)
        assert 61184 <= user <= 65519, "a user of the moment"
        users.add(user)
        folder = f"/run/credentials/{unit}"
        assert set(machine.sh(f"ls {folder}").stdout.split()) == credentials
        assert machine.sh(f"setpriv --reuid=65534 --clear-groups cat {folder}/*", check=False).returncode != 0, "for nobody else"
        shown = machine.sh(f"cat {process}/cmdline {process}/environ").stdout
        assert "ghp_secret" not in shown and machine.sh("cat /etc/mendel/keys/*.secret").stdout.strip() not in shown
    assert len(users) == 2
    assert machine.sh("stat -Lc %a /var/lib/mendel").stdout.strip() == "700"

    pid = machine.show(node, "MainPID")["MainPID"]
    machine.sh(f"kill -KILL {pid}")
    wait_for(lambda: machine.show(node, "NRestarts", "ActiveState") == {"NRestarts": "1", "ActiveState": "active"}, what="the killed node is back")
    before = done()
    machine.sh(f"systemctl restart {coordinator}")
    wait_for(lambda: all(done().get(stage, 0) >= count for stage, count in before.items()), what="the coordinator is back with all that it knew, under another user or the same")
    for unit in (node, coordinator):
        machine.sh(f"systemctl stop {unit}")
        assert machine.show(unit, "ActiveState", "Result", "ExecMainStatus") == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}


def test_the_sandbox_of_tests_starts_in_the_shipped_unit_of_validators_and_in_no_other(machine):
    if not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed")
    setup, copy = first_machine()[:2]
    machine.sh(setup)
    machine.sh(copy)
    found = {}
    for role in ("validator", "linter"):
        unit = f"mendel-node@{role}.service"
        machine.sh(f"touch /etc/mendel/keys/server.public /etc/mendel/keys/$(hostname -s)-{role}.secret && mkdir -p /etc/systemd/system/{unit}.d")
        drop_in = f"[Service]\\nType=oneshot\\nExecStart=\\nExecStart=-/usr/bin/mendel --json doctor\\nStandardOutput=file:/opt/{role}\\n"
        machine.sh(f"printf '{drop_in}' >/etc/systemd/system/{unit}.d/test.conf && systemctl daemon-reload && systemctl start {unit}")
        found[role] = {row["probe"]: row["result"] for row in json.loads(machine.sh(f"cat /opt/{role}").stdout)}
    assert found["validator"]["sandbox"] == "ok" and found["linter"]["sandbox"] != "ok"
    assert found["validator"]["python"] == found["linter"]["python"] == "ok"
