"""Code of pairs is run: tests, docstring examples, generated calls; the same verdicts whatever --jobs is; in the plant too."""
import json
import os
import subprocess

import pytest
from conftest import BUILD, PATIENCE, ROOT

FIXED = "def total(values):\n    result = 0\n    for value in values:\n        result += value\n    return result\n"
BUGGY = FIXED.replace("+=", "-=")
TEST = {"kind": "script", "code": "assert total([1, 2]) == 3\n", "timeout_ms": 5000}


def pair(buggy, fixed, tests=(), bug_class="logic", path="m.py"):
    return {"buggy": buggy, "fixed": fixed, "bug": {"class": bug_class, "type": "t", "operator": "o"},
            "source": {"kind": "mutation", "repository": "r", "path": path}, "tests": list(tests)}


def carried_test():
    """As a fix brings it: one test that shows the bug, one that lacks a module."""
    return {"kind": "pytest", "code": "from pkg.core import total\n\ndef test_total():\n    assert total([1, 2]) == 3\n\ndef test_more():\n    import nowhere\n",
            "project": {"test_path": "tests/test_core.py", "tests": ["test_total", "test_more"], "subject_path": "pkg/core.py", "subject_before": "from .start import zero\n",
                        "subject_after": "\n", "files": [{"path": "pkg/__init__.py", "text": ""}, {"path": "pkg/start.py", "text": "zero = 0\n"}]}}


def lines(pairs):
    return "".join(json.dumps(p) + "\n" for p in pairs)


def row_of_tests(verdict):
    return next(s for s in verdict["stages"] if s["name"] == "tests")


@pytest.fixture(scope="module", autouse=True)
def sandbox():
    """Passes the whole file over where the sandbox cannot be had, with doctor's reason."""
    if not (BUILD / "mendel").exists():
        pytest.skip(f"mendel is not built in {BUILD}")
    rows = json.loads(subprocess.run([BUILD / "mendel", "--json", "doctor"], capture_output=True, text=True).stdout)
    found = next(row for row in rows if row["probe"] == "sandbox")
    if found["result"] != "ok":
        pytest.skip(f"{found['found']} {found['remedy']}")


def test_a_test_carried_from_the_fix_proves_it_and_only_a_contradiction_condemns(mendel):
    fixed, buggy = FIXED.replace("result = 0", "result = zero"), BUGGY.replace("result = 0", "result = zero")
    lacks = carried_test()
    lacks["project"]["files"].pop()
    same = fixed.replace("result += value", "result = result + value")
    done = mendel("validate", "--tests", input=lines([pair(buggy, fixed, [carried_test()]), pair(fixed, buggy, [carried_test()], path="n.py"), pair(same, fixed, [carried_test()], path="o.py"),
                                                      pair(same, fixed, [lacks], path="p.py")]))
    rows = [row_of_tests(json.loads(line)) for line in done.stdout.splitlines()]
    assert [row["result"] for row in rows] == ["pass", "fail", "skipped", "skipped"], rows
    assert "tests/test_core.py: test_total alone: buggy side failed: " in rows[0]["detail"]
    assert rows[1]["reason"] == "fixed_fails_tests" and "the buggy side passes" in rows[1]["detail"]
    assert {row["reason"] for row in rows[2:]} == {"fix_test_undecided"} and "buggy side passed as the fixed side did" in rows[2]["detail"] and "pkg.start" in rows[3]["detail"], rows
    for told in ("4 tests.with_fix_test", "1 tests.proven_by_fix_test", "2 tests.fix_test_undecided", "1 tests.fixed_fails_tests"):
        assert told in done.stderr


