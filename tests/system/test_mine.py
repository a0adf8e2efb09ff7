"""Mining as people run it: rules of the funnel, provenance, bad repositories, the same bytes for any number of jobs."""
import collections
import json
import os
import random
import signal
import socket
import subprocess

import pytest

AGE = ["-c", "user.name=Jörg Dev", "-c", "user.email=dev@example.com", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"]
BEFORE = "class A:\n    def f(self, n):\n        return n < 1\n\n\ndef g(x):\n    return x\n"
AFTER = BEFORE.replace("n < 1", "n <= 1")


class Repository:
    def __init__(self, folder):
        self.folder, self.clock = folder, 1_700_000_000
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet")

    def git(self, *arguments):
        stamp = f"{self.clock} +0000"
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp, "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(["git", *AGE, *map(str, arguments)], cwd=self.folder, env=env, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, message, files):
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.clock += 60
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "project")


def stats(mendel, folder, *more):
    return json.loads(mendel("--json", *more, "mine", "git", folder, "--stats").stdout)


def test_a_fix_becomes_a_pair_with_its_whole_provenance(mendel, repository):
    first = repository.commit("Start", {"src/app.py": BEFORE, "LICENSE": "Permission is hereby granted, free of charge\nthis permission notice"})
    fix = repository.commit("Fix the bound", {"src/app.py": AFTER, "tests/test_app.py": "def test(): pass\n", "CHANGES.rst": "bound\n"})
    repository.git("remote", "add", "origin", "git@github.com:owner/project.git")
    pairs = mendel.json_lines("mine", "git", repository.folder)
    assert len(pairs) == 1
    pair = pairs[0]
    assert pair["buggy"] == "def f(self, n):\n    return n < 1" and pair["fixed"] == "def f(self, n):\n    return n <= 1"
    assert pair["bug"]["class"] == "logic" and pair["bug"]["type"] == "wrong_comparison"
    source = pair["source"]
    assert source["kind"] == "git" and source["commit"] == fix and source["path"] == "src/app.py" and source["symbol"] == "A.f"
    assert source["repository"] == "https://github.com/owner/project" and source["url"] == f"https://github.com/owner/project/commit/{fix}"
    assert source["license"] == "MIT" and source["author"] == "Jörg Dev" and source["fork_root"] == first
    assert "@example.com" not in json.dumps(pair)


def test_the_funnel_counts_each_rule_in_its_order(mendel, repository):
    repository.commit("Start", {"a.py": BEFORE, "b.py": BEFORE})
    repository.commit("Fix docs", {"README": "x"})
    repository.commit("Add a feature", {"a.py": BEFORE.replace("n < 1", "n < 2")})
    repository.commit("Fix both", {"a.py": AFTER, "b.py": AFTER})
    repository.commit("Fix the harness", {"tests/test_a.py": "def test(): pass\n"})
    repository.commit("Fix much", {"a.py": AFTER + "".join(f"x{i} = {i}\n" for i in range(40))})
    repository.commit("Fix the constant", {"b.py": AFTER + "Y = 1\n"})
    repository.commit("Fix g", {"b.py": AFTER.replace("return x", "return -x") + "Y = 1\n"})
    repository.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    repository.commit("Side", {"c.txt": "c"})
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "-m", "Fix by merge", "side")
    counts = stats(mendel, repository.folder)
    assert [counts[f"mine.{c}"] for c in ("commits", "non_merge", "touches_python", "fix_message", "one_production_file", "small",
                                          "in_functions", "fixes", "pairs")] == [10, 9, 7, 5, 3, 2, 1, 1, 1]
    assert counts["mine.rejected.outside_functions"] == 1 and counts["mine.rejected.too_many_lines"] == 1
    table = mendel("mine", "git", repository.folder, "--stats").stdout
    assert "commits looked at" in table and "outside_functions" in table


