"""What operators look at: alert rules, scraped text and logs, checked by Prometheus's own tools and by a hunt for secrets."""
import json
import os
import re
import shutil
import subprocess
import urllib.request

import pytest
from conftest import PATIENCE, ROOT
from test_plant import Nodes, code, free_port, plant, wait_for  # noqa: F401  (code is a fixture)

RULES = ROOT / "deploy/prometheus"


def tool(name):
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed (Debian package prometheus)")
    return found


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def test_every_alert_fires_when_it_should_and_only_then():
    done = subprocess.run([tool("promtool"), "test", "rules", "alerts_test.yml"], cwd=RULES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_shipped_configuration_of_prometheus_is_valid():
    done = subprocess.run([tool("promtool"), "check", "config", "prometheus.yml"], cwd=RULES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_and_a_runbook():
    alerts = re.findall(r"alert: (\w+)", (RULES / "alerts.yml").read_text())
    tested = re.findall(r"name: (\w+) fires", (RULES / "alerts_test.yml").read_text())
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs/runbooks.md").read_text(), re.M)
    links = re.findall(r"runbook: docs/runbooks.md#(\w+)", (RULES / "alerts.yml").read_text())
    assert len(alerts) > 10 and alerts == tested == sections and links == [name.lower() for name in alerts]


def test_alerts_use_only_metrics_that_are_documented():
    documented = set(re.findall(r"`((?:mendel|process)_\w+)`", (ROOT / "docs/metrics.md").read_text()))
    expressions = " ".join(re.findall(r"expr: (.*)", (RULES / "alerts.yml").read_text()))
    assert set(re.findall(r"mendel_\w+", expressions)) <= documented


def test_scraped_text_is_as_prometheus_asks_and_health_is_told(mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path, "a")
    coordinator_port, node_port = free_port(), free_port()
    plants.coordinator(settings=[f"metrics.listen=127.0.0.1:{coordinator_port}"])
    wait_for(plants.status, what="the coordinator answers")
    assert get(coordinator_port, "/healthz")[0] == 200
    wait_for(lambda: get(coordinator_port, "/readyz")[0] == 200, what="the coordinator is ready")
    assert " pending, " in get(coordinator_port, "/readyz")[1]
    node = mendel.start("--set", f"metrics.listen=127.0.0.1:{node_port}", "--data", tmp_path / "node", "node", "--name", "a", "--roles", "mutator-validator",
                        "--connect", plants.endpoint, "--key", plants.data / "keys/a.secret", "--server-key", plants.data / "keys/server.public")
    wait_for(lambda: node.poll() is None and port_open(node_port) and get(node_port, "/readyz")[0] == 200, what="the node is ready")
    wait_for(lambda: "mendel_stage_items_out_total{stage=\"validate\"} 0" not in get(node_port, "/metrics")[1], what="the node has validated")
    for port in (coordinator_port, node_port):
        text = get(port, "/metrics")[1]
        checked = subprocess.run([tool("promtool"), "check", "metrics"], input=text, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
    trace = re.search(r"trace=(\w{32}) stage=mutate", (tmp_path / "node/logs/collection/synthetic.log").read_text())[1]
    assert trace in (plants.data / "logs/collection/synthetic.log").read_text()  # the same item in both processes' logs


def port_open(port):
    try:
        get(port, "/healthz")
        return True
    except OSError:
        return False


def test_no_secret_appears_in_logs_metrics_arguments_or_environments(mendel, code, tmp_path):
    """F23: a real token in the environment, keys on disk; everything that a plant shows is searched for them."""
    token = "ghp_" + "Zq7" * 12
    plants = Nodes(mendel, code, tmp_path, "a")
    port = free_port()
    coordinator = mendel.start(*plant(plants.data, code, f"metrics.listen=127.0.0.1:{port}", "log.level=debug"), "coordinator", "--listen", plants.endpoint,
                               env={"GITHUB_TOKEN": token})
    node = mendel.start("--data", tmp_path / "node", "--log-level", "debug", "node", "--name", "a", "--roles", "mutator,linter,validator", "--connect", plants.endpoint,
                        "--key", plants.data / "keys/a.secret", "--server-key", plants.data / "keys/server.public", env={"GITHUB_TOKEN": token})
    wait_for(lambda: any(s["stage"] == "validate" and int(s.get("done", 0)) > 0 for s in plants.status().get("stages", [])), what="something is proven")
    secrets = [token] + [(plants.data / f"keys/{name}.secret").read_text().strip() for name in ("server", "a")]
    shown = {"metrics": get(port, "/metrics")[1], "status": json.dumps(plants.status()), "config": mendel("--data", plants.data, "config", "show").stdout}
    for family in (coordinator, node):
        for pid in descendants(family.pid):
            shown[f"arguments of {pid}"] = read(f"/proc/{pid}/cmdline")
            if pid != family.pid:
                shown[f"environment of {pid}"] = read(f"/proc/{pid}/environ")
    assert len(shown) > 5, "the node has helpers"
    node.terminate()
    coordinator.terminate()
    shown["said"] = "".join(process.communicate(timeout=60 * PATIENCE)[1] for process in (node, coordinator))
    for path in [*tmp_path.rglob("*.log"), *tmp_path.rglob("*.jsonl")]:
        shown[str(path)] = path.read_text(errors="replace")
    assert {name: secret for name, text in shown.items() for secret in secrets if secret in text} == {}


def descendants(pid):
    out, todo = [], [pid]
    while todo:
        one = todo.pop()
        out.append(one)
        todo += [int(word) for task in re.findall(r"\d+", " ".join(tasks(one))) for word in read(f"/proc/{one}/task/{task}/children").split()]
    return out


def tasks(pid):
    import os
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def test_the_view_for_one_terminal_has_its_four_panes_and_shows_the_plant(mendel, tmp_path):
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    data = tmp_path / "a plant"
    (data / "logs").mkdir(parents=True)
    (data / "logs/plant.log").write_text("a line of the log\n")
    environment = {**os.environ, "TMUX_TMPDIR": str(tmp_path), "MENDEL": str(mendel.path), "TERM": "xterm"}
    environment.pop("TMUX", None)

    def tmux(*words):
        return subprocess.run(["tmux", *words], env=environment, capture_output=True, text=True)
    try:
        done = subprocess.run([ROOT / "deploy/monitor.sh", data], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

        def shown():
            return [tmux("capture-pane", "-p", "-t", f"mendel-monitor.{pane}").stdout for pane in range(4)]
        wait_for(lambda: any("a line of the log" in text for text in shown()), what="the log is shown")
        wait_for(lambda: any("Filesystem" in text for text in shown()), what="the disk is shown")
        wait_for(lambda: any("no plant runs" in text for text in shown()), what="the live view says that no plant runs")
    finally:
        tmux("kill-server")
    assert "no such folder" in subprocess.run([ROOT / "deploy/monitor.sh", tmp_path / "none"], env=environment, capture_output=True, text=True).stderr
