"""Fixtures of the system tests: the built programs, run as people run them, and nothing left behind."""
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MENDEL_BIN", ROOT / "build" / "release")).resolve()
sys.path.insert(0, str(ROOT / "tests"))
import sanitized  # noqa: E402

PATIENCE = sanitized.patience(BUILD)  # by how much the limits of the tests are multiplied
os.environ.update({name: value for name, value in sanitized.environment(BUILD).items() if name not in os.environ})


class Program:
    """A built executable. Called with arguments it runs to the end; `start` leaves it running."""

    def __init__(self, path, folder):
        self.path, self.folder, self.running = path, folder, []

    def environment(self, extra=None):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MENDEL_")}
        return {**kept, "NO_COLOR": "1", **(extra or {})}

    def __call__(self, *arguments, input=None, cwd=None, env=None, timeout=300, status=0):
        """The finished process; fails the test unless it ended with `status` (None: any)."""
        done = subprocess.run([str(self.path), *map(str, arguments)], input=input, cwd=cwd or self.folder, env=self.environment(env),
                              capture_output=True, text=not isinstance(input, bytes), timeout=timeout * PATIENCE,
                              stdin=subprocess.DEVNULL if input is None else None)
        if status is not None:
            assert done.returncode == status, f"{arguments}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done

    def json_lines(self, *arguments, **options):
        return [json.loads(line) for line in self(*arguments, **options).stdout.splitlines()]

    def start(self, *arguments, cwd=None, env=None, **options):
        """A process in a group of its own; whatever is left of the group is killed after the test."""
        process = subprocess.Popen([str(self.path), *map(str, arguments)], cwd=cwd or self.folder, env=self.environment(env),
                                   stdin=subprocess.DEVNULL, start_new_session=True, text=True,
                                   **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})
        self.running.append(process)
        return process

    def stop_all(self):
        for process in self.running:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()


def program(name, folder):
    path = BUILD / name
    if not path.exists():
        pytest.skip(f"{name} is not built in {BUILD}")
    return Program(path, folder)


@pytest.fixture
def mendel(tmp_path):
    made = program("mendel", tmp_path)
    yield made
    made.stop_all()


@pytest.fixture
def trainer(tmp_path):
    made = program("mendel-trainer", tmp_path)
    yield made
    made.stop_all()


@pytest.fixture(scope="session")
def stdlib():
    """Folder of CPython's standard library: real code that nobody here wrote."""
    return Path(os.__file__).parent


@pytest.fixture
def real_code(tmp_path, stdlib):
    """A small folder of real packages of the standard library, copied so that tests may change it."""
    folder = tmp_path / "code"
    for name in ("json", "email", "html", "logging"):
        for path in sorted((stdlib / name).glob("*.py")):
            target = folder / name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder
