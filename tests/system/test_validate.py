"""Validating as people run it: verdicts in order, the accepted pairs, reasons, bad lines, any number of jobs; pair show and trace."""
import json

import pytest

FIXED = "def total(values):\n    result = 0\n    for value in values:\n        result += value\n    return result"


def pair(buggy, fixed=FIXED, bug_class="logic", **source):
    return {"buggy": buggy, "fixed": fixed, "bug": {"class": bug_class, "type": "test"}, "source": {"kind": "mutation", "path": "m.py", **source}}


def lines(pairs):
    return "".join(json.dumps(p) + "\n" for p in pairs)


def failed(verdict):
    return next((s["reason"] for s in verdict["stages"] if s["result"] == "fail"), None)


GOOD = pair(FIXED.replace("+=", "-="))
BROKEN = pair(FIXED.replace("values):", "values)"), bug_class="syntax")


@pytest.fixture
def real_pairs(mendel, real_code):
    """Pairs of a linter's fixes in the standard library, as text."""
    return mendel("lint", real_code, "--pairs").stdout


def test_verdicts_come_in_the_order_of_the_pairs_and_explain_themselves(mendel):
    verdicts = mendel.json_lines("validate", input=lines([GOOD, BROKEN, pair(FIXED), pair(FIXED.replace("= 0", "= = 0"))]))
    assert [v["accepted"] for v in verdicts] == [True, True, False, False]
    assert [failed(v) for v in verdicts] == [None, None, "no_change", "buggy_does_not_parse"]
    for verdict in verdicts:
        assert [s["name"] for s in verdict["stages"]] == ["syntax", "difference", "near_duplicate", "tests", "quality"]
        assert set(verdict) == {"pair_id", "accepted", "stages", "quality", "cluster"}
    assert 0 < verdicts[0]["quality"] <= 1
    # both are mutants of one function: one cluster, two changes
    assert verdicts[0]["cluster"] == verdicts[1]["cluster"] == min(v["pair_id"] for v in verdicts[:2])


def test_the_same_change_in_a_copy_is_a_duplicate_whichever_comes_first(mendel):
    copy = pair(GOOD["buggy"], path="copy.py")
    one = mendel.json_lines("validate", "-", input=lines([GOOD, copy]))
    other = mendel.json_lines("validate", "-", input=lines([copy, GOOD]))
    assert {failed(v) for v in one} == {None, "duplicate"}
    assert {v["pair_id"]: v for v in one} == {v["pair_id"]: v for v in other}
    assert min(one, key=lambda v: v["pair_id"])["accepted"]


def test_a_pair_given_twice_is_kept_once(mendel):
    assert len(mendel.json_lines("validate", "--keep", input=lines([GOOD, GOOD]))) == 1
    assert [failed(v) for v in mendel.json_lines("validate", input=lines([GOOD, GOOD]))] == [None, "duplicate"]


def test_keep_prints_the_accepted_pairs_and_they_validate_again(mendel, real_pairs):
    verdicts = mendel.json_lines("validate", input=real_pairs)
    kept = mendel("validate", "--keep", "-", input=real_pairs).stdout
    assert [json.loads(line)["id"] for line in kept.splitlines()] == [v["pair_id"] for v in verdicts if v["accepted"]]
    assert len(kept.splitlines()) > 20
    assert mendel("validate", "--keep", "-", input=kept).stdout == kept


def test_output_does_not_depend_on_jobs_or_batches(mendel, real_pairs):
    one = mendel("validate", "--jobs", 1, input=real_pairs).stdout
    assert one == mendel("--set", "validate.pairs_per_item=3", "validate", "--jobs", 4, input=real_pairs).stdout
    assert one == mendel("--set", "python.helpers=1", "validate", "--jobs", 2, input=real_pairs).stdout