def test_doctor_and_the_start_say_in_one_line_whether_runs_get_a_cgroup_and_what_is_missing(mendel):
    found = next(row["found"] for row in json.loads(mendel("--json", "doctor", status=None).stdout) if row["probe"] == "sandbox")
    told = [line for line in mendel("validate", "--tests", input=lines([pair(BUGGY, FIXED, [TEST])])).stderr.splitlines() if "cgroup" in line]
    if "; a cgroup for each run below /" in found:
        assert not told
        return
    missing = found.split("; no cgroup for each run, limits of processes alone: ")[1]
    assert len(told) == 1 and told[0].endswith(missing)
    assert "Delegate=yes" in missing or "systemd.unified_cgroup_hierarchy=1" in missing
    assert not [line for line in mendel("validate", input=lines([pair(BUGGY, FIXED, [TEST])])).stderr.splitlines() if "cgroup" in line]


def test_a_true_pair_is_proven_by_its_test_and_a_swapped_one_is_turned_away(mendel):
    verdicts = mendel.json_lines("validate", "--tests", input=lines([pair(BUGGY, FIXED, [TEST]), pair(FIXED, BUGGY, [TEST]), pair(FIXED, FIXED + "\n\nUNUSED = 1\n", [TEST])]))
    assert [v["accepted"] for v in verdicts] == [True, False, False]
    assert [row_of_tests(v)["reason"] for v in verdicts] == ["", "fixed_fails_tests", "buggy_passes_tests"]
    assert "1 of 1 tests" in row_of_tests(verdicts[0])["detail"]


@pytest.mark.parametrize("code", ["import os; os._exit(0)", "raise SystemExit(0)", "print('OK')\nimport os\nos.write(3, b'{\"outcome\":\"passed\"}\\n')\nos._exit(0)"])
def test_a_test_that_fakes_success_proves_nothing(mendel, code):
    verdict = mendel.json_lines("validate", "--tests", input=lines([pair(BUGGY, FIXED, [{"kind": "script", "code": code}])]))[0]
    assert not verdict["accepted"] and row_of_tests(verdict)["reason"] == "fixed_fails_tests"


def test_a_witness_is_kept_as_a_test_and_proves_the_pair_again(mendel):
    done = mendel("validate", "--tests", "--keep", input=lines([pair(BUGGY, FIXED)]))
    kept = json.loads(done.stdout)
    assert "1 tests.proven_by_witness" in done.stderr
    assert [t["kind"] for t in kept["tests"]] == ["script"] and "total(" in kept["tests"][0]["code"]
    again = mendel("validate", "--tests", "--keep", input=done.stdout)
    assert again.stdout == done.stdout and "1 tests.proven_by_own" in again.stderr
    # The witness means what it says outside of Mendel too.
    for side, status in ((FIXED, 0), (BUGGY, 1)):
        folder = mendel.folder / f"side{status}"
        folder.mkdir()
        (folder / "subject.py").write_text(side)
        (folder / "witness.py").write_text("from subject import *\n" + kept["tests"][0]["code"])
        assert subprocess.run(["python3", "witness.py"], cwd=folder, capture_output=True).returncode == status


def test_an_example_in_a_docstring_proves(mendel):
    fixed = 'def odd(n):\n    """Tells.\n\n    >>> odd(3)\n    True\n    """\n    return n % 2 == 1\n'
    done = mendel("validate", "--tests", input=lines([pair(fixed.replace("== 1", "== 0"), fixed)]))
    assert "1 tests.proven_by_doctest" in done.stderr


def test_no_difference_lowers_the_quality_and_says_so(mendel):
    renamed = FIXED.replace("result", "answer")
    without = mendel.json_lines("validate", input=lines([pair(renamed, FIXED)]))[0]
    verdict = mendel.json_lines("validate", "--tests", input=lines([pair(renamed, FIXED)]))[0]
    assert row_of_tests(verdict)["reason"] == "no_difference_seen" and verdict["quality"] < without["quality"]


def test_syntax_bugs_and_clean_samples_are_not_run(mendel):
    verdicts = mendel.json_lines("validate", "--tests", input=lines([pair("def f(:\n", "def f():\n    pass\n", bug_class="syntax"), pair(FIXED, FIXED, bug_class="none")]))
    assert [row_of_tests(v)["reason"] for v in verdicts] == ["proven_by_parser", "clean_sample"]


