"""The plant that chaos happens to: its processes on hosts of their own, a supervisor that starts again what ended (as
systemd would), what it must not do, and the run that it is compared with."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import hosts
from chaos_faults import LEASE_S

ROOT = Path(__file__).resolve().parents[2]
PROFILE = ROOT / "deploy/profiles/smoke.toml"
PORT = 5599
DISK_MIB = 192
ROLES = {"north": "miner,mutator", "east": "mutator,linter,validator", "south": "validator,encoder,linter,miner"}
# Small items, so that there are many; deaths say nothing about an item where everybody dies.
SETTINGS = ("lint.files_per_item=1", "validate.pairs_per_item=8", "dataset.pairs_per_item=8", f"runtime.lease_ms={int(LEASE_S * 1000)}", "runtime.deaths_max=100",
            "runtime.attempts_max=100", "runtime.workers=1", "queue.disk_reserve_mib=16", "queue.watchdog_ms=6000", "queue.backoff_max_ms=1000",
            "train.steps_max=40", "train.minutes=1000", "train.threads=1", "train.checkpoint_s=1", "train.evaluations=1", "train.width=32", "train.encoder_layers=r")
SHARES = {"mine": 0.3, "mutate": 0.3, "lint": 0.3, "validate": 0.4, "encode": 0.3}  # of the time of a round that a stage takes at least
# The ends that the faults explain: our signals, and what a plant says when its disk or its coordinator fails.
EXPLAINED = re.compile(r"no space left|input/output error|has not moved for|make room|No space left|another process|is held by", re.I)


class Violation(Exception):
    pass


def make_sources(folder, packages):
    """Settings that name real packages of the standard library and a history with a fix in every other commit."""
    code, repository = folder / "code", folder / "repository"
    for name in packages:
        shutil.copytree(Path(os.__file__).parent / name, code / name, ignore=lambda _, names: [n for n in names if not n.endswith(".py")])
    repository.mkdir()
    git = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-C", str(repository)]
    subprocess.run([*git, "init", "-q"], check=True)
    for number in range(24):
        (repository / f"sums{number // 2}.py").write_text(f"def total{number // 2}(a, b):\n    result = a {'-+'[number % 2]} b\n    return result\n")
        date = f"2024-01-{number + 1:02d}T00:00:00+0000"
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-q", "-m", "Fix wrong sum" if number % 2 else "Add sums"], check=True,
                       env={**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date})
    return [f'sources.python=["{code}"]', f'sources.git=["{repository}"]', "mine.commits_per_item=4", *SETTINGS]


def arguments(data, settings):
    out = ["--config", PROFILE, "--data", data, "--json"]
    for setting in settings:
        out += ["--set", setting]
    return [str(word) for word in out]


def summary(text):
    """What must be the same whatever happened."""
    shown = json.loads(text)
    checkpoint = (shown.get("training") or {}).get("checkpoint")
    return {"digest": shown["dataset_digest"], "checkpoint": checkpoint and hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest(), "funnel": shown["funnel"],
            "stages": {name: {state: int(count) for state, count in stage.items()} for name, stage in shown["stages"].items()}, "dead": shown["dead_letters"]}


def undisturbed(build, data, settings, trainer):
    until = "train" if trainer else "dataset"
    done = subprocess.run([str(build / "mendel"), *arguments(data, settings), "up", "--until", until], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
    if done.returncode != 0:
        raise SystemExit(f"the undisturbed run failed with {done.returncode}:\n{done.stderr[-4000:]}")
    return summary(done.stdout)


class ChaosPlant:
    def __init__(self, build, folder, settings, stages, trainer, seconds):
        """`stages`: how many items the undisturbed run had; rates spread them over `seconds`."""
        self.build, self.folder, self.trainer = build, folder, trainer
        self.settings = [*settings, *(f"queue.rate_{stage}={stages[stage]['done'] / (share * seconds):.3f}" for stage, share in SHARES.items())]
        self.names = ["coordinator", *ROLES, *(["trainer"] if trainer else [])]
        self.processes, self.logs, self.start_at = {}, {}, {}
        self.stopped, self.apart, self.ours, self.terminated = set(), set(), {}, {}
        self.next_fault, self.last_status, self.seen, self.result = {}, {}, {}, None
        self.looked_at, self.looking = 0.0, None
        folder.mkdir(parents=True)
        self.clock = folder / "clock"
        self.clock.write_text("0")
        self.events = open(folder / "events.log", "w", buffering=1)
        self.began = time.monotonic()
        self.hosts = None if hosts.reason_for_none() else hosts.Hosts(self.names, net="10.78.0")
        self.disk = self.mount(folder / "disk")
        self.data = (self.disk or folder) / "data"
        self.ballast = (self.disk or folder) / "ballast"

    def mount(self, folder):
        folder.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", folder], capture_output=True).returncode == 0
        if not mounted or self.hosts is None:
            self.tell(f"left out: {'' if self.hosts else 'partitions '}{'' if mounted else 'full disks'}")
        return folder if mounted else None

    def tell(self, what):
        self.events.write(f"{time.monotonic() - self.began:8.2f} {what}\n")

    def fill_disk(self, leave_mib):
        """Takes all but so much; the plant writes meanwhile, so what was free may be gone already."""
        with open(self.ballast, "wb") as file:
            for _ in range(100):
                room = shutil.disk_usage(self.disk).free - (leave_mib << 20)
                try:
                    if room > 0:
                        os.posix_fallocate(file.fileno(), 0, room)
                    return
                except OSError:
                    time.sleep(0.01)

    def mendel(self, *words):
        return subprocess.run([str(self.build / "mendel"), "--data", str(self.data), *words], check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def start(self):
        self.mendel("keys", "init")
        for name in self.names[1:]:
            self.mendel("keys", "add", name)
        for name in self.names:
            self.launch(name)

    def words(self, name):
        address = self.hosts.address("coordinator") if self.hosts else "127.0.0.1"
        endpoint = f"tcp://{address}:{PORT}"
        if name == "coordinator":
            return [self.build / "mendel", *arguments(self.data, self.settings), "coordinator", "--listen", endpoint, "--until", "train" if self.trainer else "dataset"]
        program, roles = ("mendel-trainer", "trainer") if name == "trainer" else ("mendel", ROLES[name])
        return [self.build / program, *arguments(self.folder / f"data-{name}", SETTINGS), "node", "--name", name, "--roles", roles, "--connect", endpoint,
                "--key", self.data / f"keys/{name}.secret", "--server-key", self.data / "keys/server.public"]

    def launch(self, name):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MENDEL_")}
        shim = self.build / "libdisk_faults.so"
        if shim.exists():
            environment.update(LD_PRELOAD=str(shim), DISK_FAULT="clock", DISK_FAULT_CLOCK=str(self.clock))
            if name == "coordinator":
                environment.update(self.next_fault)
                self.next_fault = {}
        words = self.hosts.command(name, *self.words(name)) if self.hosts else [str(word) for word in self.words(name)]
        log = open(self.folder / f"{name}.log", "a")
        out = open(self.folder / "coordinator.out", "w") if name == "coordinator" else log
        self.processes[name] = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=environment, cwd=self.folder, start_new_session=True)
        self.logs[name] = log.tell()
        log.close()
        if out is not log:
            out.close()

    def runs(self, name):
        return name in self.processes and self.processes[name].poll() is None

    def signal(self, name, number, pid=None):
        process = self.processes[name]
        if pid is not None and process.pid != pid:
            return pid
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.ours[process.pid] = number
        if number == signal.SIGTERM:
            self.terminated[process.pid] = time.monotonic()
        if process.poll() is None:
            process.send_signal(number)
        return process.pid

    def supervise(self):
        """Starts again what ended; sees whether it may have; looks at the status every second."""
        now = time.monotonic()
        for name in self.names:
            if not self.runs(name):
                self.bury(name, now)
            elif now - self.terminated.get(self.processes[name].pid, now) > 45 and name not in self.stopped:
                raise Violation(f"{name} has not ended 45 s after SIGTERM")
        self.look(now)

    def bury(self, name, now):
        process = self.processes[name]
        if name not in self.start_at:
            self.stopped.discard(name)
            self.judge(name, process)
            if self.result is not None:
                return
            self.start_at[name] = now + 0.3
            if name == "coordinator":
                self.check_nothing_lost()
        elif now >= self.start_at[name]:
            del self.start_at[name]
            self.launch(name)

    def judge(self, name, process):
        status, sent = process.returncode, self.ours.get(process.pid)
        said = (self.folder / f"{name}.log").read_text(errors="replace")[self.logs[name]:]
        self.tell(f"{name} ended with {status}: {said.strip().splitlines()[-1] if said.strip() else ''}")
        if name == "coordinator" and status == 0 and (self.folder / "coordinator.out").read_text():
            self.result = (self.folder / "coordinator.out").read_text()
            return
        if status == 0 and name != "coordinator":
            return  # drained: by us, or because its coordinator stops
        fault = sent == signal.SIGTERM and status == 0 or status == -signal.SIGKILL or EXPLAINED.search(said)
        if not fault:
            raise Violation(f"{name} ended with {status}, which no fault explains:\n{said[-2000:]}")

    def look(self, now):
        """The status, asked for beside everything else: a coordinator that is stopped does not answer."""
        if self.looking is not None and self.looking.poll() is not None:
            text = self.looking.stdout.read()
            self.looking.stdout.close()
            if self.looking.returncode == 0 and text:
                self.last_status = json.loads(text)
                if self.last_status.get("running"):
                    for stage in self.last_status.get("stages", []):
                        self.seen[stage["stage"]] = max(self.seen.get(stage["stage"], 0), int(stage.get("done", 0)))
            self.looking = None
        if self.looking is None and now - self.looked_at > 1 and self.runs("coordinator"):
            self.looked_at = now
            self.looking = subprocess.Popen([str(self.build / "mendel"), "--data", str(self.data), "--json", "status"], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def check_nothing_lost(self):
        """What was shown as done is done in the store of the plant that just ended."""
        done = subprocess.run([str(self.build / "mendel"), "--data", str(self.data), "--json", "status"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        if done.returncode != 0 or not done.stdout:
            self.tell(f"no status of the stopped plant: {done.stderr.strip()}")
            return
        kept = {stage["stage"]: int(stage.get("done", 0)) for stage in json.loads(done.stdout).get("stages", [])}
        lost = {stage: (count, kept.get(stage, 0)) for stage, count in self.seen.items() if kept.get(stage, 0) < count}
        if lost:
            raise Violation(f"shown as done and gone: {lost}")

    def progress(self):
        """What changes as long as the plant gets anywhere: phase, what is done, the step of training."""
        done = [stage.get("done") for stage in self.last_status.get("stages", [])]
        return self.last_status.get("phase"), done, re.findall(r'"training_step": ([\d.]+)', self.last_status.get("training_json", ""))

    def finished(self):
        return self.result is not None

    def check(self, expected):
        got = summary(self.result)
        differs = [key for key in expected if got[key] != expected[key]]
        if differs:
            raise Violation("; ".join(f"{key}: {got[key]}, undisturbed {expected[key]}" for key in differs))
        verified = subprocess.run([str(self.build / "mendel"), "dataset", "verify", "--dataset", str(self.data / "dataset")], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if verified.returncode != 0:
            raise Violation(f"dataset verify: {verified.stderr}")

    def stop(self):
        for process in [*self.processes.values(), *([self.looking] if self.looking else [])]:
            if process.poll() is None:
                process.kill()
            process.wait()
        if self.hosts:
            self.hosts.remove()
        if self.disk:
            subprocess.run(["umount", "-l", self.disk], check=False)
        self.events.close()