def test_every_reason_is_listed_and_its_example_meets_it(mendel):
    rows = json.loads(mendel("--json", "validate", "--list-reasons").stdout)
    assert {"reason", "stage", "result", "sentence", "example"} == set(rows[0])
    text = mendel("validate", "--list-reasons").stdout
    shown = [r for r in rows if r["example"]]
    assert len(shown) >= 10 and all(r["reason"] in text for r in rows)
    for row in shown:
        given = pair(row["example"]["buggy"], row["example"]["fixed"], row["example"]["class"])
        assert failed(mendel.json_lines("validate", input=lines([given]))[0]) == row["reason"]


def test_bad_lines_are_named_and_the_rest_is_validated(mendel, tmp_path):
    bad = ["{", "[]", '{"fixed": "x"}', '{"buggy": "a", "fixed": "b", "id": "short"}', '"text"', "\x00"]
    (tmp_path / "pairs.jsonl").write_bytes("\n".join([json.dumps(GOOD), *bad, "", json.dumps(BROKEN)]).encode() + b'\n{"buggy": "\xff", "fixed": "x"}')
    done = mendel("validate", "pairs.jsonl", status=4)
    assert len(done.stdout.splitlines()) == 2
    for number in (2, 3, 4, 5, 6, 7):
        assert f"pairs.jsonl:{number}:" in done.stderr
    assert "pairs.jsonl:10:" in done.stderr


HOSTILE = {
    "dashes": ("x = " + "-" * 60_000 + "1", "too_complex"),
    "brackets": ("(" * 60_000, "fixed_does_not_parse"),
    "elif": ("def f(a):\n    if a: pass\n" + "".join(f"    elif a == {i}: pass\n" for i in range(2200)), ("not_local", "too_complex")),  # by the version of CPython
    "line": ("x = '" + "a" * 10_000_000 + "'", "too_large"),
    "nul": ("x = 1\x00", "has_nul"),
    "comments": ("\n\n# nothing\n", "empty_side"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_turned_away_by_name_and_the_rest_goes_on(mendel, name):
    text, reasons = HOSTILE[name]
    verdicts = mendel.json_lines("validate", input=lines([pair("x = 1", text), GOOD]))
    assert verdicts[1]["accepted"]
    assert failed(verdicts[0]) in (reasons if isinstance(reasons, tuple) else (reasons,))


def test_carriage_returns_tabs_and_form_feeds_are_judged_by_cpython(mendel):
    fixed = "def f(a):\r\n\tif a:\r\n\t\treturn 1\r\n\x0c\r\n\treturn 2\r\n"
    verdicts = mendel.json_lines("validate", input=lines([pair(fixed.replace("1", "3"), fixed), pair(fixed.replace("\r\n", "\n"), fixed)]))
    assert [failed(v) for v in verdicts] == [None, "only_layout"]


def test_missing_files_and_interpreters_are_named(mendel):
    assert "nowhere.jsonl" in mendel("validate", "nowhere.jsonl", status=1).stderr
    done = mendel("--set", "python.interpreter=/no/such/python", "validate", input=lines([GOOD]), status=1)
    assert "/no/such/python" in done.stderr


def test_no_pairs_give_no_verdicts(mendel):
    assert mendel("validate", input="").stdout == ""


def test_a_pair_is_shown_as_a_diff(mendel, tmp_path):
    (tmp_path / "pairs.jsonl").write_text(mendel("validate", "--keep", input=lines([GOOD, BROKEN])).stdout)
    pair_id = json.loads((tmp_path / "pairs.jsonl").read_text().splitlines()[0])["id"]
    shown = mendel("pair", "show", pair_id, "pairs.jsonl").stdout
    assert "-        result -= value" in shown and "+        result += value" in shown and "m.py" in shown
    assert mendel("pair", "show", pair_id, "-", input=(tmp_path / "pairs.jsonl").read_text()).stdout == shown
    assert json.loads(mendel("--json", "pair", "show", pair_id, "pairs.jsonl").stdout)["id"] == pair_id
    assert "0" * 32 in mendel("pair", "show", "0" * 32, "pairs.jsonl", status=1).stderr
    assert mendel("pair", "show", "nonsense", "pairs.jsonl", status=2).stdout == ""
    assert "mendel-data" in mendel("pair", "show", pair_id, status=1).stderr
