"""Datasets as people build and read them: the same bytes whatever the order and jobs, read by the real libraries, damage found."""
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
from collections import defaultdict
from pathlib import Path

import pytest
from conftest import ROOT, program

SPLITS = ("train", "validation", "test")
COLUMNS = {"id", "buggy_grid", "fixed_grid", "rows_buggy", "rows_fixed", "edits", "bug_class", "bug_type", "operator", "source", "repository",
           "commit", "path", "license", "cluster", "quality", "difficulty", "level", "has_bug"}
PACKAGES = ("json", "email", "html", "logging", "http", "urllib", "unittest", "asyncio", "xml", "multiprocessing", "importlib", "concurrent")


def mutated(line):
    """Another class of bug for a linted pair: its fixed side with one colon, operator or return lost; or a clean sample."""
    pair = json.loads(line)
    fixed, choice = pair["fixed"], int(pair["id"][:2], 16) % 4
    buggy, bug_class, kind = [(fixed.replace(":\n", "\n", 1), "syntax", "missing_colon"), (fixed.replace(" == ", " != ", 1), "logic", "wrong_comparison"),
                              (fixed.replace("return ", "", 1), "logic", "missing_return"), (fixed, "none", "no_bug")][choice]
    return json.dumps({"buggy": buggy, "fixed": fixed, "bug": {"class": bug_class, "type": kind, "operator": kind if choice < 3 else ""},
                       "source": {**pair["source"], "kind": "mutation", "seed": 7, "license": "PSF-2.0"}})


@pytest.fixture(scope="module")
def material(tmp_path_factory, stdlib):
    """Lines of pairs of real packages: a linter's fixes, and mutants of the same functions."""
    folder = tmp_path_factory.mktemp("material")
    mendel = program("mendel", folder)
    code = folder / "code"
    for name in PACKAGES:
        for path in sorted((stdlib / name).rglob("*.py")):
            target = code / path.relative_to(stdlib)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    linted = mendel("lint", code, "--pairs").stdout.splitlines()
    assert len(linted) > 200
    return linted + [mutated(line) for line in linted]


