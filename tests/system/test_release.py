"""Mining releases as people run it: archives made here, no index; the same bytes with any number of jobs; in a plant."""
import io
import json
import tarfile
import zipfile

import pytest

CORE = "import os\n\n\ndef first(items):\n    return items[1]\n\n\ndef last(items):\n    return items[-1]\n"
EVIL = "import pathlib\npathlib.Path({marker!r}).write_text('ran')\n"


def source_archive(folder, name, version, files):
    with tarfile.open(folder / f"{name}-{version}.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{name}-{version}/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


def wheel(folder, name, version, files):
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@pytest.fixture
def releases(tmp_path):
    """Three source archives and one wheel of a package whose build scripts would leave a mark."""
    folder = tmp_path / "demo"
    folder.mkdir()
    evil = EVIL.format(marker=str(tmp_path / "marker"))
    info = "Metadata-Version: 2.1\nName: demo\nLicense-Expression: MIT\nProject-URL: Source, https://example.org/demo\n\n"
    fixed = CORE.replace("items[1]", "items[0]")
    changes = "## 1.0.1\n\n- `first` takes the first item\n- faster\n\n## 1.0.0\n\n- all of it\n"
    build = {"setup.py": evil, "conftest.py": evil, "pyproject.toml": '[build-system]\nbuild-backend = "backend"\nbackend-path = ["."]\n', "backend.py": evil, "PKG-INFO": info}
    source_archive(folder, "demo", "1.0.0", {"shop/core.py": CORE, "CHANGES.md": changes, **build})
    source_archive(folder, "demo", "1.0.1", {"shop/core.py": fixed, "CHANGES.md": changes, **build})
    source_archive(folder, "demo", "1.1.0", {"shop/core.py": fixed.replace("-1", "-2"), **build})
    wheel(folder, "demo", "1.1.1", {"shop/core.py": fixed, "demo-1.1.1.dist-info/METADATA": info})
    return folder


def test_patch_releases_give_pairs_with_version_note_and_licence(mendel, releases, tmp_path):
    pairs = mendel.json_lines("mine", "release", releases)
    assert [(p["source"]["release"], p["source"]["symbol"], p["source"]["note"]) for p in pairs] == [
        ("1.0.0 -> 1.0.1", "first", "`first` takes the first item"), ("1.1.0 -> 1.1.1", "last", "")]
    for pair in pairs:
        assert {k: pair["source"][k] for k in ("kind", "repository", "path", "license", "url")} == {
            "kind": "release", "repository": "demo", "path": "shop/core.py", "license": "MIT", "url": "https://example.org/demo"}
    assert pairs[0]["buggy"] == "def first(items):\n    return items[1]" and pairs[0]["fixed"] == "def first(items):\n    return items[0]"
    assert not (tmp_path / "marker").exists()
    one = mendel("mine", "release", releases, "--jobs", 1).stdout
    assert mendel("mine", "release", releases, "--jobs", 4).stdout == one
    kept = mendel.json_lines("validate", "--keep", "-", input=one)
    assert [p["id"] for p in kept] == [p["id"] for p in pairs]


def test_the_funnel_of_releases(mendel, releases):
    funnel = json.loads(mendel("--json", "mine", "release", releases, "--stats").stdout)
    assert funnel["release.steps"] == 2 and funnel["release.pairs"] == 2 and funnel["release.noted"] == 1
    assert "functions of both sides that differ" in mendel("mine", "release", releases, "--stats").stdout


def test_bad_archives_are_told_and_the_rest_is_mined(mendel, releases):
    (releases / "demo-1.1.2.tar.gz").write_bytes(b"\x1f\x8b torn")
    done = mendel("--json", "mine", "release", releases, "--stats")
    funnel = json.loads(done.stdout)
    assert funnel["release.pairs"] == 2 and funnel["release.rejected.archive_unreadable"] == 1
    assert "no such folder" in mendel("mine", "release", "./nowhere", status=1).stderr
    assert "neither a package name" in mendel("mine", "release", "--", "--index-url=x", status=1).stderr


def test_without_an_index_one_line_says_so(mendel, releases, tmp_path):
    env = {"PIP_INDEX_URL": (tmp_path / "no-index").as_uri(), "PIP_NO_INDEX": "0", "PIP_CONFIG_FILE": "/dev/null", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
    done = mendel("mine", "release", "demo-of-nobody", env=env, status=1)
    assert "the package index names no release" in done.stderr
    both = mendel("mine", "release", "demo-of-nobody", releases, env=env)
    assert len(both.stdout.splitlines()) == 2 and "demo-of-nobody" in both.stderr


def test_an_index_is_asked_through_pip_and_nothing_is_built(mendel, releases, tmp_path):
    index = tmp_path / "simple" / "demo"
    index.mkdir(parents=True)
    files = sorted(p.name for p in releases.iterdir())
    index.joinpath("index.html").write_text("".join(f'<a href="{(releases / name).as_uri()}">{name}</a>\n' for name in files))
    env = {"PIP_INDEX_URL": (tmp_path / "simple").as_uri(), "PIP_CONFIG_FILE": "/dev/null", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
    data = tmp_path / "data"
    pairs = mendel.json_lines("--data", data, "mine", "release", "demo", env=env)
    assert [p["source"]["release"] for p in pairs] == ["1.0.0 -> 1.0.1", "1.1.0 -> 1.1.1"]
    assert sorted(p.name for p in (data / "raw" / "releases" / "demo").iterdir()) == files
    assert not (tmp_path / "marker").exists()
    index.joinpath("index.html").unlink()  # what was downloaded serves without the index
    assert mendel.json_lines("--data", data, "mine", "release", "demo", env=env) == pairs


def test_a_plant_collects_releases_and_goes_on_without_an_index(mendel, releases, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("def f(a, b):\n    if a == 1:\n        return b\n    return a + b\n")
    data = tmp_path / "data"
    sources = [str(releases), "demo-of-nobody"]
    env = {"PIP_INDEX_URL": (tmp_path / "no-index").as_uri(), "PIP_CONFIG_FILE": "/dev/null", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
    mendel("--data", data, "--set", f"sources.releases={json.dumps(sources)}", "--set", f'sources.python=["{tmp_path / "code"}"]', "--set", "tokenizer.vocabulary=600",
           "up", "--until", "dataset", env=env)
    manifest = json.loads((data / "dataset" / "manifest.json").read_text())
    assert '"release"' in json.dumps(manifest)
