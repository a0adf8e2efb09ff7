"""Mining GitHub against a server of our own over real HTTP: every answer the API gives, tokens, resuming, clones."""
import json
import os
import re
import resource
import signal
import time
from pathlib import Path

import pytest
from conftest import PATIENCE
from fake_github import BACKEND, FakeGithub, answer
from test_mine import AFTER, BEFORE, Repository

TOKEN = "ghp_Zx7" + "secretSECRETsecret" + "0123456789"


@pytest.fixture
def github():
    server = FakeGithub()
    yield server
    server.close()


def settings(github, *more):
    """Waits as short as they can be told apart."""
    out = []
    for setting in (f'sources.github.api="{github.address}"', "github.backoff_ms=20", "github.retry_ms=5", "sources.github.created_until=\"2024-12-31\"", *more):
        out += ["--set", setting]
    return out


def token_file(tmp_path, name="token", text=TOKEN, mode=0o600):
    path = tmp_path / name
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


def listed(mendel, github, *more, names=(), status=0):
    done = mendel("--json", *settings(github, *more), "mine", "github", "--list", *names, status=status)
    return [json.loads(line) for line in done.stdout.splitlines()], done


def names_of(rows):
    return [row["repository"] for row in rows]


QUERY = 'sources.github.queries=["language:python stars:>=1"]'


def test_named_repositories_come_first_then_those_found_by_stars(mendel, github):
    for i, name in enumerate(("a/few", "b/many", "c/named", "d/first")):
        github.add_repository(name, stars=0, stargazers_count=10 * (i + 1) if i < 2 else 1)
    rows, done = listed(mendel, github, QUERY, 'sources.github.repositories=["c/named"]', 'sources.github.priority=["d/first"]')
    assert names_of(rows) == ["d/first", "c/named", "b/many", "a/few"]
    assert "error rate 0.0 %" in done.stderr
    rows, _ = listed(mendel, github, QUERY, "sources.github.repositories_max=1", 'sources.github.priority=["d/first"]')
    assert names_of(rows) == ["d/first"]


def test_a_search_past_a_thousand_results_is_cut_by_date_and_no_repository_is_missed(mendel, github):
    for i in range(2500):  # crowded around one day
        day = "2021-03-0%d" % (i % 9 + 1) if i % 5 else "20%02d-06-01" % (10 + i % 14)
        github.add_repository(f"owner/r{i}", stargazers_count=i % 7 + 1, created_at=f"{day}T{i % 24:02d}:00:{i % 60:02d}Z")
    rows, done = listed(mendel, github, QUERY, "sources.github.repositories_max=10000", "github.searches_per_minute=10000")
    assert len(rows) == 2500 and sorted(names_of(rows)) == sorted(github.repositories)
    assert re.search(r"[1-9]\d* windows cut", done.stderr)
    assert not any(int(re.search(r"[?&]page=(\d+)", p)[1]) > 10 for p in github.paths() if re.search(r"[?&]page=", p))


def test_a_second_run_asks_nothing_and_an_old_cache_costs_nothing_of_the_limit(mendel, github):
    github.add_repository("a/b", stargazers_count=5)
    first, _ = listed(mendel, github, QUERY, names=["a/b"])
    asked = len(github.requests)
    second, done = listed(mendel, github, QUERY, names=["a/b"])
    assert second == first and len(github.requests) == asked and "0 requests, 2 answers from disk" in done.stderr
    third, done = listed(mendel, github, QUERY, "github.cache_h=0", names=["a/b"])
    assert third == first and "2 unchanged" in done.stderr
    assert all("If-None-Match" in headers for _, headers in github.requests[asked:])


def test_limits_are_obeyed_in_their_order(mendel, github):
    github.add_repository("a/b")
    soon = str(int(time.time()) + 2)
    github.play("/repos/a/b", answer(429, {"retry-after": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 9999)}),
                answer(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": soon}), answer(403, {}, {"message": "You have exceeded a secondary rate limit"}),
                answer(429))
    started = time.monotonic()
    rows, done = listed(mendel, github, names=["a/b"])
    assert names_of(rows) == ["a/b"] and "4 limits met" in done.stderr and len(github.requests) == 5
    assert 1 < time.monotonic() - started < 20 * PATIENCE