def test_hostile_pairs_do_no_harm_and_the_rest_goes_on(mendel):
    bombs = ["import os\nwhile True:\n    os.fork()\n", "while True: pass\n", "x = 'a' * 10 ** 10\n", "import shutil\nshutil.rmtree('/', ignore_errors=True)\n", "import sys\nsys.exit(0)\n"]
    pairs = [pair(bomb + BUGGY, bomb + FIXED, [TEST], path=f"{n}.py") for n, bomb in enumerate(bombs)]
    verdicts = mendel.json_lines("--set", "sandbox.cpu_s=1", "--set", "sandbox.wall_ms=4000", "validate", "--tests", input=lines([*pairs, pair(BUGGY, FIXED, [TEST])]))
    assert verdicts[-1]["accepted"] and row_of_tests(verdicts[-1])["result"] == "pass"
    assert all(row_of_tests(v)["result"] != "pass" or n == 3 for n, v in enumerate(verdicts[:-1]))  # what rmtree may remove is nothing


def test_verdicts_do_not_depend_on_jobs(mendel, stdlib):
    pairs = mendel("mutate", stdlib / "bisect.py", stdlib / "colorsys.py", stdlib / "textwrap.py").stdout
    pairs = "".join(line + "\n" for line in pairs.splitlines()[:30])
    one = mendel("validate", "--tests", "--keep", "--jobs", 1, input=pairs).stdout
    assert one == mendel("--set", "validate.pairs_per_item=3", "validate", "--tests", "--keep", "--jobs", 3, input=pairs).stdout
    assert one.count('"kind":"script"') >= 10


def test_a_missing_sandbox_fails_closed_with_the_remedy(mendel):
    done = mendel("--set", "sandbox.program=/no/such/bwrap", "validate", "--tests", input=lines([pair(BUGGY, FIXED)]), status=1)
    assert "/no/such/bwrap" in done.stderr and "install bubblewrap" in done.stderr and done.stdout == ""
    done = mendel("--set", "sandbox.program=/no/such/bwrap", "--set", "sandbox.plant=true", "--json", "doctor", status=1)
    assert next(r for r in json.loads(done.stdout) if r["probe"] == "sandbox")["result"] == "FAIL"


def test_a_plant_that_runs_tests_gives_the_same_dataset_whatever_its_workers(mendel, stdlib, tmp_path):
    code = tmp_path / "code"
    code.mkdir()
    for name in ("bisect.py", "colorsys.py"):
        (code / name).write_bytes((stdlib / name).read_bytes())
    digests = set()
    for workers, folder in ((1, "one"), (3, "three")):
        mendel("--config", ROOT / "deploy/profiles/smoke.toml", "--data", folder, "--set", f'sources.python=["{code}"]', "--set", "sandbox.plant=true",
               "--set", f"runtime.workers={workers}", "--set", "validate.pairs_per_item=8", "up", "--until", "dataset")
        manifest = json.loads((mendel.folder / folder / "dataset/manifest.json").read_text())
        assert manifest["funnel"]["tests.proven_by_witness"] > 0
        digests.add(manifest["digest"])
    assert len(digests) == 1
    done = mendel("--data", "none", "--set", f'sources.python=["{code}"]', "--set", "sandbox.plant=true", "--set", "sandbox.program=/no/such/bwrap", "up", "--until", "dataset", status=1)
    assert "install bubblewrap" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else; the other tests run as whoever started them")
def test_an_ordinary_user_has_the_same_sandbox(mendel):
    done = subprocess.run(["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", BUILD / "test_sandbox", "-tc=an attack*,a faked*,what only*,a child*"], cwd="/", capture_output=True, text=True, timeout=280 * PATIENCE)
    if "skipped: " in done.stdout or not os.access(BUILD / "test_sandbox", os.X_OK):
        pytest.skip(done.stdout[-300:])
    assert done.returncode == 0, done.stdout[-3000:]
