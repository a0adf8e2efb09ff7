"""`make nightly`: a budget shortens every part alike, and a part that fails does not end the rest."""
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests"))
import nightly  # noqa: E402


def executable(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


@pytest.fixture
def build(tmp_path):
    executable(tmp_path / "test_simulation", 'echo "$@"; exit 1\n')
    for name in ("fuzz_a", "fuzz_b"):
        executable(tmp_path / name, "true\n")
    return tmp_path


def options(monkeypatch, build, *words):
    monkeypatch.setattr(sys, "argv", ["nightly.py", str(build), "--fuzz", str(build), *words])
    return nightly.parse()


def test_without_a_budget_the_parts_have_their_full_length(monkeypatch, build):
    got = options(monkeypatch, build)
    assert (got.seeds, got.chaos_minutes, got.fuzz_seconds, len(got.targets)) == (100_000, 60, 600, 2)


def test_a_budget_shortens_every_part_alike(monkeypatch, build):
    whole_minutes = 100_000 / nightly.SEEDS_PER_S / 60 + 60 + 2 * 10
    got = options(monkeypatch, build, "--minutes", str(whole_minutes / 4))
    assert got.chaos_minutes == pytest.approx(15) and got.fuzz_seconds == 150 and got.seeds == pytest.approx(25_000, abs=1)
    assert options(monkeypatch, build, "--minutes", "100000").chaos_minutes == 60


def test_a_part_that_fails_is_told_and_the_rest_runs(monkeypatch, build, capsys):
    monkeypatch.setattr(nightly, "jobs", lambda given: [("simulation", [given.build / "test_simulation", "--seeds", given.seeds]), ("after", ["echo", "well"])])
    options(monkeypatch, build, "--seeds", "5")
    assert nightly.main() == 1
    said = capsys.readouterr().out
    assert "simulation" in said and "FAILED" in said and "--seeds 5" in said and "well" in said and "1 failed" in said
