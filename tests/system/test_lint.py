"""Linting as people run it: the schema, pairs of single fixes, bad files, foreign configuration, any number of jobs."""
import ast
import json
import os
import subprocess

import pytest
from conftest import ROOT

CODE = 'def f(a, b):\n    s = "é日😀"; return not a in b, s\n\n\nclass A:\n    def g(self):\n        return f"x"\n'


def test_diagnostics_have_one_schema(mendel, tmp_path):
    (tmp_path / "a.py").write_text(CODE)
    found = mendel.json_lines("lint", "a.py", "--tools", "ruff")
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
    some = mendel("lint", real_code, "--tools", "ruff", "--jobs", 1).stdout
    assert mendel("--set", "lint.files_per_item=3", "lint", real_code, "--tools", "ruff", "--jobs", 4).stdout == some


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
    rules = {(d["path"].split("/")[-1], d["rule"]) for d in mendel.json_lines("lint", folder, "--tools", "ruff")}
    assert ("broken.py", "invalid-syntax") in rules and ("good.py", "E713") in rules
    assert ("feed.py", "E713") in rules
    alone = mendel("lint", folder / "dangling.py", "--tools", "ruff").stderr
    assert "dangling.py: No such file" in alone and "1 files left out" in alone


def test_files_of_one_name_and_packages_do_not_meet(mendel, tmp_path):
    for package in ("a", "b", "c"):
        for name in ("__init__.py", "same.py", "odd name.py", "-x.py"):
            path = tmp_path / "code" / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"def {package}(x):\n    return not x in {package}\n")
    together = mendel.json_lines("lint", "code", "--tools", "ruff")
    apart = [d for path in sorted((tmp_path / "code").rglob("*.py")) for d in mendel.json_lines("lint", path.relative_to(tmp_path), "--tools", "ruff")]
    assert len(together) == 12 and {d["rule"] for d in together} == {"E713"}
    assert sorted(map(json.dumps, together)) == sorted(map(json.dumps, apart))


def test_the_configuration_of_the_linted_tree_is_not_read(mendel, tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "a.py").write_text(CODE)
    plain = mendel("lint", folder, "--tools", "ruff").stdout
    (folder / "ruff.toml").write_text('exclude = ["*.py"]\n[lint]\nignore = ["E713"]\n')
    (folder / "pyproject.toml").write_text('[tool.ruff]\nextend = "/etc/passwd"\n')
    (folder / ".gitignore").write_text("*.py\n")
    assert mendel("lint", folder, "--tools", "ruff", cwd=folder).stdout == plain != ""


def test_all_four_linters_speak_in_one_schema_whatever_the_jobs(mendel, tmp_path):
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.py").write_text('import subprocess\n\n\ndef f(a=[]) -> int:\n    subprocess.call(a, shell=True)\n    return f"x"\n')
    plain = mendel("--set", "lint.files_per_item=2", "lint", "a.py", "b.py", "c.py", "d.py", "--jobs", 1).stdout
    found = [json.loads(line) for line in plain.splitlines()]
    rules = {(d["tool"], d["rule"]) for d in found if d["path"] == "c.py"}
    assert {("ruff", "B006"), ("ruff", "F541"), ("pylint", "W0102"), ("mypy", "return-value"), ("bandit", "B602")} <= rules
    keys = {"tool", "rule", "message", "severity", "path", "line", "column", "end_line", "end_column"}
    assert all(set(d) - {"fix"} == keys for d in found)
    assert {d["severity"] for d in found} <= {"error", "warning", "info"}
    places = [(d["path"], d["line"], d["column"]) for d in found]
    assert places == sorted(places)
    assert mendel("--set", "lint.files_per_item=2", "lint", "a.py", "b.py", "c.py", "d.py", "--jobs", 4).stdout == plain
    some = mendel.json_lines("lint", "a.py", "--tools", "mypy,bandit")
    assert {d["tool"] for d in some} == {"mypy", "bandit"}
    assert "known: ruff, pylint, mypy, bandit" in mendel("lint", "a.py", "--tools", "flake8", status=2).stderr


EVIL = "import pathlib\npathlib.Path({marker!r}).write_text('ran')\n"