def test_the_output_depends_neither_on_jobs_nor_on_pieces_nor_on_packing(mendel, repository):
    text = "".join(f"def f{i}(n):\n    return n + {i}\n\n\n" for i in range(12))
    repository.commit("Start", {"a.py": text})
    for i in range(12):
        text = text.replace(f"return n + {i}\n", f"return n - {i}\n")
        repository.commit(f"Fix number {i}", {"a.py": text})
    one = mendel("mine", "git", repository.folder, "--jobs", 1).stdout
    assert len(one.splitlines()) == 12
    assert mendel("--set", "mine.commits_per_item=1", "mine", "git", repository.folder, "--jobs", 4).stdout == one
    repository.git("repack", "-adq")
    bare = repository.folder.parent / "project.git"
    repository.git("clone", "--quiet", "--bare", "--no-hardlinks", repository.folder, bare)
    out = repository.folder.parent / "pairs.jsonl"
    mendel("--set", "mine.commits_per_item=5", "mine", "git", bare, "--jobs", 2, "--seed", 3, "--out", out)
    assert out.read_text() == one
    assert len(mendel.json_lines("--set", "mine.commits_max=3", "mine", "git", repository.folder)) == 3


def test_names_in_pairs_never_hold_a_path_of_the_machine(mendel, repository):
    repository.commit("Start", {"a.py": BEFORE})
    repository.commit("Fix it", {"a.py": AFTER})
    repository.git("remote", "add", "origin", "file:///srv/secret/project")
    pair = mendel.json_lines("mine", "git", repository.folder)[0]
    assert pair["source"]["repository"] == "project" and pair["source"]["url"] == ""


def test_odd_files_are_passed_over_or_rejected_with_their_reason(mendel, repository):
    repository.commit("Start", {"latin.py": BEFORE.encode() + b"# \xe9\n", "nul.py": BEFORE + "#\0", "long.py": BEFORE, "crlf.py": BEFORE.replace("\n", "\r\n")})
    (repository.folder / "link.py").symlink_to("nowhere.py")
    repository.commit("Fix link", {})
    repository.commit("Fix latin", {"latin.py": AFTER.encode() + b"# \xe9\n"})
    repository.commit("Fix nul", {"nul.py": AFTER + "#\0"})
    repository.commit("Fix long", {"long.py": AFTER + "x" * 10_000_000})
    repository.commit("Fix crlf", {"crlf.py": AFTER.replace("\n", "\r\n")})
    repository.commit("Fix folder", {"dir.py/inner.py": BEFORE})
    counts = stats(mendel, repository.folder)
    assert counts["mine.rejected.not_text"] == 2 and counts["mine.rejected.too_large"] == 1 and counts["mine.pairs"] == 1
    assert counts["mine.touches_python"] == 6


def test_an_empty_repository_is_a_warning(mendel, repository):
    done = mendel("mine", "git", repository.folder)
    assert done.stdout == "" and "no commits" in done.stderr


def test_a_shallow_clone_is_mined_as_far_as_it_goes(mendel, repository):
    repository.commit("Start", {"a.py": BEFORE})
    repository.commit("Fix f", {"a.py": AFTER})
    repository.commit("Fix g", {"a.py": AFTER.replace("return x", "return -x")})
    shallow = repository.folder.parent / "shallow"
    repository.git("clone", "--quiet", "--depth", "2", f"file://{repository.folder}", shallow)
    counts = stats(mendel, shallow)
    assert counts["mine.commits"] == 2 and counts["mine.beyond_clone"] == 1 and counts["mine.pairs"] == 1
    assert mendel.json_lines("mine", "git", shallow)[0]["source"]["fork_root"] == ""


