"""The dashboards: current, well formed, and every panel's query answered with data by a real Prometheus that scrapes
a small real plant of two nodes."""
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from conftest import BUILD, ROOT, program
from test_plant import Nodes, code, free_port, wait_for  # noqa: F401  (code is a fixture)

FOLDER = ROOT / "grafana/dashboards"
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
UNITS = {"short", "percentunit", "s", "ops", "Bps", "bytes"}
KINDS = {"timeseries", "stat", "bargauge"}


def panels():
    return [(name, panel) for name, board in DASHBOARDS.items() for panel in board["panels"]]


def test_the_files_are_what_the_generator_writes():
    done = subprocess.run([sys.executable, ROOT / "grafana/generate.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_panels_are_complete_and_do_not_overlap():
    for name, board in DASHBOARDS.items():
        assert board["uid"] == f"mendel-{name}" and {v["name"] for v in board["templating"]["list"]} == {"datasource", "instance", "runbooks"}
        taken = set()
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        for panel in board["panels"]:
            grid = panel["gridPos"]
            cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
            assert not cells & taken and grid["x"] + grid["w"] <= 24, (name, panel["title"])
            taken |= cells
            assert panel["type"] in KINDS and panel["fieldConfig"]["defaults"]["unit"] in UNITS
            assert panel["targets"] and all("$instance" in target["expr"] for target in panel["targets"])


def test_the_overview_has_the_18_rows_of_the_progress_box():
    bars = [panel for panel in DASHBOARDS["overview"]["panels"] if panel["type"] == "bargauge"]
    names = [target["legendFormat"].split()[0] for target in bars[0]["targets"]]
    assert names == [f"P{phase}.{row}" for phase, rows in ((1, 4), (2, 5), (3, 5), (4, 4)) for row in range(1, rows + 1)]


def test_links_lead_to_runbooks_that_are_there():
    sections = {section.lower() for section in re.findall(r"^## (\w+)$", (ROOT / "docs/runbooks.md").read_text(), re.M)}
    links = [link["url"].split("#")[1] for _, panel in panels() for link in panel.get("links", [])]
    assert len(links) > 10 and set(links) <= sections


def test_the_json_has_the_types_of_grafanas_own_schema(tmp_path):
    schema = os.environ.get("GRAFANA_SCHEMA")
    if not schema or not (Path(schema) / "node_modules/@grafana/schema").exists():
        pytest.skip("GRAFANA_SCHEMA names no folder with @grafana/schema and typescript")
    work = Path(schema)
    lines = ["import type { Dashboard } from '@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen';"]
    # In JSON an enumeration is one of its words.
    lines += ["type Json<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T : T extends object ? {[K in keyof T]: Json<T[K]>} : T;"]
    lines += [f"const {name}: Json<Dashboard> = {json.dumps(board)};\nexport {{ {name} }};" for name, board in DASHBOARDS.items()]
    (work / "check.ts").write_text("\n".join(lines))
    done = subprocess.run([work / "node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--moduleResolution", "node", "--target", "es2020", "check.ts"], cwd=work,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


class Prometheus:
    def __init__(self, folder, targets):
        self.port = free_port()
        (folder / "prometheus.yml").write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [{"job_name": "mendel", "static_configs": [{"targets": targets}]}]}))
        self.process = subprocess.Popen([shutil.which("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address=127.0.0.1:{self.port}"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def query(self, expression):
        """The values of an instant query; fails the test if it does not parse; None while the server starts."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression}), timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as refused:
            if refused.code == 400:
                pytest.fail(f"{expression}: {refused.read().decode()}")
            return None
        except OSError:
            return None

    def stop(self):
        self.process.kill()
        self.process.wait()


def as_asked(expression):
    return expression.replace("$__rate_interval", "15s").replace("$instance", ".+")


@pytest.fixture
def prometheus(tmp_path):
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not installed")
    started = []

    def start(targets):
        started.append(Prometheus(tmp_path, targets))
        return started[0]
    yield start
    for server in started:
        server.stop()


def fake_gpu(folder):
    """What the kernel shows of an AMD card: this machine may have none."""
    device = folder / "class/drm/card0/device"
    device.mkdir(parents=True)
    for name, value in (("gpu_busy_percent", 40), ("mem_info_vram_used", 1 << 30), ("mem_info_vram_total", 1 << 34)):
        (device / name).write_text(f"{value}\n")
    return folder


def test_every_panel_is_answered_with_data(prometheus, mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path, "a", "gpu")
    ports = [free_port(), free_port()]
    sys_folder = fake_gpu(tmp_path / "sys")
    plants.coordinator(settings=[f"metrics.listen=127.0.0.1:{ports[0]}", f"metrics.sys={sys_folder}", "train.minutes=0.05", "train.evaluations=1", "train.threads=1"])
    mendel.start("--set", f"metrics.listen=127.0.0.1:{ports[1]}", "--data", tmp_path / "node", "node", "--name", "a", "--roles", "mutator-linter-validator-encoder",
                 "--connect", plants.endpoint, "--key", plants.data / "keys/a.secret", "--server-key", plants.data / "keys/server.public")
    trains = (BUILD / "mendel-trainer").exists()
    if trains:
        trainer = program("mendel-trainer", tmp_path)
        trainer.start("--data", tmp_path / "gpu", "node", "--name", "gpu", "--roles", "trainer", "--connect", plants.endpoint, "--key", plants.data / "keys/gpu.secret",
                      "--server-key", plants.data / "keys/server.public")
    server = prometheus([f"127.0.0.1:{port}" for port in ports])
    asked = [(name, panel["title"], as_asked(target["expr"])) for name, panel in panels() for target in panel["targets"] if trains or name != "training"]
    empty = list(asked)

    def all_answered():
        empty[:] = [one for one in empty if not server.query(one[2])]
        return not empty
    try:
        wait_for(all_answered, seconds=150, what="every panel has an answer")
    except BaseException:
        print("without an answer:", *empty, sep="\n  ")
        raise
    finally:
        if trains:
            trainer.stop_all()