def test_a_used_up_limit_is_waited_for(mendel, github):
    for i in range(6):
        github.add_repository(f"a/r{i}")
    github.limit = 2
    rows, done = listed(mendel, github, names=[f"a/r{i}" for i in range(6)])
    assert len(rows) == 6 and github.requests and not any(p for p in github.played.values())
    assert len(github.requests) == 6, "a known limit is waited for, not run into"


def test_a_wait_longer_than_allowed_stops_the_source_and_says_so(mendel, github):
    github.add_repository("a/b")
    github.play("/repos/a/b", answer(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 5000)}))
    _, done = listed(mendel, github, "github.wait_s_max=60", names=["a/b"], status=1)
    assert "github.wait_s_max" in done.stderr


def test_passing_failures_are_retried_and_too_many_stop_the_source(mendel, github):
    github.add_repository("a/b")
    github.play("/repos/a/b", answer(502), answer(500))
    rows, done = listed(mendel, github, names=["a/b"])
    assert names_of(rows) == ["a/b"] and len(github.requests) == 3
    for i in range(30):
        github.add_repository(f"a/bad{i}")
        github.play(f"/repos/a/bad{i}", *[answer(503)] * 6)
    _, done = listed(mendel, github, names=[f"a/bad{i}" for i in range(30)], status=1)
    assert "github.errors_share_max" in done.stderr and len(github.requests) < 3 + 40


@pytest.mark.parametrize("status, headers, body, word", [
    (404, {}, {"message": "Not Found"}, "gone"), (410, {}, {}, "gone"), (451, {}, {"message": "DMCA"}, "legal"), (409, {}, {}, "empty"),
    (403, {}, {"message": "Repository access blocked", "block": {"reason": "tos"}}, "blocked"),
    (403, {}, {"message": "Resource not accessible by personal access token"}, "forbidden"), (418, {}, b"\xff\0{", "unexpected_status"),
    (200, {}, b"[1, 2", "unexpected_answer"), (200, {}, {"full_name": "../../etc"}, "unexpected_answer"), (302, {"Location": "file:///etc/passwd"}, b"", "redirect_refused"),
    (301, {"Location": "http://169.254.169.254/latest/meta-data/"}, b"", "redirect_refused"), (307, {"Location": "http://10.0.0.1/"}, b"", "redirect_refused"),
    (302, {"Location": "//evil.example/"}, b"", "redirect_refused"), (301, {"Location": ""}, b"", "redirect_refused")])
def test_what_cannot_be_had_is_left_out_with_its_reason(mendel, github, status, headers, body, word):
    github.add_repository("a/good")
    github.add_repository("a/bad")
    github.play("/repos/a/bad", answer(status, headers, body))
    rows, done = listed(mendel, github, names=["a/bad", "a/good"])
    assert names_of(rows) == ["a/good"] and f"left out: a/bad ({word})" in done.stderr
    assert not any("169.254" in p for p in github.paths())


def test_a_permanent_redirect_is_kept_and_a_passing_one_is_not(mendel, github):
    for name in ("new/name", "other/name"):
        github.add_repository(name)
    github.play("/repos/old/name", answer(301, {"Location": f"{github.address}/repos/new/name"}))
    github.play("/repos/some/name", answer(307, {"Location": "/repos/other/name"}), answer(302, {"Location": "/repos/other/name"}))
    for _ in range(2):
        rows, _ = listed(mendel, github, "github.cache_h=0", names=["old/name", "some/name"])
        assert sorted(names_of(rows)) == ["new/name", "other/name"]
    assert github.paths().count("/repos/old/name") == 1 and github.paths().count("/repos/some/name") == 2


def test_redirects_that_never_end_are_left(mendel, github):
    github.play("/repos/a/b", *[answer(302, {"Location": "/repos/a/b"})] * 20)
    rows, done = listed(mendel, github, names=["a/b"])
    assert rows == [] and "redirect_refused" in done.stderr and len(github.requests) < 10


def test_a_bomb_of_an_answer_is_not_taken(mendel, github):
    github.add_repository("a/good")
    github.play("/repos/a/b", answer(200, {}, b"x" * (3 << 20)))
    rows, done = listed(mendel, github, "github.body_mib_max=1", names=["a/b", "a/good"])
    assert names_of(rows) == ["a/good"] and "left out: a/b (refused)" in done.stderr