def test_a_missing_tree_is_a_rejection_and_a_missing_commit_an_error(mendel, repository):
    first = repository.commit("Start", {"a.py": BEFORE, "pkg/b.py": BEFORE})
    repository.commit("Fix f", {"a.py": AFTER})
    repository.commit("Fix b", {"pkg/b.py": AFTER})

    def remove(name):
        (repository.folder / ".git/objects" / name[:2] / name[2:]).unlink()

    remove(repository.git("rev-parse", "HEAD:pkg"))
    counts = stats(mendel, repository.folder)
    assert counts["mine.rejected.tree_unreadable"] == 1 and counts["mine.pairs"] == 1
    remove(first)
    error = mendel("mine", "git", repository.folder, status=1).stderr
    assert first in error and "git fsck" in error


def test_damaged_objects_never_kill(mendel, repository):
    repository.commit("Start", {"a.py": BEFORE})
    repository.commit("Fix f", {"a.py": AFTER})
    for path in sorted((repository.folder / ".git/objects").glob("??/*")):
        kept = path.read_bytes()
        path.chmod(0o644)
        for damaged in (b"", b"garbage" * 10, kept[: len(kept) // 2]):
            path.write_bytes(damaged)
            assert mendel("mine", "git", repository.folder, status=None).returncode in (0, 1)
        path.write_bytes(kept)
    assert len(mendel.json_lines("mine", "git", repository.folder)) == 1


def packed(repository):
    """The repository in one pack, with enough versions that the pack holds differences, and the pack's files."""
    text = "".join(f"def f{i}(n):\n    return n + {i}\n\n\n" for i in range(20))
    for i in range(8):
        repository.commit(f"Fix number {i}", {"a.py": text})
        text = text.replace(f"return n + {i}\n", f"return n - {i}\n")
    repository.git("gc", "--quiet")
    repository.git("multi-pack-index", "write")
    return sorted((repository.folder / ".git/objects/pack").glob("*pack-*"))


def test_damaged_packs_and_indices_never_kill(mendel, repository):
    files = [*packed(repository), *(repository.folder / ".git" / name for name in ("HEAD", "packed-refs", "config"))]
    assert len(mendel.json_lines("mine", "git", repository.folder)) == 7
    chosen = random.Random(7)
    statuses = collections.Counter()
    for path in files:
        kept = path.read_bytes()
        path.chmod(0o644)
        cuts = [kept[:n] for n in {0, 1, len(kept) // 2, len(kept) - 1}]
        flips = []
        for _ in range(12):
            damaged = bytearray(kept)
            at = chosen.randrange(len(damaged))
            damaged[at:at + 4] = chosen.randbytes(4)
            flips.append(bytes(damaged))
        for damaged in (*cuts, *flips, kept + b"more", b"\xff" * len(kept)):
            path.write_bytes(damaged)
            done = mendel("mine", "git", repository.folder, status=None, timeout=30)
            assert done.returncode in (0, 1), (path, done.returncode, damaged)
            assert done.returncode == 0 or "error:" in done.stderr
            statuses[done.returncode] += 1
        path.write_bytes(kept)
    assert statuses[0] > 20 and statuses[1] > 20
    assert len(mendel.json_lines("mine", "git", repository.folder)) == 7


def test_a_truncated_repository_names_what_is_damaged(mendel, repository):
    files = {path.suffix: path for path in packed(repository)}
    index, pack = files[".idx"], files[".pack"]
    kept = index.read_bytes()
    index.chmod(0o644)
    index.write_bytes(kept[:-100])
    error = mendel("mine", "git", repository.folder, status=1).stderr
    assert index.name in error and "git index-pack" in error
    index.write_bytes(kept)
    pack.unlink()
    error = mendel("mine", "git", repository.folder, status=1).stderr
    assert "missing or damaged" in error and "git fsck" in error


def test_objects_of_an_alternate_are_found_and_a_missing_one_is_said(mendel, repository):
    repository.commit("Start", {"a.py": BEFORE})
    repository.commit("Fix f", {"a.py": AFTER})
    other = repository.folder.parent / "borrowing"
    repository.git("clone", "--quiet", "--shared", repository.folder, other)
    assert len(mendel.json_lines("mine", "git", other)) == 1
    alternates = other / ".git/objects/info/alternates"
    for text in ("/no/such/folder\n", f"{other}/.git/objects\n", "\0\xff\n"):
        alternates.write_text(text)
        assert "missing or damaged" in mendel("mine", "git", other, status=1).stderr


def test_paths_that_are_no_repository_are_errors_that_name_them(mendel, repository, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "bare.git").mkdir()
    (tmp_path / "bare.git/HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/.git").write_text("gitdir: /no/such/folder\n")
    for name in ("file", "dangling", "bare.git", "linked", ""):
        error = mendel("mine", "git", tmp_path / name, status=1).stderr
        assert str(tmp_path / name) in error and "not a git repository" in error, error
    repository.commit("Start", {"a.py": BEFORE})
    os.mkfifo(repository.folder / ".git/objects/pack/pack-x.idx")
    (repository.folder / ".git/objects/pack/pack-x.pack").write_bytes(b"")
    assert "pack-x.idx" in mendel("mine", "git", repository.folder, status=1, timeout=30).stderr


@pytest.mark.parametrize("name, word", [("missing", "not a git repository"), (".", "not a git repository"), ("http://example.com/a", "https"),
                                        ("file:///etc", "https"), ("ext::sh -c id", "https"), ("https://127.0.0.1:1/a/b", "cannot be cloned")])
def test_what_is_no_repository_is_said(mendel, name, word):
    assert word in mendel("mine", "git", name, status=1).stderr


def test_hooks_and_configuration_of_a_repository_are_never_run(mendel, repository):
    repository.commit("Start", {"a.py": BEFORE})
    repository.commit("Fix f", {"a.py": AFTER})
    marker = repository.folder.parent / "ran"
    for key in ("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external"):
        repository.git("config", key, f"touch {marker}")
    for hook in ("post-checkout", "reference-transaction"):
        path = repository.folder / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {marker}\n")
        path.chmod(0o755)
    assert len(mendel.json_lines("mine", "git", repository.folder)) == 1
    assert not marker.exists()


def test_a_renamed_file_is_followed_and_a_rewritten_one_is_not(mendel, repository):
    repository.commit("Start", {"old.py": BEFORE, "gone.py": BEFORE})
    (repository.folder / "old.py").unlink()
    repository.commit("Fix f and move it", {"pkg/new.py": AFTER})
    (repository.folder / "gone.py").unlink()
    repository.commit("Fix by writing it anew", {"other.py": "".join(f"def f{i}(): return {i}\n\n\n" for i in range(20))})
    pairs = mendel.json_lines("mine", "git", repository.folder)
    assert [(p["source"]["path"], p["source"]["symbol"]) for p in pairs] == [("pkg/new.py", "A.f")]
    assert stats(mendel, repository.folder)["mine.rejected.too_many_lines"] == 1


def test_a_fix_that_was_undone_is_no_fix_unless_it_was_put_back(mendel, repository):
    repository.commit("Start", {"a.py": BEFORE})
    fix = repository.commit("Fix f", {"a.py": AFTER})
    undone = repository.commit(f'Revert "Fix f"\n\nThis reverts commit {fix}.', {"a.py": BEFORE})
    assert mendel.json_lines("mine", "git", repository.folder) == []
    assert stats(mendel, repository.folder)["mine.rejected.undone_later"] == 1
    repository.commit(f'Revert "Revert"\n\nThis reverts commit {undone}.', {"a.py": AFTER})
    assert [p["source"]["commit"] for p in mendel.json_lines("mine", "git", repository.folder)] == [fix]


def test_cherry_picks_and_copies_add_nothing(mendel, repository):
    repository.commit("Start", {"a.py": BEFORE, "z": "1"})
    repository.git("branch", "stable")
    fix = repository.commit("Fix f", {"a.py": AFTER})
    repository.git("checkout", "--quiet", "stable")
    repository.commit(f"Fix f\n\n(cherry picked from commit {fix})", {"a.py": AFTER})
    repository.git("checkout", "--quiet", "-b", "quiet", "stable~1")
    repository.commit("Fix f, without saying so", {"a.py": AFTER})
    repository.git("checkout", "--quiet", "main")
    for branch in ("stable", "quiet"):
        repository.git("merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", branch)
    counts = stats(mendel, repository.folder)
    assert counts["mine.pairs"] == 1 and counts["mine.rejected.cherry_pick"] == 1 and counts["mine.rejected.same_patch"] == 1


def test_two_forks_add_only_what_differs(mendel, repository):
    repository.commit("Start", {"a.py": BEFORE})
    repository.commit("Fix f", {"a.py": AFTER})
    fork = repository.folder.parent / "fork"
    repository.git("clone", "--quiet", repository.folder, fork)
    Repository(fork).commit("Fix g", {"a.py": AFTER.replace("return x", "return -x")})
    pairs = mendel.json_lines("mine", "git", repository.folder, fork)
    assert sorted(p["source"]["symbol"] for p in pairs) == ["A.f", "g"]
    assert len({p["source"]["fork_root"] for p in pairs}) == 1
    counts = json.loads(mendel("--json", "mine", "git", repository.folder, fork, "--stats").stdout)
    assert {name: funnel["mine.pairs"] for name, funnel in counts["repositories"].items()} == {str(repository.folder): 1, str(fork): 1}
    assert counts["mine.pairs"] == 2 and str(fork) in mendel("mine", "git", repository.folder, fork, "--stats").stdout


def test_the_tests_of_a_fix_come_along_with_what_they_need(mendel, repository):
    module = "from .helper import pick\n\n\ndef low(values):\n    return pick({}, values)\n"
    tests = "from pkg.core import low\n\n\ndef test_one():\n    assert low([1]) == 1\n"
    repository.commit("Start", {"pkg/__init__.py": "", "pkg/helper.py": f"LONG = '{'long' * 300}'\ndef pick(f, values):\n    return f(values)\n", "pkg/unused.py": "",
                                "pkg/core.py": module.format("max"), "tests/test_core.py": tests})
    more = "\n\ndef test_two():\n    assert low([2, 1]) == 1, 'jane.doe@acme.de'\n\n\ndef test_three():\n    import nowhere\n"
    repository.commit("Fix low", {"pkg/core.py": module.format("min"), "tests/test_core.py": tests + more})
    pairs = mendel.json_lines("mine", "git", repository.folder)
    test = pairs[0]["tests"][0]
    project = test["project"]
    assert test["kind"] == "pytest" and "test_one" not in test["code"] and "user1@example.com" in test["code"] and project["tests"] == ["test_two", "test_three"]
    assert [file["path"] for file in project["files"]] == ["pkg/__init__.py", "pkg/helper.py"]
    assert project["subject_path"] == "pkg/core.py" and project["subject_before"] + pairs[0]["fixed"] + project["subject_after"] == (repository.folder / "pkg/core.py").read_text()
    counts = stats(mendel, repository.folder)
    assert counts["mine.test_changed"] == counts["mine.with_test"] == 1
    small = stats(mendel, repository.folder, "--set", "mine.test_kib_max=1")
    assert small["mine.with_test"] == 0 and small["mine.without_test.too_large"] == 1
    assert not mendel.json_lines("--set", "mine.tests=false", "mine", "git", repository.folder)[0].get("tests")


def test_ctrl_c_ends_a_clone_at_once(mendel, tmp_path):
    """A server that takes the question and never answers: git would wait for mine.clone_timeout_ms."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        process = mendel.start("mine", "git", f"http://127.0.0.1:{server.getsockname()[1]}/project", "--stats", stderr=subprocess.PIPE)
        connection, _ = server.accept()
        with connection:
            connection.recv(1)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
            while connection.recv(1 << 16):  # ends when git has
                pass
    assert process.returncode == 130, said