def test_nothing_of_the_linted_tree_is_run_or_obeyed(mendel, tmp_path):
    """Configuration, plugins, start-up files and modules that bear the names of the linters' own: each would leave a mark."""
    marker = tmp_path / "marker"
    folder = tmp_path / "code"
    (folder / "package").mkdir(parents=True)
    evil = EVIL.format(marker=str(marker))
    code = "import os\nimport isort\n\n\ndef f(a=[]):\n    assert a\n    return ''.no_such()\n"
    (folder / "package" / "a.py").write_text(code)
    names = ("evil", "conftest", "sitecustomize", "usercustomize", "isort", "json", "mypy_plugin", "pylint_plugin", "tokenize", "ast", "tomlkit", "setup")
    for name in names:
        (folder / f"{name}.py").write_text(evil)
        (folder / "package" / f"{name}.py").write_text(evil)
    (folder / "package" / "__init__.py").write_text(evil)
    clean = tmp_path / "plain.py"
    clean.write_text(code)
    init_hook = f"init-hook='open({str(marker)!r}, \"w\").close()'"
    (folder / ".pylintrc").write_text(f"[MAIN]\n{init_hook}\nload-plugins=pylint_plugin\ndisable=all\n")
    (folder / "pylintrc").write_text((folder / ".pylintrc").read_text())
    (folder / "mypy.ini").write_text("[mypy]\nplugins = mypy_plugin.py\nignore_errors = True\n")
    (folder / "setup.cfg").write_text("[mypy]\nplugins = mypy_plugin.py\n[bandit]\nskips = B101\n[pylint]\nload-plugins=pylint_plugin\n")
    (folder / "pyproject.toml").write_text('[tool.mypy]\nplugins = ["mypy_plugin.py"]\n[tool.pylint.main]\nload-plugins = ["pylint_plugin"]\n'
                                           '[tool.bandit]\nskips = ["B101"]\n')
    (folder / ".bandit").write_text("[bandit]\nskips: B101\n")
    env = {"PYTHONPATH": str(folder), "PYLINTRC": str(folder / ".pylintrc"), "MYPYPATH": str(folder), "MYPY_CONFIG_FILE_DIR": str(folder), "PYTHONSTARTUP": str(folder / "evil.py")}
    found = mendel.json_lines("lint", ".", cwd=folder, env=env)
    assert not marker.exists()
    here = {(d["tool"], d["rule"]) for d in found if d["path"].endswith("package/a.py")}
    assert {("pylint", "W0102"), ("pylint", "E1101"), ("mypy", "attr-defined"), ("bandit", "B101")} <= here
    assert here == {(d["tool"], d["rule"]) for d in mendel.json_lines("lint", "plain.py")}


