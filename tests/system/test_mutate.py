"""Mutating as people do it: any number of jobs, seeds, the table of operators, bad files."""
import ast
import json
import warnings

import pytest
from conftest import ROOT

CODE = "def f(a, b):\n    c = a + b\n    if c > 10 and a:\n        return c\n    return a\n"


def parses(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except SyntaxError:
            return False
    return True


def test_the_bytes_do_not_depend_on_jobs_but_on_the_seed(mendel, real_code, tmp_path):
    one = mendel("mutate", real_code, "--jobs", 1, "--out", tmp_path / "one")
    assert one.stdout == ""
    mendel("mutate", real_code, "--jobs", 2, "--out", tmp_path / "two")
    first = (tmp_path / "one").read_bytes()
    assert first == (tmp_path / "two").read_bytes()
    assert mendel("mutate", real_code).stdout.encode() == first
    assert mendel("mutate", real_code, "--seed", 8).stdout.encode() != first
    assert mendel("--set", "seed=8", "mutate", real_code).stdout == mendel("mutate", real_code, "--seed", 8).stdout


def test_pairs_of_real_code_are_valid_and_broken_as_their_class_says(mendel, real_code):
    pairs = mendel.json_lines("mutate", real_code)
    assert len(pairs) > 500
    types = {p["bug"]["type"] for p in pairs}
    assert len(types) >= 14 and "no_bug" in types
    for pair in pairs:
        bug = pair["bug"]
        assert parses(pair["fixed"])
        assert parses(pair["buggy"]) == (bug["class"] != "syntax"), pair
        assert (pair["buggy"] == pair["fixed"]) == (bug["class"] == "none")
        assert bug["operator"] == ("" if bug["class"] == "none" else bug["type"])
        assert pair["source"]["kind"] == "mutation" and pair["source"]["seed"] == 7
        assert pair["source"]["path"].startswith(pair["source"]["repository"] + "/")
    clean = sum(p["bug"]["class"] == "none" for p in pairs) / len(pairs)
    assert 0.1 < clean < 0.18


def test_options_choose_operators_number_and_clean_share(mendel, real_code):
    pairs = mendel.json_lines("mutate", real_code, "--operators", "missing_colon,off_by_one", "--clean-share", 0, "--per-function", 1)
    assert {p["bug"]["type"] for p in pairs} == {"missing_colon", "off_by_one"}
    places = [(p["source"]["path"], p["source"]["symbol"], p["fixed"]) for p in pairs]
    assert len(places) == len(set(places))
    all_of_them = mendel.json_lines("mutate", real_code, "--per-function", 100, "--clean-share", 0)
    kinds = [(p["source"]["path"], p["source"]["symbol"], p["fixed"], p["bug"]["type"]) for p in all_of_them]
    assert len(kinds) == len(set(kinds)) > 2 * len(pairs)


def test_the_table_is_listed_for_people_and_programs(mendel):
    rows = json.loads(mendel("--json", "mutate", "--list").stdout)
    assert len(rows) >= 100 and len({row["name"] for row in rows}) == len(rows)
    assert {row["class"] for row in rows} == {"syntax", "logic", "style", "security", "async", "framework"}
    for row in rows:
        assert set(row) == {"name", "class", "description", "inverse", "precondition", "before", "after"}
        assert parses(row["before"]) and parses(row["after"]) == (row["class"] != "syntax"), row
    text = mendel("mutate", "--list").stdout
    for row in rows:
        assert f"{row['name']} ({row['class']}): {row['description']}" in text


def test_the_documentation_lists_each_operator_with_its_class(mendel):
    text = (ROOT / "docs/operators.md").read_text()
    for row in json.loads(mendel("--json", "mutate", "--list").stdout):
        assert f"| {row['name']} | {row['description']} | {row['inverse']} | {row['precondition']} |" in text, row["name"]


def test_the_mix_of_classes_is_the_one_asked_for(mendel, real_code):
    shares = {"syntax": 0.3, "logic": 0.4, "style": 0.2, "other": 0.1}
    pairs = mendel.json_lines("mutate", real_code, "--clean-share", 0)
    found = dict.fromkeys(shares, 0)
    for pair in pairs:
        found[pair["bug"]["class"] if pair["bug"]["class"] in shares else "other"] += 1
    for name, share in shares.items():
        assert abs(found[name] / len(pairs) - share) < 0.03, found  # a few files; the README has the figures of many
    only = mendel("--set", "mutate.syntax_share=1", "--set", "mutate.logic_share=0", "--set", "mutate.style_share=0", "--set", "mutate.other_share=0",
                  "mutate", real_code, "--clean-share", 0)
    classes = [json.loads(line)["bug"]["class"] for line in only.stdout.splitlines()]
    assert classes.count("syntax") == len(classes)


def test_weights_are_calibrated_against_mined_pairs_and_taken_by_the_configuration(mendel, real_code, tmp_path):
    mined = [("if a < b: c()", "if a <= b: c()")] * 30 + [("x = a and b", "x = a or b")] * 10 + [("x = [1,, 2]", "x = [1, 2]")]
    with open(tmp_path / "mined.jsonl", "w") as out:
        for buggy, fixed in mined:
            out.write(json.dumps({"buggy": f"def f(a, b):\n    {buggy}\n", "fixed": f"def f(a, b):\n    {fixed}\n", "source": {"kind": "git"},
                                  "bug": {"class": "syntax" if ",," in buggy else "logic", "type": "other"}}) + "\n")
        out.write("no pair\n")
    done = mendel("mutate", "--calibrate", "mined.jsonl", "--out", tmp_path / "weights.toml")
    assert "41 mined pairs, 40 of a type that an operator makes" in done.stderr and "mined.jsonl:42" in done.stderr
    assert done.stdout == (tmp_path / "weights.toml").read_text()
    rows = {r["operator"]: r for r in json.loads(mendel("--json", "mutate", "--calibrate", "mined.jsonl").stdout)}
    assert rows["wrong_comparison"]["seen"] == 30 and rows["and_or_swap"]["share"] == 0.25
    assert mendel("--config", tmp_path / "weights.toml", "mutate", real_code).stdout != mendel("mutate", real_code).stdout
    # The table says for which mix it was fitted, so that a configuration takes it as it is.
    like = mendel("--set", "mutate.mix=weights", "mutate", "--calibrate", "mined.jsonl", "--out", tmp_path / "like.toml").stdout
    assert 'mix = "classes"' in done.stdout and 'mix = "weights"' in like
    shown = json.loads(mendel("--json", "--config", tmp_path / "like.toml", "config", "show").stdout)
    assert {row["key"]: row["value"] for row in shown}["mutate.mix"] == "'weights'"
    (tmp_path / "empty.jsonl").write_text("")
    assert "empty.jsonl" in mendel("mutate", "--calibrate", "empty.jsonl", status=1).stderr


def test_wrong_use_is_refused_by_name(mendel, tmp_path):
    (tmp_path / "a.py").write_text(CODE)
    done = mendel("mutate", "a.py", "--operators", "of_by_one", status=2)
    assert "of_by_one" in done.stderr and "off_by_one" in done.stderr
    assert "PATH" in mendel("mutate", status=2).stderr
    done = mendel("--set", 'mutate.weights=["of_by_one=1"]', "mutate", "a.py", status=2)
    assert "of_by_one" in done.stderr and "off_by_one" in done.stderr
    mendel("mutate", "a.py", "--clean-share", "0.95", status=2)
    mendel("mutate", "a.py", "--per-function", "0", status=2)
    assert "missing.py" in mendel("mutate", "missing.py", status=1).stderr
    assert "/no/such/folder/x" in mendel("mutate", "a.py", "--out", "/no/such/folder/x", status=1).stderr


def test_bad_files_are_named_and_the_rest_is_mutated(mendel, tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    bad = {
        "nul.py": (b"x = 1\0\n", "has_nul"),
        "latin.py": (b"# \xe9\n", "bad_utf8"),
        "line.py": (b"x = '" + b"a" * 10_000_000 + b"'\n", "larger than"),
        "dashes.py": (b"-" * 100_000, "does_not_parse"),
        "broken.py": (b"def f(:\n", "does_not_parse"),
        "empty.py": (b"", None),
    }
    for name, (content, _) in bad.items():
        (folder / name).write_bytes(content)
    (folder / "elif.py").write_text("def f(a):\n    if a: pass\n" + "".join(f"    elif a == {i}: pass\n" for i in range(5000)) + CODE)
    (folder / "dangling.py").symlink_to("nowhere")
    (folder / "folder.py").mkdir()
    (folder / "deep.py").write_text("def f(a):\n    x = 1\n    return " + "-" * 100_000 + "a\n" + CODE)
    (folder / "good.py").write_text(CODE)
    done = mendel("mutate", folder)
    paths = {json.loads(line)["source"]["path"] for line in done.stdout.splitlines()}
    assert "good.py" in paths and "elif.py" in paths and not paths & set(bad)
    for name, (_, reason) in bad.items():
        assert reason is None or any(name in line and reason in line for line in done.stderr.splitlines()), name
    assert "7 files left out (1 bad_utf8, 2 does_not_parse, 1 empty_file, 1 has_nul, 1 too_large" in done.stderr.replace("6 files", "7 files")
    for name in ("dangling.py", "folder.py"):
        single = mendel("mutate", folder / name, status=None)
        assert single.returncode in (0, 1) and (name == "folder.py" or name in single.stderr)


@pytest.mark.parametrize("text", ["\ufeff" + CODE, CODE.replace("\n", "\r\n"), CODE.replace("    ", "\t"), CODE.replace("    if", "\f\n    if")],
                         ids=["bom", "crlf", "tabs", "form feed"])
def test_odd_white_space_keeps_its_bytes(mendel, tmp_path, text):
    (tmp_path / "a.py").write_bytes(text.encode())
    pairs = mendel.json_lines("mutate", "a.py", "--per-function", 20, "--clean-share", 0)
    assert len(pairs) > 5
    for pair in pairs:
        assert pair["fixed"] == text.strip("\ufeff\r\n") and parses(pair["fixed"])
        assert parses(pair["buggy"]) == (pair["bug"]["class"] != "syntax")


def test_stdin_is_a_file_too(mendel):
    pairs = [json.loads(line) for line in mendel("mutate", "-", input=CODE).stdout.splitlines()]
    assert {p["source"]["path"] for p in pairs} == {"stdin.py"}
