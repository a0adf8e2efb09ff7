"""Linting as people run it: the schema, pairs of single fixes, bad files, foreign configuration, any number of jobs."""
import ast
import json

import pytest

CODE = 'def f(a, b):\n    s = "é日😀"; return not a in b, s\n\n\nclass A:\n    def g(self):\n        return f"x"\n'


def test_diagnostics_have_one_schema(mendel, tmp_path):
    (tmp_path / "a.py").write_text(CODE)
    found = mendel.json_lines("lint", "a.py")
    assert [d["rule"] for d in found] == ["E713", "F541"]
    first = found[0]
    line = CODE.splitlines()[1]
    assert (line[23 - 1:33 - 1], line[27 - 1:33 - 1]) == ("not a in b", "a in b")  # columns count characters
    assert {k: first[k] for k in ("tool", "path", "line", "column", "end_line", "end_column")} == {
        "tool": "ruff", "path": "a.py", "line": 2, "column": 27, "end_line": 2, "end_column": 33}
    assert first["severity"] and first["message"]
    assert first["fix"]["applicability"] == "safe"
    assert first["fix"]["edits"] == [{"line": 2, "column": 23, "end_line": 2, "end_column": 33, "content": "a not in b"}]


def test_each_fix_is_a_pair_of_its_own_byte_for_byte(mendel, tmp_path):
    (tmp_path / "a.py").write_text(CODE)
    pairs = mendel.json_lines("lint", "a.py", "--pairs")
    assert [(p["bug"]["rule"], p["source"]["symbol"]) for p in pairs] == [("ruff:E713", "f"), ("ruff:F541", "A.g")]
    assert pairs[0]["buggy"] == 'def f(a, b):\n    s = "é日😀"; return not a in b, s'
    assert pairs[0]["fixed"] == 'def f(a, b):\n    s = "é日😀"; return a not in b, s'
    assert pairs[1]["fixed"] == 'def g(self):\n    return "x"'
    assert all(p["source"]["kind"] == "linter" for p in pairs)


def test_pairs_of_real_code_parse_and_do_not_depend_on_jobs(mendel, real_code):
    one = mendel("lint", real_code, "--pairs", "--jobs", 1).stdout
    pairs = [json.loads(line) for line in one.splitlines()]
    assert len(pairs) > 20
    for pair in pairs:
        ast.parse(pair["buggy"])
        ast.parse(pair["fixed"])
        assert pair["buggy"] != pair["fixed"]
    assert mendel("--set", "lint.files_per_item=3", "lint", real_code, "--pairs", "--jobs", 4).stdout == one
    some = mendel("lint", real_code, "--jobs", 1).stdout
    assert mendel("--set", "lint.files_per_item=3", "lint", real_code, "--jobs", 4).stdout == some


def test_crlf_byte_order_mark_and_form_feed_keep_their_bytes(mendel, tmp_path):
    (tmp_path / "a.py").write_bytes(b"\xef\xbb\xbfdef f(a, b):\r\n    return not a in b\r\n\x0c\r\ndef g():\r\n\treturn f'x'\r\n")
    pairs = mendel.json_lines("lint", "a.py", "--pairs")
    assert [p["fixed"] for p in pairs] == ["def f(a, b):\r\n    return a not in b", "def g():\r\n\treturn 'x'"]


def test_bad_files_are_named_and_the_rest_is_linted(mendel, tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "binary.py").write_bytes(bytes(range(256)))
    (folder / "nul.py").write_bytes(b"x = 1\0\n")
    (folder / "latin.py").write_bytes(b"# \xe9\n")
    (folder / "line.py").write_bytes(b"x = '" + b"a" * 10_000_000 + b"'\n")
    (folder / "dashes.py").write_text("-" * 100_000)
    (folder / "elif.py").write_text("def f(a):\n    if a: pass\n" + "".join(f"    elif a == {i}: pass\n" for i in range(5000)))
    (folder / "empty.py").write_text("")
    (folder / "tabs.py").write_text("class A:\n    def f(a):\n\treturn not a in a\n")
    (folder / "feed.py").write_bytes(b"\x0cdef f(a, b):\n\x0c    return not a in b\n")
    (folder / "broken.py").write_text("def f(:\n")
    (folder / "dangling.py").symlink_to("nowhere")
    (folder / "folder.py").mkdir()
    (folder / "good.py").write_text(CODE)
    done = mendel("lint", folder, "--pairs")
    assert [json.loads(line)["source"]["path"] for line in done.stdout.splitlines() if "good" in line] == ["good.py"] * 2
    for name in ("binary.py", "nul.py", "latin.py", "line.py", "broken.py", "tabs.py"):
        assert name in done.stderr
    assert "does_not_parse" in done.stderr and "has_nul" in done.stderr and "bad_utf8" in done.stderr
    rules = {(d["path"].split("/")[-1], d["rule"]) for d in mendel.json_lines("lint", folder)}
    assert ("broken.py", "invalid-syntax") in rules and ("good.py", "E713") in rules
    assert ("feed.py", "E713") in rules
    alone = mendel("lint", folder / "dangling.py").stderr
    assert "dangling.py: No such file" in alone and "1 files left out" in alone


def test_files_of_one_name_and_packages_do_not_meet(mendel, tmp_path):
    for package in ("a", "b", "c"):
        for name in ("__init__.py", "same.py", "odd name.py", "-x.py"):
            path = tmp_path / "code" / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"def {package}(x):\n    return not x in {package}\n")
    together = mendel.json_lines("lint", "code")
    apart = [d for path in sorted((tmp_path / "code").rglob("*.py")) for d in mendel.json_lines("lint", path.relative_to(tmp_path))]
    assert len(together) == 12 and {d["rule"] for d in together} == {"E713"}
    assert sorted(map(json.dumps, together)) == sorted(map(json.dumps, apart))


def test_the_configuration_of_the_linted_tree_is_not_read(mendel, tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "a.py").write_text(CODE)
    plain = mendel("lint", folder).stdout
    (folder / "ruff.toml").write_text('exclude = ["*.py"]\n[lint]\nignore = ["E713"]\n')
    (folder / "pyproject.toml").write_text('[tool.ruff]\nextend = "/etc/passwd"\n')
    (folder / ".gitignore").write_text("*.py\n")
    assert mendel("lint", folder, cwd=folder).stdout == plain != ""


def test_a_missing_ruff_names_its_remedy(mendel, tmp_path):
    (tmp_path / "a.py").write_text(CODE)
    for more in ([], ["--pairs"]):
        assert "make deps" in mendel("--set", "lint.ruff=/no/such/ruff", "lint", "a.py", *more, status=1).stderr
    assert "missing.py" in mendel("lint", "missing.py", status=1).stderr


@pytest.mark.parametrize("script, word", [("echo nonsense", "linter_gave_up"), ("exit 3", "linter_gave_up"), ("sleep 60", "linter_gave_up")])
def test_a_linter_that_fails_costs_its_files_not_the_run(mendel, tmp_path, script, word):
    (tmp_path / "a.py").write_text(CODE)
    (tmp_path / "b.py").write_text(CODE)
    fake = tmp_path / "ruff"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    done = mendel("--set", f"lint.ruff={fake}", "--set", "lint.timeout_ms=300", "lint", "a.py", "b.py")
    assert done.stdout == "" and done.stderr.count(word) == 2