def test_a_server_that_says_nothing_is_given_up(mendel, github):
    github.add_repository("a/good")
    _, done = listed(mendel, github, 'sources.github.api="http://127.0.0.1:1"', "github.attempts_max=2", names=["a/b"])
    assert "no_answer" in done.stderr


@pytest.mark.parametrize("api", ["http://api.github.com", "file:///etc/passwd", "https://user:password@github.com", "ftp://x", "", "https://10.0.0.1 /x"])
def test_an_address_that_is_no_api_is_wrong_use(mendel, github, api):
    _, done = listed(mendel, github, f'sources.github.api="{api}"', names=["a/b"], status=None)
    assert done.returncode in (1, 2) and "sources.github.api" in done.stderr and github.requests == []


def test_the_metadata_address_is_never_asked(mendel, github):
    _, done = listed(mendel, github, 'sources.github.api="https://169.254.169.254"', names=["a/b"])
    assert "left out: a/b (refused)" in done.stderr


def test_forks_are_left_out_or_told_by_their_root(mendel, github):
    github.add_repository("up/stream", stargazers_count=9)
    github.add_repository("me/stream", stargazers_count=8, fork=True, parent={"full_name": "x/middle"}, source={"full_name": "up/stream"})
    github.add_repository("me/lone", stargazers_count=7, fork=True, source={"full_name": "gone/away"})
    rows, done = listed(mendel, github, QUERY)
    assert names_of(rows) == ["up/stream"] and "me/stream (fork)" in done.stderr
    rows, done = listed(mendel, github, QUERY, "sources.github.forks=true")
    assert names_of(rows) == ["up/stream", "me/lone"] and rows[1]["fork_of"] == "gone/away" and "me/stream (fork_of_another)" in done.stderr


def test_only_wanted_licences_and_sizes_are_taken(mendel, github):
    github.add_repository("a/mit")
    github.add_repository("a/gpl", license={"spdx_id": "GPL-3.0"})
    github.add_repository("a/none", license=None)
    github.add_repository("a/large", size=9 << 20)
    rows, done = listed(mendel, github, 'sources.github.licenses=["MIT"]', names=["a/mit", "a/gpl", "a/none", "a/large"])
    assert names_of(rows) == ["a/mit"] and rows[0]["license"] == "MIT"
    assert "a/gpl (license)" in done.stderr and "a/large (too_large)" in done.stderr


# Tokens.

def test_a_token_is_sent_and_found_nowhere_else(mendel, github, tmp_path):
    """Hunts for the token in output, files, arguments and environment of the process, while it waits and after."""
    github.add_repository("a/b")
    github.tokens = {TOKEN}
    github.play("/repos/a/echo", answer(404, {}, {"message": f"no {TOKEN} here"}), answer(404, {}, {"message": "x"}))
    github.play("/repos/a/slow", answer(429, {"retry-after": "2"}), answer(418, {}, {"message": f"bad token {TOKEN}"}))
    github.play("/repos/a/body", answer(200, {}, {"full_name": "a/body", "id": 77, "token": TOKEN}))
    file = token_file(tmp_path)
    process = mendel.start("--json", *settings(github, f'sources.github.token_files=["{file}"]'), "--log-level", "debug", "mine", "github", "--list", "a/b", "a/echo",
                           "a/body", "a/slow")
    until = time.monotonic() + 20 * PATIENCE
    while "/repos/a/slow" not in github.paths() and time.monotonic() < until:
        time.sleep(0.02)
    proc = Path(f"/proc/{process.pid}")
    seen = (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
    out, err = process.communicate(timeout=30 * PATIENCE)
    assert process.returncode == 0 and "a/b" in out
    assert github.requests[0][1]["Authorization"] == f"Bearer {TOKEN}"
    everything = seen + out.encode() + err.encode()
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != file:
            everything += path.read_bytes() + str(path).encode()
    assert TOKEN.encode() not in everything and TOKEN[4:20].encode() not in everything
    assert all(TOKEN not in path for path, _ in github.requests)


def dies_with_core(mendel, github, *arguments):
    """Whether a crash while it waits for a limit left a core dump."""
    asked = len(github.requests)
    github.play("/repos/a/b", answer(429, {"retry-after": "30"}))
    process = mendel.start("--data", "elsewhere", *arguments, "mine", "github", "--list", "a/b", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)))
    until = time.monotonic() + 20 * PATIENCE
    while len(github.requests) == asked and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGSEGV)
    died = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert died.si_code in (os.CLD_DUMPED, os.CLD_KILLED)
    return died.si_code == os.CLD_DUMPED


