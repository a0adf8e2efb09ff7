"""docs/reliability.md names a test for every row of the suite, and each of them exists."""
import re

import pytest
from conftest import ROOT

PAGE = (ROOT / "docs/reliability.md").read_text()
ROWS = {int(number): (promise, shown) for number, promise, shown in re.findall(r"^\| F(\d+) \| (.+?) \| (.+) \|$", PAGE, re.M)}


def names_in(path):
    """The names of a file's tests as people read them."""
    text = (ROOT / "tests" / path).read_text()
    return set(re.findall(r'TEST_CASE\("((?:[^"\\]|\\.)*)"', text)) | {name.replace("_", " ") for name in re.findall(r"^def test_(\w+)\(", text, re.M)}


def test_every_number_of_the_suite_has_its_row_once():
    assert sorted(ROWS) == list(range(1, 41)) and len(re.findall(r"^\| F\d+ \|", PAGE, re.M)) == 40


@pytest.mark.parametrize("number", sorted(ROWS))
def test_a_row_names_tests_that_are_there(number):
    shown = ROWS[number][1]
    if shown.startswith("none: "):
        return
    for path, tests in re.findall(r"`([\w/]+\.(?:py|cpp))`: ((?:\*[^*]+\*(?:, )?)+)", shown):
        missing = [name for name in re.findall(r"\*([^*]+)\*", tests) if name not in names_in(path)]
        assert missing == [], path
    assert shown.count("`") // 2 == len(re.findall(r"`: \*", shown)) > 0, "a file without a test, or none at all"


def test_files_of_the_other_table_are_there():
    everywhere = {path.name for path in (ROOT / "tests").rglob("*") if path.is_file()}
    named = set(re.findall(r"`(?:[\w/]+/)?(\w+\.(?:py|cpp))`", PAGE))
    assert sorted(named - everywhere - {"chaos.py"}) == []
