"""Dumps of Stack Overflow as people mine them: pairs with their attribution, archives, attacks, the same bytes always, the plant."""
import gzip
import json
import subprocess
import xml.sax.saxutils

import pytest
from archives import write_archive

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'
TAIL = "</posts>"


def row(**attributes):
    quoted = (f'{name}={xml.sax.saxutils.quoteattr(str(value), {chr(10): "&#xA;"})}' for name, value in attributes.items())
    return f"  <row {' '.join(quoted)} />\n"


def html(code, language=None):
    return f"<p>Why?</p>\n\n<pre{f' class={chr(34)}lang-{language}{chr(34)}' if language else ''}><code>{xml.sax.saxutils.escape(code)}\n</code></pre>\n"


def question(number, code, accepted=None, **more):
    extra = {"AcceptedAnswerId": accepted} if accepted else {}
    return row(Id=number, PostTypeId=1, **extra, CreationDate="2012-03-04T05:06:07.890", Score=3, Body=html(code), OwnerUserId=number + 7,
               **{"Tags": "<python><loops>", **more})


def answer(number, of, code, score=5, **more):
    return row(Id=number, PostTypeId=2, ParentId=of, CreationDate="2019-03-04T05:06:07.890", Score=score, Body=html(code), OwnerUserId=number + 7,
               **{"ContentLicense": "CC BY-SA 4.0", **more})


BUGGY = "def mean(values):\n    total = 0\n    for i in range(1, len(values)):\n        total += values[i]\n    return total / len(values)"
FIXED = BUGGY.replace("range(1, len", "range(len")


def many(count):
    return HEAD + "".join(question(10 * i, BUGGY.replace("mean", f"mean_{i}"), 10 * i + 1, Tags="|python|" if i % 2 else "<python>") +
                          answer(10 * i + 1, 10 * i, FIXED.replace("mean", f"mean_{i}")) for i in range(1, count + 1)) + TAIL


@pytest.fixture
def dump(tmp_path):
    path = tmp_path / "Posts.xml"
    path.write_text(HEAD + question(4, BUGGY, 6) + question(5, "x", Tags="<c>") + answer(6, 4, f">>> {FIXED}".replace("\n", "\n... ")) + answer(7, 5, "x") + TAIL)
    return path


def stats(mendel, path, *more, **options):
    return json.loads(mendel("--json", "mine", "stackoverflow", path, "--stats", *more, **options).stdout)


def test_a_question_and_its_answer_become_a_pair_with_its_attribution(mendel, dump):
    pair, = mendel.json_lines("mine", "stackoverflow", dump)
    assert pair["buggy"] == BUGGY and pair["fixed"] == FIXED and pair["bug"]["class"] == "logic"
    source = pair["source"]
    assert source["kind"] == "stackoverflow" and source["repository"] == "stackoverflow.com" and source["symbol"] == "mean"
    assert source["url"] == "https://stackoverflow.com/questions/4" and source["license"] == "CC-BY-SA-4.0"
    assert [a["profile"] for a in source["attributions"]] == ["https://stackoverflow.com/users/11", "https://stackoverflow.com/users/13"]
    assert [a["license"] for a in source["attributions"]] == ["CC-BY-SA-3.0", "CC-BY-SA-4.0"]
    verdict, = mendel.json_lines("validate", "-", input=json.dumps(pair))
    assert verdict["accepted"]