def test_a_process_that_holds_a_token_leaves_no_core(mendel, github, tmp_path):
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != -1 or not dies_with_core(mendel, github, *settings(github)):
        pytest.skip("this machine keeps no core dumps")
    assert not dies_with_core(mendel, github, *settings(github, f'sources.github.token_files=["{token_file(tmp_path)}"]'))


def test_a_revoked_token_is_dropped_and_without_any_the_source_stops(mendel, github, tmp_path):
    for i in range(4):
        github.add_repository(f"a/r{i}")
    bad, good = token_file(tmp_path, "bad", "ghp_revokedrevoked"), token_file(tmp_path, "good")
    github.tokens = {TOKEN}
    rows, done = listed(mendel, github, f'sources.github.token_files=["{bad}", "{good}"]', names=[f"a/r{i}" for i in range(4)])
    assert len(rows) == 4 and str(bad) in done.stderr and "revokedrevoked" not in done.stderr
    assert sum("revoked" in headers["Authorization"] for _, headers in github.requests) == 1
    _, done = listed(mendel, github, f'sources.github.token_files=["{bad}"]', "github.cache_h=0", names=["a/r0"], status=1)
    assert "every token was refused (401)" in done.stderr and "sources.github.token_files" in done.stderr


@pytest.mark.parametrize("mode, text, word", [(0o644, TOKEN, "chmod 600"), (0o640, TOKEN, "chmod 600"), (0o600, "", "holds no token"), (0o600, "two words", "holds no token"),
                                              (0o600, "x" * 600, "holds no token")])
def test_a_token_file_that_others_may_read_or_that_holds_none_is_refused(mendel, github, tmp_path, mode, text, word):
    file = token_file(tmp_path, text=text, mode=mode)
    _, done = listed(mendel, github, f'sources.github.token_files=["{file}"]', names=["a/b"], status=None)
    assert done.returncode in (1, 2) and word in done.stderr and str(file) in done.stderr and github.requests == []
    assert not text or text not in done.stderr


def test_missing_and_linked_token_files_are_refused(mendel, github, tmp_path):
    token_file(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "token")
    for name, word in (("missing", "no such token file"), ("link", "must not be a link"), (".", "regular file")):
        _, done = listed(mendel, github, f'sources.github.token_files=["{tmp_path / name}"]', names=["a/b"], status=None)
        assert done.returncode in (1, 2) and word in done.stderr


def test_systemd_credentials_are_found(mendel, github, tmp_path):
    github.add_repository("a/b")
    github.tokens = {TOKEN}
    folder = tmp_path / "credentials"
    folder.mkdir()
    token_file(folder, "github-token-1", mode=0o400)
    token_file(folder, "other", "not a token for this", mode=0o400)
    done = mendel(*settings(github), "mine", "github", "--list", "a/b", env={"CREDENTIALS_DIRECTORY": str(folder)})
    assert "a/b" in done.stdout


# Clones.

@pytest.fixture
def forge(github, tmp_path):
    """Two repositories to clone, one a fork of the other with a commit more."""
    if not os.path.exists(BACKEND):
        pytest.skip(f"no {BACKEND}")
    made = Repository(tmp_path / "work")
    made.commit("Start", {"pkg/a.py": BEFORE, "big.bin": os.urandom(300_000).hex(), "LICENSE": "nothing known",
                          "pkg/__init__.py": "", "pkg/near.py": "from pkg import far\n", "pkg/far.py": "x = 1\n", "tests/conftest.py": "from pkg.fixtures import box\n", "pkg/fixtures.py": "box = 1\n"})
    made.commit("Change the blob", {"big.bin": os.urandom(300_000).hex()})
    made.commit("Fix the bound", {"pkg/a.py": AFTER, "tests/test_a.py": "from pkg import near\nfrom pkg.a import A\n\n\ndef test_f(box):\n    assert A().f(1)\n"})

    def publish(name, **facts):
        bare = tmp_path / "served" / (name.replace("/", "+") + ".git")
        made.git("clone", "--quiet", "--bare", "--no-hardlinks", made.folder, bare)
        for key in ("http.receivepack=false", "uploadpack.allowFilter=true", "uploadpack.allowAnySHA1InWant=true"):
            made.git("-C", bare, "config", *key.split("="))
        github.add_repository(name, folder=bare, **facts)
        return bare

    publish("owner/project", stargazers_count=5)
    made.commit("Fix g", {"pkg/a.py": AFTER.replace("return x", "return -x")})
    publish("me/project", fork=True, source={"full_name": "owner/project"})
    github.publish = publish
    return github