def test_the_hostile_tree_above_does_harm_those_who_load_it(tmp_path):
    """What makes the test before this one able to fail."""
    python = ROOT / ".venv" / "bin" / "python"
    marker = tmp_path / "marker"
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "plugin.py").write_text(EVIL.format(marker=str(marker)) + "def register(linter): pass\n")
    (tmp_path / ".pylintrc").write_text("[MAIN]\nload-plugins=plugin\n")
    subprocess.run([python, "-m", "pylint", "a.py"], cwd=tmp_path, capture_output=True, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert marker.exists()
    marker.unlink()
    (tmp_path / "mypy.ini").write_text("[mypy]\nplugins = plugin.py\n")
    subprocess.run([python, "-m", "mypy", "a.py"], cwd=tmp_path, capture_output=True)
    assert marker.exists()


def test_a_file_that_a_linter_cannot_finish_costs_itself_alone(mendel, tmp_path):
    """An interpreter of ours that hangs on one text: a fake only in that, the frames are real."""
    fake = tmp_path / "python"
    fake.write_text(f"#!{ROOT / '.venv' / 'bin' / 'python'}\n" + FAKE_HELPER)
    fake.chmod(0o755)
    for name in ("a", "b", "c", "d", "e"):
        (tmp_path / f"{name}.py").write_text("die = 1\n" if name == "c" else "x = 1\n")
    done = mendel("--set", f"lint.python={fake}", "--set", "lint.timeout_ms=500", "lint", "--tools", "bandit", *(f"{n}.py" for n in "abcde"))
    assert [json.loads(line)["path"] for line in done.stdout.splitlines()] == ["a.py", "b.py", "d.py", "e.py"]
    assert "c.py: linter_gave_up: bandit:" in done.stderr and done.stderr.count("linter_gave_up") == 1


FAKE_HELPER = """
import json, os, struct, sys
def read(n):
    data = b''
    while len(data) < n:
        more = os.read(0, n - len(data))
        if not more:
            os._exit(0)
        data += more
    return data
def number():
    return struct.unpack('<I', read(4))[0]
def answer(text):
    os.write(1, struct.pack('<BI', 0, len(text)) + text.encode())
answer('1.0')
while True:
    texts = [(read(number()), read(number())) for _ in range(number())]
    if any(b'die' in text for _, text in texts):
        os.abort()
    answer(json.dumps([[['B101', 'info', 'said', 1, 1, 1, 2]] for _ in texts]))
"""


def test_unsafe_fixes_are_taken_when_asked_for(mendel, tmp_path):
    (tmp_path / "a.py").write_text("def f(a):\n    return a == None\n")
    assert mendel.json_lines("lint", "a.py", "--pairs") == []
    (pair,) = mendel.json_lines("lint", "a.py", "--pairs", "--unsafe-fixes")
    assert pair["bug"]["rule"] == "ruff:E711" and pair["fixed"].endswith("a is None")
    assert "--pairs needs ruff" in mendel("lint", "a.py", "--pairs", "--tools", "mypy", status=2).stderr


def test_a_missing_ruff_names_its_remedy(mendel, tmp_path):
    (tmp_path / "a.py").write_text(CODE)
    for more in ([], ["--pairs"]):
        assert "make deps" in mendel("--set", "lint.ruff=/no/such/ruff", "lint", "a.py", *more, status=1).stderr
    assert "lint.python" in mendel("--set", "lint.python=/no/such/python", "lint", "a.py", "--tools", "mypy", status=1).stderr
    assert "missing.py" in mendel("lint", "missing.py", status=1).stderr


@pytest.mark.parametrize("script, word", [("echo nonsense", "linter_gave_up"), ("exit 3", "linter_gave_up"), ("sleep 60", "linter_gave_up")])
def test_a_linter_that_fails_costs_its_files_not_the_run(mendel, tmp_path, script, word):
    (tmp_path / "a.py").write_text(CODE)
    (tmp_path / "b.py").write_text(CODE)
    fake = tmp_path / "ruff"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    done = mendel("--set", f"lint.ruff={fake}", "--set", "lint.timeout_ms=300", "lint", "--tools", "ruff", "a.py", "b.py")
    assert done.stdout == "" and done.stderr.count(word) == 2


def commit(folder, message, text):
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    (folder / "module.py").write_text(text)
    subprocess.run([*git, "add", "module.py"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "-q", "-m", message], cwd=folder, check=True)


def test_changes_of_a_history_by_which_a_diagnostic_disappears_are_pairs(mendel, tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    first = "import subprocess\n\n\ndef f(a) -> int:\n    b = 1\n    print(b)\n    subprocess.call(a, shell=True)\n    return 1\n\n\ndef g(a=[]):\n    return a\n"
    commit(folder, "start", first)
    second = first.replace("b = 1", "b = 2").replace("(a, shell=True)", "([a])")
    commit(folder, "clean up", second)
    commit(folder, "more", second.replace("def g(a=[]):\n    return a", "def g(a=None):\n    return a or []"))
    (folder / "mypy.ini").write_text("[mypy]\nignore_errors = True\n")
    done = mendel("lint", "--history", folder, "--jobs", 1)
    pairs = [json.loads(line) for line in done.stdout.splitlines()]
    rules = [(p["bug"]["rule"], p["bug"]["class"], p["source"]["symbol"]) for p in pairs]
    assert ("bandit:B602", "security", "f") in rules and ("pylint:W0102", "logic", "g") in rules and ("ruff:B006", "logic", "g") in rules
    shell = next(p for p in pairs if p["bug"]["rule"] == "bandit:B602")
    assert "b = 1" in shell["fixed"] and "([a])" in shell["fixed"]  # the other hunk is left out
    assert shell["source"]["kind"] == "linter" and len(shell["source"]["commit"]) == 40 and shell["source"]["author"]
    assert mendel("--set", "mine.commits_per_item=1", "lint", "--history", folder, "--jobs", 3).stdout == done.stdout
    assert "diagnostics that disappeared" in done.stderr
