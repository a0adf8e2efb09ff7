"""The plant as people run it: one machine or several, killed at random moments, refused, full, damaged."""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from conftest import PATIENCE, ROOT, program

PROFILE = ROOT / "deploy/profiles/smoke.toml"
PACKAGES = ("json", "html", "logging")
SEED = int(os.environ.get("MENDEL_KILL_SEED", "20"))
ROLES = "miner,mutator,linter,validator,encoder"


# Work that a quick machine has not done before somebody looks: items a second.
UNHURRIED = "queue.rate_mutate=5"


def wait_for(condition, seconds=60, what="condition"):
    """Polls, because processes of others tell nobody when they are ready."""
    until = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    pytest.fail(f"{what}: not within {seconds * PATIENCE} s")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def code(tmp_path_factory, stdlib):
    """Real packages, fewer than `real_code` holds, and a few files that no plant can use."""
    folder = tmp_path_factory.mktemp("plant") / "code"
    for name in PACKAGES:
        for path in sorted((stdlib / name).glob("*.py")):
            target = folder / name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (folder / "odd").mkdir()
    (folder / "odd/empty.py").touch()
    (folder / "odd/dangling.py").symlink_to("nowhere.py")
    (folder / "odd/nul.py").write_bytes(b"x = 1\0\n")
    (folder / "odd/latin.py").write_bytes(b"name = '\xe9'\n")
    (folder / "odd/dashes.py").write_text("x = " + "-" * 100_000 + "1\n")
    (folder / "odd/elif.py").write_text("if x:\n    pass\n" + "elif x:\n    pass\n" * 5000)
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, code):
    """(digest, seconds) of the run that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    mendel = program("mendel", folder)
    started = time.monotonic()
    done = mendel(*plant(folder / "data", code), "up", "--until", "dataset")
    return digest_of(done.stdout), time.monotonic() - started


def plant(data, code, *settings):
    arguments = ["--config", PROFILE, "--data", data, "--set", f'sources.python=["{code}"]']
    for setting in settings:
        arguments += ["--set", setting]
    return arguments


def digest_of(text):
    return re.search(r"^digest ([0-9a-f]{32})$", text, re.M)[1]


def finish(process, seconds=120):
    """(status, stdout, stderr) of a started process."""
    out, err = process.communicate(timeout=seconds * PATIENCE)
    return process.returncode, out, err


class Nodes:
    """A coordinator with keys, and nodes by name."""

    def __init__(self, mendel, code, folder, *names):
        self.mendel, self.code, self.data = mendel, code, folder / "data"
        self.endpoint = f"tcp://127.0.0.1:{free_port()}"
        mendel("--data", self.data, "keys", "init")
        for name in names:
            mendel("--data", self.data, "keys", "add", name)

    def coordinator(self, *more, settings=(), **options):
        return self.mendel.start(*plant(self.data, self.code, *settings), "coordinator", "--listen", self.endpoint, *more, **options)

    def node(self, name, key=None, server_key=None, roles=ROLES, **options):
        return self.mendel.start("--config", PROFILE, "--data", self.data.parent / f"data-{name}", "node", "--name", name, "--roles", roles,
                                 "--connect", self.endpoint, "--key", key or self.data / f"keys/{name}.secret",
                                 "--server-key", server_key or self.data / "keys/server.public", **options)

    def status(self):
        done = self.mendel("--data", self.data, "--json", "status", status=None)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def joined(self):
        return {node["name"] for node in self.status().get("nodes", [])}


def test_a_second_run_says_at_once_that_all_is_done(mendel, code, tmp_path, undisturbed):
    first = mendel(*plant(tmp_path / "data", code), "up", "--until", "dataset")
    started = time.monotonic()
    second = mendel(*plant(tmp_path / "data", code), "up", "--until", "dataset")
    assert digest_of(first.stdout) == digest_of(second.stdout) == undisturbed[0]
    assert "Nothing to do" in second.stdout and "Nothing to do" not in first.stdout
    assert time.monotonic() - started < 10 * PATIENCE
    mendel("dataset", "verify", "--dataset", tmp_path / "data/dataset")


def test_the_funnel_counts_what_was_left_out_and_why(mendel, code, tmp_path):
    shown = json.loads(mendel(*plant(tmp_path / "data", code), "--json", "up", "--until", "dataset").stdout)
    funnel = shown["funnel"]
    assert funnel["rejected:source:empty"] >= 1 and funnel["rejected:source:dangling_link"] == 1
    assert shown["stages"]["mutate"]["done"] == len(list(code.rglob("*.py"))) - sum(n for name, n in funnel.items() if name.startswith("rejected:source:"))
    assert any(name.startswith("rejected:mutate:") for name in funnel) and shown["dead_letters"] == 0


def test_killed_at_random_moments_it_goes_on_to_the_digest_of_the_undisturbed_run(mendel, code, tmp_path, undisturbed):
    moments = random.Random(SEED)
    for _ in range(6):
        process = mendel.start(*plant(tmp_path / "data", code), "up", "--until", "dataset", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=moments.uniform(0.05, undisturbed[1]))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    done = mendel(*plant(tmp_path / "data", code), "up", "--until", "dataset")
    assert digest_of(done.stdout) == undisturbed[0]


def test_coordinator_and_nodes_killed_at_random_moments_give_the_same_digest(mendel, code, tmp_path, undisturbed):
    moments = random.Random(SEED + 1)
    plants = Nodes(mendel, code, tmp_path, "a", "b")
    coordinator = plants.coordinator("--until", "dataset", settings=["runtime.lease_ms=1000"])
    nodes = {name: plants.node(name) for name in "ab"}
    for victim in ("a", "coordinator", "b", "coordinator"):
        time.sleep(moments.uniform(0.2, undisturbed[1] / 2))
        if coordinator.poll() is not None:
            break
        if victim == "coordinator":
            coordinator.kill()
            coordinator.wait()
            coordinator = plants.coordinator("--until", "dataset", settings=["runtime.lease_ms=1000"])
        else:
            nodes[victim].kill()
            nodes[victim].wait()
            nodes[victim] = plants.node(victim)
    status, out, err = finish(coordinator)
    assert status == 0, err
    assert digest_of(out) == undisturbed[0]
    mendel("dataset", "verify", "--dataset", plants.data / "dataset")


@pytest.fixture(scope="module")
def linted(tmp_path_factory):
    """A history in which each of three commits takes a diagnostic of another linter away."""
    folder = tmp_path_factory.mktemp("linted") / "repository"
    folder.mkdir()
    git = ["git", "-C", folder, "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "-q"], check=True)
    text = ("import subprocess\n\n\ndef f(a):\n    b = a + 1\n    subprocess.call(b, shell=True)\n    return b\n\n\n"
            "def g(a=[]):\n    a.append(1)\n    return a\n\n\ndef h(a: str) -> int:\n    print(a)\n    return \"text\"\n")
    for before, after in (("", ""), ("(b, shell=True)", "([b])"), ("def g(a=[]):\n", "def g(a=None):\n    a = a or []\n"), ('return "text"', "return 1")):
        text = text.replace(before, after) if before else text
        (folder / "module.py").write_text(text)
        subprocess.run([*git, "add", "module.py"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", "more"], check=True)
    return folder


def types_in(mendel, dataset):
    """Bugs that linters saw disappear from a history."""
    lines = (mendel("dataset", "sample", "--dataset", dataset, "--split", split, "--count", 100_000, "--pairs").stdout.splitlines()
             for split in ("train", "validation", "test"))
    return {pair["bug"]["type"] for part in lines for line in part if (pair := json.loads(line))["source"]["kind"] == "linter" and pair["source"].get("commit")}


def test_what_disappears_from_a_history_enters_the_dataset_whoever_is_killed_and_however_many_nodes_there_are(mendel, code, linted, tmp_path):
    history = [f'sources.git=["{linted}"]', "mine.commits_per_item=1"]
    newest = json.loads(mendel(*plant(tmp_path / "newest", code, *history, "lint.history_commits=1"), "--json", "up", "--until", "dataset").stdout)
    assert newest["funnel"]["lint.changes"] == 1 and newest["funnel"]["lint.vanished_pairs"] == 1
    assert types_in(mendel, tmp_path / "newest/dataset") == {"wrong_return_type"}  # mypy's
    history.append("lint.history_commits=4")
    plants = Nodes(mendel, code, tmp_path, "a", "b")
    coordinator = plants.coordinator("--until", "dataset", settings=history)
    nodes = [plants.node(name) for name in "ab"]
    status, out, err = finish(coordinator)
    assert status == 0 and [finish(node, 20)[0] for node in nodes] == [0, 0], err
    assert {"wrong_return_type", "shell_injection", "mutable_default"} <= types_in(mendel, plants.data / "dataset")  # mypy, bandit, pylint and ruff
    moments, killed = random.Random(SEED + 2), plant(tmp_path / "killed", code, *history)
    for _ in range(3):
        process = mendel.start(*killed, "up", "--until", "dataset", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=moments.uniform(0.5, 8))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert digest_of(mendel(*killed, "up", "--until", "dataset").stdout) == digest_of(out)


def test_nodes_end_well_when_the_coordinator_is_done(mendel, code, tmp_path, undisturbed):
    plants = Nodes(mendel, code, tmp_path, "a", "b")
    coordinator = plants.coordinator("--until", "dataset")
    nodes = [plants.node("a", roles="mutator,linter"), plants.node("b", roles="validator,encoder")]
    status, out, err = finish(coordinator)
    assert status == 0, err
    assert digest_of(out) == undisturbed[0]
    assert [finish(node, 20)[0] for node in nodes] == [0, 0]


def test_a_key_that_is_not_on_the_list_is_refused_and_the_node_says_so(mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path)
    stranger = tmp_path / "other"
    mendel("--data", stranger, "keys", "add", "stranger")
    plants.coordinator()
    wait_for(plants.status, what="the coordinator answers")
    status, _, err = finish(plants.node("stranger", key=stranger / "keys/stranger.secret"), 30)
    assert status == 1 and "not on the allow-list" in err
    assert plants.joined() == set()


def test_a_node_with_the_key_of_another_may_not_take_its_name(mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path, "honest", "liar")
    plants.coordinator()
    impostor = plants.node("honest", key=plants.data / "keys/liar.secret")
    plants.node("liar")
    wait_for(lambda: "liar" in plants.joined(), what="the node with its own name joins")
    assert plants.joined() == {"liar"} and impostor.poll() is None


def test_a_wrong_server_key_ends_the_node_with_the_reason(mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path, "a")
    mendel("--data", tmp_path / "other", "keys", "init")
    plants.coordinator()
    status, _, err = finish(plants.node("a", server_key=tmp_path / "other/keys/server.public"), 60)
    assert status == 1 and "server key" in err


def test_a_revoked_node_is_cut_off_at_once_and_its_work_goes_on_elsewhere(mendel, code, tmp_path, undisturbed):
    plants = Nodes(mendel, code, tmp_path, "a", "b")
    coordinator = plants.coordinator("--until", "dataset", settings=[UNHURRIED])
    revoked = plants.node("a")
    wait_for(lambda: "a" in plants.joined(), what="the node joins")
    mendel("--data", plants.data, "keys", "revoke", "a")
    status, _, err = finish(revoked, 30)
    assert status == 1 and "revoked" in err or "allow-list" in err
    plants.node("b")
    status, out, err = finish(coordinator)
    assert status == 0 and digest_of(out) == undisturbed[0]


def test_a_node_that_sleeps_past_its_leases_does_no_harm_when_it_wakes(mendel, code, tmp_path, undisturbed):
    plants = Nodes(mendel, code, tmp_path, "sleeper", "b")
    coordinator = plants.coordinator("--until", "dataset", settings=["runtime.lease_ms=500", UNHURRIED])
    sleeper = plants.node("sleeper")

    def caught_with_work():
        """Stops the node; lets it go on if it holds nothing just now."""
        os.kill(sleeper.pid, signal.SIGSTOP)
        if any(int(node.get("leased", 0)) > 0 for node in plants.status().get("nodes", [])):
            return True
        os.kill(sleeper.pid, signal.SIGCONT)
        return False

    wait_for(caught_with_work, what="the node holds work")
    plants.node("b")
    wait_for(lambda: coordinator.poll() is not None or "sleeper" not in plants.joined(), what="the sleeper is given up")
    os.kill(sleeper.pid, signal.SIGCONT)
    status, out, err = finish(coordinator)
    assert status == 0 and digest_of(out) == undisturbed[0], err


def test_a_drained_node_ends_and_the_plant_serves_on(mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path, "a")
    coordinator = plants.coordinator()
    node = plants.node("a")
    wait_for(lambda: "a" in plants.joined(), what="the node joins")
    mendel("--data", plants.data, "node", "drain", "a")
    assert finish(node, 30)[0] == 0
    wait_for(lambda: plants.joined() == set(), what="the node is gone")
    assert coordinator.poll() is None
    assert "no node a" in mendel("--data", plants.data, "node", "drain", "a", status=1).stderr


def test_node_and_coordinator_say_what_becomes_of_each_other(mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path, "a")
    node_log, coordinator_log = tmp_path / "node.log", tmp_path / "coordinator.log"

    def said(log, *words):
        wait_for(lambda: all(word in log.read_text() for word in words), what=f"{log.name} says {words}")
    with open(node_log, "w") as node_out, open(coordinator_log, "w") as coordinator_out:
        first = plants.node("a", stderr=node_out)
        said(node_log, f"waiting for the coordinator at {plants.endpoint}")
        coordinator = plants.coordinator(settings=["runtime.lease_ms=500"], stderr=coordinator_out)
        said(coordinator_log, f"nodes join at {plants.endpoint}", "node a asks to join")
        said(node_log, f"joined the plant at {plants.endpoint} as a")
        coordinator.kill()
        said(node_log, "lost the coordinator")
        plants.coordinator(settings=["runtime.lease_ms=500"], stderr=coordinator_out)
        said(node_log, "is back")
        wait_for(lambda: "a" in plants.joined(), what="the node joins again")
        first.send_signal(signal.SIGINT)
        assert finish(first, 30)[0] == 130
        said(node_log, "mendel: interrupted; the coordinator hands out again")
        said(coordinator_log, "node a left")
        second = plants.node("a", stderr=node_out)
        wait_for(lambda: "a" in plants.joined(), what="the node joins")
        second.kill()
        said(coordinator_log, "node a was not heard for two leases: its work goes to others")
    assert "error" not in node_log.read_text() + coordinator_log.read_text()


def test_two_plants_on_one_folder_the_second_names_the_first(mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path)
    first = plants.coordinator()
    wait_for(plants.status, what="the coordinator answers")
    second = mendel(*plant(plants.data, code), "up", "--until", "dataset", status=1)
    assert str(first.pid) in second.stderr and "Traceback" not in second.stderr


def test_the_first_signal_stops_well_and_the_next_run_goes_on(mendel, code, tmp_path, undisturbed):
    for number, expected in ((signal.SIGINT, 130), (signal.SIGTERM, 0)):
        process = mendel.start(*plant(tmp_path / "data", code), "up", "--until", "dataset")
        wait_for(lambda: mendel("--data", tmp_path / "data", "--json", "status", status=None).stdout.find('"running":true') > 0, what="the plant runs")
        process.send_signal(number)
        status, _, err = finish(process, 60)
        assert status == expected, err
    done = mendel(*plant(tmp_path / "data", code), "up", "--until", "dataset")
    assert digest_of(done.stdout) == undisturbed[0]


def test_items_that_fail_for_good_are_dead_letters_that_say_why_and_can_be_requeued(mendel, tmp_path):
    repository = tmp_path / "repository"
    repository.mkdir()
    git = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-C", repository]
    subprocess.run([*git, "init", "-q"], check=True)
    for number, sign in enumerate("-+"):
        (repository / "sums.py").write_text(f"def total(a, b):\n    result = a {sign} b\n    return result\n")
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-q", "-m", "Fix wrong sum" if number else "Add sums"], check=True)
    plants = Nodes(mendel, tmp_path, tmp_path, "a")
    settings = ["sources.python=[]", f'sources.git=["{repository}"]', "runtime.attempts_max=2"]
    coordinator = plants.coordinator("--until", "validate", settings=settings)
    wait_for(lambda: [s for s in plants.status().get("stages", []) if s["stage"] == "mine" and int(s.get("pending", 0)) > 0], what="the history is planned")
    repository.rename(tmp_path / "away")
    plants.node("a")
    status, out, err = finish(coordinator)
    assert status == 4 and "dead letters" in out, err
    letters = mendel.json_lines("--data", plants.data, "--json", "dead", "list")
    assert [letter["stage"] for letter in letters] == ["mine"] and letters[0]["attempts"] == 2 and str(repository) in letters[0]["error"]
    assert str(repository) in mendel("--data", plants.data, "dead", "show", letters[0]["id"]).stdout
    (tmp_path / "away").rename(repository)
    again = plant(plants.data, tmp_path, *settings)
    mendel(*again, "up", "--until", "validate", status=4)  # dead stays dead until it is asked back
    assert "1 items" in mendel("--data", plants.data, "dead", "requeue", "--all").stderr
    done = json.loads(mendel(*again, "--json", "up", "--until", "validate").stdout)
    assert done["funnel"]["mine.pairs"] == 1 and done["dead_letters"] == 0


def test_metrics_and_status_of_a_running_plant(mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path, "a")
    port = free_port()
    plants.coordinator(settings=[f"metrics.listen=127.0.0.1:{port}"])
    plants.node("a")

    def done():
        stages = {stage["stage"]: stage for stage in plants.status().get("stages", [])}
        return int(stages.get("encode", {}).get("done", 0)) > 0
    wait_for(done, what="something is encoded")

    def text():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return answer.read().decode()
    wait_for(lambda: re.search(r'^mendel_stage_done\{stage="encode"\} [1-9]', text(), re.M), what="metrics tell of it")
    shown = text()
    for name in ("mendel_build_info", "mendel_stage_depth", "mendel_stage_leases", "mendel_stage_dead", "mendel_nodes", "mendel_rejected"):
        assert re.search(rf"^{name}[ {{]", shown, re.M), name
    checked = shutil.which("promtool") and subprocess.run(["promtool", "check", "metrics"], input=shown, capture_output=True, text=True)
    assert not checked or checked.returncode in (0, 3), checked.stderr
    assert "node a" in mendel("--data", plants.data, "status").stdout


def test_top_shows_the_running_plant_until_it_is_stopped(mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path)
    assert "no plant runs" in mendel("--data", plants.data, "top", status=1).stderr
    plants.coordinator()
    wait_for(plants.status, what="the coordinator answers")
    live = mendel.start("--data", plants.data, "top")
    assert live.stdout.readline().startswith("phase collect")
    live.send_signal(signal.SIGINT)
    assert finish(live, 20)[0] == 130


def test_status_of_a_stopped_plant_comes_from_its_store(mendel, code, tmp_path):
    assert "no plant has run" in mendel("--data", tmp_path / "none", "status", status=1).stderr
    mendel(*plant(tmp_path / "data", code), "up", "--until", "validate")
    shown = mendel("--data", tmp_path / "data", "status").stdout
    assert "no plant runs" in shown and re.search(r"mutate +0 +0 +\d\d", shown)


def test_a_damaged_store_is_named_and_not_built_upon(mendel, code, tmp_path):
    mendel(*plant(tmp_path / "data", code), "up", "--until", "validate")
    tables = sorted((tmp_path / "data/store").glob("*.sst")) or sorted((tmp_path / "data/store").glob("*.log"))
    for table in tables:
        content = bytearray(table.read_bytes())
        for at in range(len(content) // 4, len(content) - 1, max(1, len(content) // 40)):
            content[at] ^= 0xFF
        table.write_bytes(content)
    damaged = mendel(*plant(tmp_path / "data", code), "up", "--until", "dataset", status=1)
    assert str(tmp_path / "data/store") in damaged.stderr, damaged.stderr


def test_a_full_disk_without_a_reserve_is_a_clear_error_and_with_room_it_goes_on(mendel, code, tmp_path, undisturbed):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", small], capture_output=True).returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        full = mendel(*plant(small / "data", code, "queue.disk_reserve_mib=0"), "up", "--until", "dataset", status=1)
        assert "no space left" in full.stderr.lower() and "make room" in full.stderr, full.stderr
        still = mendel(*plant(small / "data", code, "queue.disk_reserve_mib=0"), "up", "--until", "dataset", status=1)
        assert "make room" in still.stderr, still.stderr
        subprocess.run(["mount", "-o", "remount,size=200m", small], check=True)
        done = mendel(*plant(small / "data", code, "queue.disk_reserve_mib=0"), "up", "--until", "dataset")
        assert digest_of(done.stdout) == undisturbed[0]
    finally:
        subprocess.run(["umount", "-l", small], check=True)


@pytest.mark.parametrize("arguments, status, word", [
    (["--set", "sources.pyton=[]", "up"], 2, "sources.python"),
    (["--set", "runtime.lease_ms=1", "up"], 2, "runtime.lease_ms"),
    (["up"], 2, "sources"),
    (["--set", 'sources.python=["nowhere"]', "up", "--until", "dataset"], 1, "nowhere"),
    (["--set", 'sources.git=["nowhere"]', "up", "--until", "dataset"], 1, "nowhere"),
    (["--set", 'sources.python=["."]', "up", "--until", "breakfast"], 2, "breakfast"),
    (["node", "--name", "a"], 2, "--roles"),
    (["keys", "add", "../escape"], 2, "node name"),
    (["keys", "revoke", "nobody"], 1, "nobody"),
    (["dead", "requeue", "xyz"], 2, "xyz"),
])
def test_wrong_use_is_named(mendel, arguments, status, word):
    done = mendel("--data", mendel.folder / "data", *arguments, status=status)
    assert word in done.stderr and "mendel: error:" in done.stderr


def test_without_the_trainer_up_says_so_before_any_work(mendel, code, tmp_path):
    lonely = tmp_path / "bin/mendel"
    lonely.parent.mkdir()
    shutil.copy(mendel.path, lonely)
    mendel.path = lonely
    done = mendel(*plant(tmp_path / "data", code), "up", status=1)
    assert "built without the trainer; use --until dataset" in done.stderr
    assert not (tmp_path / "data/store").exists()


def children_of(pid, name):
    """Processes of that program that `pid` started."""
    out = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)
            if int(fields[1].split()[1]) == pid and fields[0].split("(", 1)[1] == name[:15]:
                out.append(int(stat.parent.name))
        except (OSError, ValueError):
            pass
    return out


def test_training_survives_the_death_of_its_node_and_of_the_plant(mendel, trainer, code, tmp_path, undisturbed):
    arguments = plant(tmp_path / "data", code, "train.minutes=0.1", "train.checkpoint_s=1", "train.evaluations=1", "train.threads=1")
    process = mendel.start(*arguments, "up")

    def step():
        status = json.loads(mendel("--data", tmp_path / "data", "--json", "status", status=None).stdout or "{}")
        return json.loads(status.get("training_json") or "{}").get("training_step", 0)
    wait_for(lambda: step() >= 3, what="training is under way")
    for child in children_of(process.pid, "mendel-trainer"):
        os.kill(child, signal.SIGKILL)
    wait_for(lambda: children_of(process.pid, "mendel-trainer"), what="the training node is started again")
    wait_for(lambda: step() >= 5 or process.poll() is not None, what="training goes on")
    process.kill()
    process.wait()
    done = mendel(*arguments, "up")
    report = json.loads(re.search(r"^Training: (\{.*?^\})", done.stdout, re.M | re.S)[1])
    assert Path(report["checkpoint"]).exists() and digest_of(done.stdout) == undisturbed[0]
    again = mendel(*arguments, "up")
    assert "Nothing to do" in again.stdout and report["checkpoint"] in again.stdout


def test_doctor_names_a_remedy_for_what_is_missing(mendel, tmp_path):
    rows = {row["probe"]: row for row in json.loads(mendel("--data", tmp_path / "data", "--json", "doctor", status=None).stdout)}
    assert rows["python"]["result"] == "ok"
    mendel("--data", tmp_path / "data", "keys", "init")
    (tmp_path / "data/keys/server.secret").chmod(0o644)
    shown = mendel("--data", tmp_path / "data", "--set", "lint.ruff=/nowhere/ruff", "doctor", status=1).stdout
    assert re.search(r"^FAIL +keys .*chmod 600", shown, re.M) and re.search(r"^FAIL +ruff .*lint.ruff", shown, re.M)