def test_the_funnel_narrows_from_rows_to_pairs(mendel, dump):
    funnel = stats(mendel, dump)
    steps = [v for k, v in funnel.items() if k.count(".") == 1]
    assert steps == [4, 4, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert stats(mendel, dump, "--min-score", 6)["stackoverflow.scored"] == 0


def test_the_site_is_told_by_the_name_of_the_file(mendel, tmp_path, dump):
    folder = tmp_path / "codereview.stackexchange.com"
    folder.mkdir()
    dump.rename(folder / "Posts.xml")
    pair, = mendel.json_lines("mine", "stackoverflow", folder / "Posts.xml")
    assert pair["source"]["url"] == "https://codereview.stackexchange.com/questions/4"


def test_every_packing_and_any_number_of_jobs_give_the_same_bytes(mendel, tmp_path):
    text = many(700).encode()
    plain, packed, zipped, gz = (tmp_path / name for name in ("Posts.xml", "p.7z", "p.zip", "Posts.xml.gz"))
    plain.write_bytes(text)
    write_archive(packed, [("Badges.xml", b"<badges/>", None), ("Posts.xml", text, None), ("Users.xml", b"<users/>", None)])
    write_archive(zipped, [("site/Posts.xml", text, None)], form="zip")
    gz.write_bytes(gzip.compress(text))
    expected = mendel("mine", "stackoverflow", plain, "--jobs", 1).stdout
    assert expected.count("\n") == 700
    for path in (packed, zipped, gz):
        assert mendel("mine", "stackoverflow", path, "--jobs", 3).stdout == expected, path
    assert mendel("mine", "stackoverflow", "-", input=text).stdout.decode() == expected
    spilled = mendel("--set", "stackoverflow.memory_mib=1", "mine", "stackoverflow", plain)
    assert spilled.stdout == expected


def test_a_seven_zip_archive_on_a_pipe_is_refused_with_the_remedy(mendel, tmp_path, dump):
    write_archive(tmp_path / "p.7z", [("Posts.xml", dump.read_bytes(), None)])
    with subprocess.Popen(["cat", tmp_path / "p.7z"], stdout=subprocess.PIPE) as cat:
        done = subprocess.run([mendel.path, "mine", "stackoverflow", "-"], stdin=cat.stdout, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and "pipe" in done.stderr and "name the file" in done.stderr


@pytest.mark.parametrize("entries,words", [
    ([("../Posts.xml", b"x", None)], "leaves the archive"),
    ([("/tmp/Posts.xml", b"x", None)], "leaves the archive"),
    ([("a/../../Posts.xml", b"x", None)], "leaves the archive"),
    ([("Posts.xml", "link", "/etc/passwd")], "is a link"),
    ([("Posts.xml", b"<posts/>", None), ("b/Posts.xml", b"<posts/>", None)], "two Posts.xml"),
    ([("Users.xml", b"<users/>", None)], "holds no Posts.xml"),
    ([(f"{i}.xml", b"", None) for i in range(1500)], "more than 1000 files"),
], ids=["parent", "absolute", "inside", "link", "two", "none", "many"])
def test_f28_hostile_archives_are_refused_and_write_nothing(mendel, tmp_path, entries, words):
    folder = tmp_path / "in"
    folder.mkdir()
    for form in ("7zip", "zip"):
        write_archive(folder / "p", entries, form=form)
        done = mendel("mine", "stackoverflow", folder / "p", status=1)
        assert words in done.stderr and done.stdout == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"] and not (tmp_path.parent / "Posts.xml").exists()


def test_f28_a_bomb_is_refused_early(mendel, tmp_path):
    piece = b" " * (1 << 20)
    write_archive(tmp_path / "bomb.7z", [("Posts.xml", (piece for _ in range(300)), 300 << 20)], options="compression-level=1")
    assert (tmp_path / "bomb.7z").stat().st_size < 1 << 20
    done = mendel("mine", "stackoverflow", tmp_path / "bomb.7z", status=1)
    assert "bomb" in done.stderr and "ratio_max" in done.stderr
    gz = tmp_path / "Posts.xml.gz"
    gz.write_bytes(gzip.compress(HEAD.encode() + piece * 200))
    assert "bomb" in mendel("mine", "stackoverflow", gz, status=1).stderr


@pytest.mark.parametrize("text", [
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><posts><row Id="1" PostTypeId="1" Body="&b;"/></posts>',
    '<!DOCTYPE posts SYSTEM "http://127.0.0.1:9/x.dtd"><posts/>',
    '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><posts><row Id="1" Body="&x;"/></posts>',
], ids=["laughs", "dtd", "file"])
def test_f29_document_types_and_entities_are_refused(mendel, tmp_path, text):
    (tmp_path / "Posts.xml").write_text(text)
    done = mendel("mine", "stackoverflow", tmp_path / "Posts.xml", status=1)
    assert "refused" in done.stderr and "root:" not in done.stdout + done.stderr


def test_f30_an_attribute_of_a_gigabyte_is_passed_over_in_bounded_memory(mendel, tmp_path, dump):
    good = dump.read_text()[len(HEAD):]
    command = f"ulimit -v 600000; exec {mendel.path} --json mine stackoverflow - --stats --jobs 1"
    with subprocess.Popen(["bash", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        process.stdin.write((HEAD + '<row Id="1" PostTypeId="1" Tags="|python|" Body="').encode())
        piece = b"x" * (1 << 20)
        for _ in range(1024):
            process.stdin.write(piece)
        process.stdin.write(f'" />\n{good}'.encode())
        process.stdin.close()
        out = process.stdout.read()
    assert process.returncode == 0
    funnel = json.loads(out)
    assert funnel["stackoverflow.left_out.too_large"] == 1 and funnel["stackoverflow.pairs"] == 1


def test_a_broken_dump_says_so(mendel, tmp_path):
    for text, words in ((HEAD + question(1, "x")[:-20], "cut short"), ("", "empty"), ("hello", "no XML"), ("<users></users>", "not <posts>")):
        (tmp_path / "Posts.xml").write_text(text)
        assert words in mendel("mine", "stackoverflow", tmp_path / "Posts.xml", status=1).stderr
    assert "No such file" in mendel("mine", "stackoverflow", tmp_path / "none.7z", status=1).stderr
    assert "is a folder" in mendel("mine", "stackoverflow", tmp_path, status=1).stderr


def test_the_plant_takes_dumps_and_does_no_finished_work_again(mendel, tmp_path):
    write_archive(tmp_path / "Posts.7z", [("Posts.xml", many(60).encode(), None)])
    command = ("--data", tmp_path / "data", "--set", f'sources.stackoverflow=["{tmp_path}/Posts.7z"]', "up", "--until", "dataset")
    first = mendel(*command)
    digest = json.loads((tmp_path / "data/dataset/manifest.json").read_text())
    assert digest["funnel"]["stackoverflow.pairs"] == 60 and digest["funnel"]["stackoverflow.rows"] == 120
    assert "CC-BY-SA-4.0" in json.dumps(digest)
    again = mendel(*command)
    assert json.loads((tmp_path / "data/dataset/manifest.json").read_text())["digest"] == digest["digest"], (first.stderr, again.stderr)
    assert not list((tmp_path / "data/raw/stackoverflow").glob("*")) if (tmp_path / "data/raw/stackoverflow").exists() else True
