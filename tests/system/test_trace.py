"""Following pairs back through a plant's store: trace and pair show on what `mendel up` left behind."""
import json

import pytest
from conftest import program


@pytest.fixture(scope="module")
def plant(tmp_path_factory, stdlib):
    """The data folder of a small finished plant, and the options that name it and its sources."""
    folder = tmp_path_factory.mktemp("plant")
    mendel = program("mendel", folder)
    if not any(line.split()[:1] == ["up"] for line in mendel("--help").stdout.splitlines()):
        pytest.skip("this mendel has no command `up`")
    for name in ("json", "html", "email", "logging", "urllib", "http"):
        target = folder / "code" / name
        target.mkdir(parents=True)
        for path in sorted((stdlib / name).glob("*.py")):
            (target / path.name).write_bytes(path.read_bytes())
    options = ["--data", folder / "data", "--set", f'sources.python=["{folder / "code"}"]']
    mendel(*options, "up", "--until", "dataset")
    return folder / "data", options


def test_a_row_is_followed_from_the_dataset_to_its_file(mendel, plant):
    data, options = plant
    for row in mendel.json_lines("dataset", "sample", data / "dataset", "--count", 5):
        trace = json.loads(mendel(*options, "--json", "trace", row["id"]).stdout)
        assert trace["source"]["path"] == row["path"] and trace["source"]["symbol"] == row["symbol"]
        assert trace["origin"]["stage"] in ("mutate", "lint")
        assert trace["verdict"]["accepted"] and len(trace["verdict"]["stages"]) == 5
        assert trace["decision"]["accepted"] and trace["decision"]["split"] == trace["dataset"]["split"] == row["split"]
        assert trace["decision"]["cluster"] == row["cluster"]
        text = mendel(*options, "trace", row["id"]).stdout
        assert row["path"] in text and "both sides parse" in text or "buggy side fails" in text


def test_a_pair_of_the_store_is_shown(mendel, plant):
    data, options = plant
    row = next(row for row in mendel.json_lines("dataset", "sample", data / "dataset", "--count", 50) if row["has_bug"])
    pair = json.loads(mendel(*options, "--json", "pair", "show", row["id"]).stdout)
    shown = mendel(*options, "pair", "show", row["id"]).stdout
    assert pair["bug"]["type"] == row["bug_type"] and row["bug_type"] in shown
    removed = [line[1:] for line in shown.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert removed and all(line in pair["buggy"] for line in removed)
    assert "0" * 32 in mendel(*options, "pair", "show", "0" * 32, status=1).stderr
