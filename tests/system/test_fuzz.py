"""Every parser of foreign bytes lives through a few seconds of libFuzzer; `make fuzz` gives each ten minutes."""
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

FUZZ = ROOT / "build/fuzz"
SECONDS_EACH = int(os.environ.get("MENDEL_FUZZ_SECONDS", "3"))
NAMES = sorted(path.name[: -len("_fuzz.cpp")] for path in (ROOT / "tests/fuzz").glob("*_fuzz.cpp"))


@pytest.mark.parametrize("name", NAMES)
def test_parser_lives_through_a_few_seconds_of_fuzzing(name):
    if not shutil.which("clang"):
        pytest.skip("clang is not installed")
    if not (FUZZ / f"fuzz_{name}").exists():
        pytest.skip("the fuzz targets are not built: make fuzz-build")
    done = subprocess.run([sys.executable, ROOT / "tests/fuzz/run.py", FUZZ, "--seconds", str(SECONDS_EACH), name], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert int(re.search(r"(\d+) inputs", done.stdout)[1]) > 0


def test_every_target_has_seeds():
    assert [name for name in NAMES if not any((ROOT / "tests/fuzz/seeds" / name).glob("*"))] == []
