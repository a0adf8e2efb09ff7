"""mendel grid: every function of real code comes back from its grids byte for byte, or the reason is named."""
import json

import pytest


def check(mendel, *arguments, status=0):
    return json.loads(mendel("--json", "grid", "check", *arguments, status=status).stdout)


def test_every_function_of_the_standard_library_comes_back(mendel, stdlib):
    tally = check(mendel, stdlib)
    assert tally["mismatches"] == 0
    assert tally["functions"] > 5000
    assert tally["byte_for_byte"] + sum(n for reason, n in tally["left_out"].items() if not reason.startswith("file_")) == tally["functions"]
    assert tally["windowed"] > 0
    assert tally["byte_for_byte"] > 0.999 * tally["functions"]
    assert len(tally["problems"]) == sum(tally["left_out"].values())


def test_the_number_of_jobs_changes_nothing(mendel, real_code):
    outputs = {mendel("--json", "grid", "check", real_code, "--jobs", jobs).stdout for jobs in (1, 2, 7)}
    assert len(outputs) == 1


def test_bad_input_is_named_and_the_rest_goes_on(mendel, real_code):
    good = check(mendel, real_code)
    (real_code / "nul.py").write_bytes(b"def f():\n    return '\0\xff'\n")
    (real_code / "crlf.py").write_bytes(b"\xef\xbb\xbfdef g():\r\n\treturn 1\r\n\x0c\r\n")
    (real_code / "empty.py").write_bytes(b"")
    (real_code / "dashes.py").write_bytes(b"def h():\n    return " + b"-" * 100_000 + b"1\n")
    (real_code / "elif.py").write_bytes(b"def k(x):\n    if x: pass\n" + b"    elif x: pass\n" * 5000)
    (real_code / "long.py").write_bytes(b"x = '" + b"y" * 10_000_000 + b"'\n")
    tally = check(mendel, real_code)
    assert tally["mismatches"] == 0
    assert tally["byte_for_byte"] >= good["byte_for_byte"] + 1
    assert tally["left_out"]["file_unreadable"] == 1
    assert any("dashes.py" in problem for problem in tally["problems"])


def test_a_line_that_is_taller_than_a_grid_does_not_fit_and_says_why(mendel, tmp_path):
    (tmp_path / "tall.py").write_text("def f():\n    return " + " + ".join(str(n) for n in range(3000)) + "\n")
    tally = check(mendel, tmp_path)
    assert tally["left_out"] == {"does_not_fit": 1}
    assert "line 2 alone needs" in tally["problems"][0]


def test_missing_paths_are_an_error(mendel, tmp_path):
    mendel("grid", "check", tmp_path / "nowhere", status=1)
    mendel("grid", "check", status=2)
    mendel("grid", "show", tmp_path, status=1)
    mendel("grid", "check", tmp_path, "--tokenizer", tmp_path / "nowhere", status=1)


@pytest.mark.parametrize("view", [[], ["--map"]])
def test_the_views_of_a_file_fit_120_columns(mendel, stdlib, view):
    shown = mendel("grid", "show", stdlib / "json" / "decoder.py", *view).stdout
    assert "JSONDecoder.decode" in shown
    assert max(len(line) for line in shown.splitlines()) <= 120
    assert "\033" not in shown


def test_show_as_json_is_the_grid(mendel, real_code):
    grids = mendel.json_lines("--json", "grid", "show", real_code / "json" / "decoder.py")
    assert any(grid["symbol"] == "JSONDecoder.decode" for grid in grids)
    for grid in grids:
        assert len(grid["grid"]) == grid["rows"] <= 64
        assert all(len(row) == 48 for row in grid["grid"])
        assert grid["grid"][-1][0] == 4  # <eof>


def test_a_file_without_functions_is_shown_whole(mendel, tmp_path):
    (tmp_path / "plain.py").write_text("x = 1\n")
    assert "whole text" in mendel("grid", "show", tmp_path / "plain.py").stdout