def test_repositories_are_cloned_without_the_contents_that_no_fix_needs_and_mined(mendel, forge, tmp_path):
    pairs = mendel.json_lines("--data", tmp_path / "data", *settings(forge), "mine", "github", "owner/project")
    assert len(pairs) == 1 and pairs[0]["source"]["kind"] == "github" and pairs[0]["source"]["path"] == "pkg/a.py"
    assert pairs[0]["source"]["license"] == "MIT", "the API's licence stands in"
    clones = [p for p in (tmp_path / "data/raw/git").iterdir() if p.is_dir()]
    assert len(clones) == 1 and (clones[0] / "HEAD").exists() and not (clones[0] / "hooks").exists()
    assert sum(p.stat().st_size for p in clones[0].rglob("*.pack")) < 100_000
    asked = len(forge.requests) + len(forge.git_requests)
    assert mendel.json_lines("--data", tmp_path / "data", *settings(forge), "mine", "github", "owner/project") == pairs
    assert len(forge.requests) + len(forge.git_requests) == asked


def test_a_whole_clone_gives_the_same_pairs(mendel, forge, tmp_path):
    partial = mendel("--data", tmp_path / "one", *settings(forge), "mine", "github", "owner/project").stdout
    whole = mendel("--data", tmp_path / "two", *settings(forge, "mine.partial_clones=false"), "mine", "github", "owner/project").stdout
    assert partial == whole and partial
    test = json.loads(partial)["tests"][0]  # what it needs is fetched, however far its imports reach
    assert [file["path"] for file in test["project"]["files"]] == ["pkg/__init__.py", "pkg/far.py", "pkg/fixtures.py", "pkg/near.py", "tests/conftest.py"]


def test_a_fork_adds_only_what_is_its_own(mendel, forge, tmp_path):
    both = mendel.json_lines("--data", tmp_path / "data", *settings(forge, "sources.github.forks=true"), "mine", "github", "me/project")
    assert len(both) == 2 and both[0]["source"]["fork_root"]
    forge.repositories["me/project"]["source"] = {"full_name": "gone/away"}
    pairs = mendel.json_lines("--data", tmp_path / "data", *settings(forge, "sources.github.forks=true", "github.cache_h=0"), "mine", "github", "owner/project", "me/project")
    assert len(pairs) == 2


def test_a_clone_that_fails_is_told_and_the_rest_is_mined(mendel, forge, tmp_path):
    forge.add_repository("a/gone", stargazers_count=99)
    done = mendel("--data", tmp_path / "data", *settings(forge), "mine", "github", "a/gone", "owner/project", status=4)
    assert len(done.stdout.splitlines()) == 1 and "a/gone" in done.stderr and "cannot be cloned" in done.stderr