@pytest.fixture(scope="module")
def built(tmp_path_factory, material):
    """A dataset over the material, and the folder it lies in."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "pairs.jsonl").write_text("\n".join(material) + "\n")
    program("mendel", folder)("dataset", "build", "pairs.jsonl", "--out", "dataset", "--jobs", 1)
    return folder / "dataset"


def files_of(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def rows(built):
    """The rows of each split, as JSON lines give them."""
    out = built.parent / "rows"
    program("mendel", built.parent)("dataset", "export", built, "--jsonl", "--out", out)
    return {split: [json.loads(line) for line in (out / f"{split}.jsonl").read_text().splitlines()] for split in SPLITS}


def test_jobs_order_and_batches_do_not_change_a_byte(mendel, built, material, tmp_path):
    shuffled = list(material)
    random.Random(3).shuffle(shuffled)
    (tmp_path / "shuffled.jsonl").write_text("\n".join(shuffled) + "\n")
    mendel("dataset", "build", "shuffled.jsonl", "--out", "two", "--jobs", 2)
    assert files_of(tmp_path / "two") == files_of(built)
    mendel("--set", "validate.pairs_per_item=7", "--set", "dataset.pairs_per_item=5", "--set", "dataset.memory_mib=16", "dataset", "build", "-", "--out",
           "three", "--jobs", 3, input="\n".join(reversed(shuffled)))
    assert files_of(tmp_path / "three") == files_of(built)


def test_another_seed_gives_other_bytes(mendel, built, material, tmp_path):
    mendel("dataset", "build", "-", "--out", "other", "--seed", 8, input="\n".join(material))
    info = [json.loads(mendel("--json", "dataset", "info", d).stdout) for d in (built, tmp_path / "other")]
    assert info[0]["digest"] != info[1]["digest"]
    assert "differs" in mendel("dataset", "diff", built, "other", status=1).stdout


def test_a_given_tokenizer_is_used_as_it_is(mendel, built, material, tmp_path):
    mendel("dataset", "build", "-", "--out", "again", "--tokenizer", built, input="\n".join(material))
    for name in ("tokenizer.json", "vocab.json", "merges.txt"):
        assert (tmp_path / "again" / name).read_bytes() == (built / name).read_bytes()
    # A folder without one is refused before a pair is proved.
    refused = mendel("dataset", "build", "-", "--out", "never", "--tokenizer", tmp_path, input="\n".join(material), status=1).stderr
    assert "tokenizer.json" in refused and "proving" not in refused


def test_splits_share_no_package_and_no_cluster_and_meet_their_shares(rows):
    total = sum(map(len, rows.values()))
    packages, clusters, ids = defaultdict(set), defaultdict(set), set()
    for split, some in rows.items():
        for row in some:
            packages[row["repository"]].add(split)
            clusters[row["cluster"]].add(split)
            ids.add(row["id"])
    assert len(ids) == total > 400
    assert all(len(splits) == 1 for splits in clusters.values())
    assert all(len(splits) == 1 for splits in packages.values())
    for split in ("validation", "test"):
        assert 0.02 <= len(rows[split]) / total <= 0.1
    assert {row["level"] for some in rows.values() for row in some} == {1, 2, 3, 4, 5}
    assert all(0 <= row["difficulty"] <= 1 and 0.3 <= row["quality"] <= 1 for some in rows.values() for row in some)


def test_every_row_matches_its_pair(mendel, rows, material):
    texts = {}
    for line in mendel("validate", "--keep", input="\n".join(material)).stdout.splitlines():
        pair = json.loads(line)
        texts[pair["id"]] = pair
    for some in rows.values():
        for row in some:
            assert row["bug_class"] == texts[row["id"]]["bug"]["class"]
            assert row["path"] == texts[row["id"]]["source"]["path"]
            assert row["has_bug"] == (row["bug_class"] != "none") == bool(row["edits"])
            assert (row["buggy_grid"] == row["fixed_grid"]) == (not row["has_bug"])


def test_pyarrow_reads_it(built):
    import pyarrow.parquet as parquet
    manifest = json.loads((built / "manifest.json").read_text())
    for split in SPLITS:
        table = parquet.read_table(built / split)
        assert COLUMNS <= set(table.column_names)
        assert table.num_rows == manifest["splits"][split]["rows"] > 0
        grids = table["buggy_grid"].combine_chunks()
        assert grids.type.list_size == 64 * 48 and str(grids.type.value_type) == "int16"
        values = grids.flatten().to_numpy()
        assert values.min() >= 0 and values.max() < manifest["tokenizer"]["vocabulary"]


def test_duckdb_reads_it(built):
    import duckdb
    found = duckdb.sql(f"select bug_class, count(*), min(quality), max(len(buggy_grid)) from read_parquet('{built}/*/shard-*.parquet') group by 1").fetchall()
    assert {row[0] for row in found} >= {"style", "logic", "syntax", "none"}
    assert all(row[3] == 3072 for row in found)
    manifest = json.loads((built / "manifest.json").read_text())
    assert sum(row[1] for row in found) == sum(manifest["splits"][s]["rows"] for s in SPLITS)


def test_hugging_face_datasets_reads_it(built, rows, tmp_path):
    script = ("import sys, datasets\n"
              "d = datasets.load_dataset(sys.argv[1])\n"
              "grid = d['train'].features['buggy_grid']\n"
              "print({s: d[s].num_rows for s in d}, grid.length, grid.feature.dtype, sum(map(len, d['train']['edits'])))\n")
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    python = ROOT / ".venv" / "bin" / "python"
    done = subprocess.run([python if python.exists() else sys.executable, "-c", script, str(built)], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    manifest = json.loads((built / "manifest.json").read_text())
    edits = sum(len(row["edits"]) for row in rows["train"])
    assert done.stdout.split("} ")[1].split() == ["3072", "int16", str(edits)]
    assert done.stdout.startswith(str({s: manifest["splits"][s]["rows"] for s in SPLITS}))


def test_hugging_face_tokenizers_reads_the_vocabulary(mendel, built):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(built / "tokenizer.json"))
    lines = ["def f(values):", "    return [v + 1 for v in values if v != 'é日']", "\tx = 0xFF  # 😀"]
    own = mendel.json_lines("tokenizer", "encode", "--tokenizer", built, "-", input="".join(line + "\n" for line in lines))
    assert own == [tokenizer.encode(line).ids for line in lines]
    assert [tokenizer.decode(ids) for ids in own] == lines


def damaged(built, tmp_path):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(built), str(copy)], check=True)
    return copy


@pytest.mark.parametrize("name", ["train/shard-00000.parquet", "test/shard-00000.parquet", "manifest.json", "tokenizer.json", "merges.txt"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_verify_names_the_damaged_file(mendel, built, tmp_path, name, damage):
    copy = damaged(built, tmp_path)
    assert built.name in mendel("dataset", "verify", built).stdout
    file = copy / name
    content = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    else:
        if damage == "flip":
            content[len(content) // 2] ^= 1
        file.write_bytes(content if damage == "flip" else content[:len(content) * 2 // 3])
    done = mendel("dataset", "verify", copy, status=1)
    assert name.split("/")[-1] in done.stderr, done.stderr


def test_lines_that_are_no_pairs_are_counted_and_the_rest_is_built(mendel, built, material, tmp_path):
    (tmp_path / "pairs.jsonl").write_text("\n".join([material[0], "{", *material[1:], "nonsense"]) + "\n")
    done = mendel("dataset", "build", "pairs.jsonl", "--out", "dataset", status=4)
    assert "pairs.jsonl:2:" in done.stderr
    info = json.loads(mendel("--json", "dataset", "info", "dataset").stdout)
    assert info["rejected_by_reason"]["invalid_line"] == 2
    assert info["digest"] == json.loads((built / "manifest.json").read_text())["digest"]
    assert not list(tmp_path.glob("dataset.*"))


def test_rejections_add_up(mendel, built, material):
    manifest = json.loads((built / "manifest.json").read_text())
    rows = sum(manifest["splits"][s]["rows"] for s in SPLITS)
    distinct = len({json.dumps({k: v for k, v in json.loads(line).items() if k != "id"}, sort_keys=True) for line in material})
    assert rows + sum(manifest["rejected_by_reason"].values()) == distinct
    assert manifest["rejected_by_reason"]["no_change"] > 0


def test_stats_sample_and_diff_tell_what_is_in_it(mendel, built):
    stats = json.loads(mendel("--json", "dataset", "stats", built).stdout)
    assert stats["train"]["by_class"]["syntax"] > 0 and sum(stats["train"]["by_level"].values()) == stats["train"]["rows"]
    assert "missing_colon" in mendel("dataset", "stats", built).stdout
    sample = mendel.json_lines("dataset", "sample", built, "--count", 3, "--seed", 1)
    assert len(sample) == 3 and mendel.json_lines("dataset", "sample", built, "--count", 3, "--seed", 1) == sample
    assert mendel.json_lines("dataset", "sample", built, "--count", 3, "--seed", 2) != sample
    assert {row["split"] for row in mendel.json_lines("dataset", "sample", built, "--split", "test")} == {"test"}
    assert "equal" in mendel("dataset", "diff", built, built).stdout


def rows_in_order(mendel, folder, split):
    shutil.rmtree(mendel.folder / "exported", ignore_errors=True)
    mendel("dataset", "export", folder, "--jsonl", "--out", "exported")
    return [json.loads(line) for line in (mendel.folder / "exported" / f"{split}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("change", ["a pair is gone", "a licence is another", "a pair is new"])
def test_diff_names_the_first_row_that_differs_and_where_both_come_from(mendel, built, material, change):
    lines = list(material)
    at = next(n for n, line in enumerate(lines) if json.loads(line)["source"].get("license") == "PSF-2.0" and json.loads(line)["bug"]["class"] != "none")
    pair = json.loads(lines[at])
    if change == "a licence is another":
        lines[at] = json.dumps({**pair, "source": {**pair["source"], "license": "MIT"}})
    elif change == "a pair is new":
        lines.append(json.dumps({**pair, "buggy": "def brand_new(a, b):\n    return a - b\n", "fixed": "def brand_new(a, b):\n    return a + b\n"}))
    else:
        del lines[at]
    mendel("dataset", "build", "-", "--out", "other", "--tokenizer", built, input="\n".join(lines))
    shown = json.loads(mendel("--json", "dataset", "diff", built, "other", status=1).stdout)
    split, row = shown["split"], shown["row"]
    sides = {"a": rows_in_order(mendel, built, split), "b": rows_in_order(mendel, "other", split)}
    assert sides["a"][:row] == sides["b"][:row]
    said = mendel("dataset", "diff", built, "other", status=1).stdout
    assert f"{split} row {row} differs" in said
    for side, rows in sides.items():
        there = rows[row] if row < len(rows) else None
        assert (shown[side] or {}).get("id") == (there or {}).get("id")
        if there:
            provenance = [shown[side][name] for name in ("source", "repository", "commit", "path", "license", "operator", "symbol")]
            assert provenance == [there[name] for name in ("source", "repository", "commit", "path", "license", "operator", "symbol")]
            assert shown[side]["path"] and shown[side]["path"] in said
    both = [rows[row] if row < len(rows) else None for rows in sides.values()]
    assert shown["columns"] == ([name for name in both[0] if both[0][name] != both[1][name]] if all(both) else [])
    assert both[0] != both[1]


def test_exports_hold_the_same_rows(mendel, built, rows, tmp_path):
    import numpy
    mendel("dataset", "export", built, "--npy", "--out", "npy")
    mendel("dataset", "export", built, "--webdataset", "--out", "web")
    for split in SPLITS:
        grids = numpy.load(tmp_path / "npy" / split / "buggy_grid.npy")
        assert grids.shape == (len(rows[split]), 64, 48) and grids.dtype == numpy.int16
        assert grids.reshape(len(rows[split]), -1).tolist() == [row["buggy_grid"] for row in rows[split]]
        assert numpy.load(tmp_path / "npy" / split / "has_bug.npy").tolist() == [row["has_bug"] for row in rows[split]]
        with tarfile.open(tmp_path / "web" / f"{split}.tar") as archive:
            names = archive.getnames()
            assert len(names) == 3 * len(rows[split])
            first = numpy.load(io.BytesIO(archive.extractfile(rows[split][0]["id"] + ".fixed.npy").read()))
            assert first.reshape(-1).tolist() == rows[split][0]["fixed_grid"]
    assert mendel("dataset", "export", built, "--npy", "--jsonl", "--out", "both", status=2).stdout == ""


def test_a_row_is_traced_to_its_source(mendel, built):
    row = mendel.json_lines("dataset", "sample", built, "--count", 1)[0]
    trace = json.loads(mendel("--json", "trace", row["id"], "--dataset", built).stdout)
    assert trace["source"]["path"] == row["path"] and trace["bug"]["type"] == row["bug_type"]
    assert trace["dataset"]["split"] == row["split"] and trace["dataset"]["cluster"] == row["cluster"]
    assert row["path"] in mendel("trace", row["id"], "--dataset", built).stdout
    assert "0" * 32 in mendel("trace", "0" * 32, "--dataset", built, status=1).stderr
    assert "--dataset" in mendel("trace", row["id"], status=1).stderr


def test_wrong_use_is_named(mendel, built, tmp_path):
    assert "nowhere" in mendel("dataset", "verify", "nowhere", status=1).stderr
    assert "nowhere.jsonl" in mendel("dataset", "build", "nowhere.jsonl", "--out", "x", status=1).stderr
    assert not list(tmp_path.glob("x*"))
    mendel("dataset", "build", status=2)