def test_a_hostile_repository_runs_nothing_and_leads_nowhere(mendel, forge, tmp_path):
    """Hooks, filters, configuration, submodules with ext:: addresses, links and alternates of the server's side."""
    marker, secret = tmp_path / "ran", tmp_path / "secret.py"
    secret.write_text(BEFORE.replace("A", "Secret"))
    made = Repository(tmp_path / "hostile")
    made.commit("Start", {"a.py": BEFORE, ".gitattributes": f"*.py filter=evil diff=evil merge=evil\n", "b.py": BEFORE,
                          ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch% {marker}"\n\tupdate = !touch {marker}\n'})
    made.git("update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",x")
    (made.folder / "link.py").symlink_to(secret)
    (made.folder / "folder").symlink_to(tmp_path)
    made.git("add", "link.py", "folder")
    made.git("commit", "--quiet", "--message", "Fix links")
    made.git("rm", "--quiet", "--cached", "b.py")
    (made.folder / "b.py").unlink()
    (made.folder / "b.py").symlink_to(secret)
    made.git("add", "b.py")
    made.git("commit", "--quiet", "--message", "Fix b")
    made.git("add", "--all", ":!x")
    made.git("update-index", "--add", "--cacheinfo", "160000," + "2" * 40 + ",x")
    (made.folder / "a.py").write_text(AFTER)
    made.git("add", "a.py")
    made.git("commit", "--quiet", "--message", "Fix the bound")
    bare = tmp_path / "served" / "hostile.git"
    made.git("clone", "--quiet", "--bare", made.folder, bare)
    for key, value in (("uploadpack.allowFilter", "true"), ("uploadpack.allowAnySHA1InWant", "true"), ("filter.evil.smudge", f"touch {marker}"),
                       ("core.fsmonitor", f"touch {marker}"), ("core.sshCommand", f"touch {marker}")):
        made.git("-C", bare, "config", key, value)
    forge.add_repository("evil/repo", folder=bare)
    pairs = mendel.json_lines("--data", tmp_path / "data", *settings(forge), "mine", "github", "evil/repo")
    assert [pair["source"]["path"] for pair in pairs] == ["a.py"] and "Secret" not in json.dumps(pairs)
    assert not marker.exists()
    clone = next(p for p in (tmp_path / "data/raw/git").iterdir() if p.is_dir())
    assert not any(p.is_symlink() for p in clone.rglob("*")) and not (clone / "modules").exists() and not (clone / "objects/info/alternates").exists()
    assert "evil" not in (clone / "config").read_text().replace("evil/repo", "")


def test_a_clone_that_grows_past_its_limit_or_takes_too_long_is_given_up(mendel, forge, tmp_path):
    made = Repository(tmp_path / "large")
    made.commit("Start", {"a.bin": os.urandom(3 << 20)})
    bare = tmp_path / "served" / "large.git"
    made.git("clone", "--quiet", "--bare", made.folder, bare)
    forge.add_repository("a/large", folder=bare)
    done = mendel("--data", tmp_path / "data", *settings(forge, "mine.clone_mib_max=1", "mine.partial_clones=false"), "mine", "github", "a/large", status=4)
    assert "a/large: cannot be cloned" in done.stderr and not any(p.is_dir() for p in (tmp_path / "data/raw/git").iterdir())


@pytest.mark.parametrize("location", ["file:///etc", "http://169.254.169.254/x", "ext::sh -c id", "https://127.0.0.1:1/a"])
def test_a_clone_never_follows_a_redirect(mendel, forge, tmp_path, location):
    forge.git_answers["owner/project"] = answer(301, {"Location": location})
    done = mendel("--data", tmp_path / "data", *settings(forge), "mine", "github", "owner/project", status=4)
    assert "cannot be cloned" in done.stderr and done.stdout == ""


def test_a_plant_mines_github_and_says_what_it_left_out(mendel, forge, tmp_path):
    forge.add_repository("a/empty-handed")
    data = tmp_path / "data"
    arguments = ["--data", data, *settings(forge, 'sources.github.repositories=["owner/project", "no/such", "a/empty-handed"]')]
    done = mendel("--json", *arguments, "up", "--until", "validate")
    assert "2 of 2 repositories taken" in done.stderr
    funnel = json.loads(done.stdout.splitlines()[-1])["funnel"]
    assert int(funnel["mine.pairs"]) == 1 and int(funnel["rejected:source:gone"]) == 1 and int(funnel["rejected:source:clone_failed"]) == 1


def test_a_plant_whose_token_was_revoked_ends_with_leftovers(mendel, forge, real_code, tmp_path):
    forge.tokens = {"another one"}
    file = token_file(tmp_path)
    done = mendel("--data", tmp_path / "data", *settings(forge, f'sources.python=["{real_code / "html"}"]', 'sources.github.repositories=["owner/project"]',
                                                         f'sources.github.token_files=["{file}"]'), "up", "--until", "validate", status=4)
    assert "every token was refused (401)" in done.stderr and TOKEN not in done.stderr
