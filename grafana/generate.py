"""Writes grafana/dashboards/*.json from the tables below: one row a panel. A test holds the files to this script.

Usage: grafana/generate.py [--check]      --check: write nothing, status 1 if a file is not what would be written
"""
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNBOOKS = "${runbooks}"  # a variable: where docs/runbooks.md can be read here
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
LINK = {"asDropdown": False, "icon": "external link", "includeVars": False, "keepTime": False, "tags": [], "targetBlank": False, "tooltip": "", "url": ""}
I = 'instance=~"$instance"'  # every query looks at the machines that were chosen
RATE = "[$__rate_interval]"


def panel(title, *queries, kind="timeseries", unit="short", width=8, height=8, steps=(), stack=False, about="", runbook="", maximum=None):
    """`queries` are (expression, legend); `steps` (value, colour) from which a threshold counts."""
    return dict(title=title, queries=queries, kind=kind, unit=unit, width=width, height=height, steps=steps, stack=stack, about=about, runbook=runbook, maximum=maximum)


def share(expression, target):
    return f"clamp_max(({expression}) / {target}, 1)"


def counted(stage, counter):
    return f'(sum(mendel_counted{{{I}, stage=~"{stage}", counter="{counter}"}}) or vector(0))'


def artifact(kind):
    return f'clamp_max(sum(mendel_artifacts{{{I}, kind="{kind}"}}), 1)'


def stage_of_training(number):
    return f'(max(mendel_training_stage{{{I}}} > bool {number}) or vector(0))'


BOX = [
    ("P1.1 GitHub Mining", share(counted("mine|mine_github|mine_release", "pairs"), 500000)),
    ("P1.2 Stack Overflow", share(counted("mine_stackoverflow|stackoverflow", "pairs"), 100000)),
    ("P1.3 Synthetic Gen", share(counted("mutate", "pairs"), 500000)),
    ("P1.4 Linter Execution", share(counted("lint", "pairs"), 300000)),
    ("P2.1 Vocabulary", artifact("vocabulary")),
    ("P2.2 Tokenization", share(counted("encode", "rows"), 1400000)),
    ("P2.3 Validation", share(counted("validate", "pairs"), 1400000)),
    ("P2.4 Grid Encoding", share(counted("encode", "rows"), 1200000)),
    ("P2.5 Finalization", artifact("dataset")),
    ("P3.1 Stage 1 (Syntax)", stage_of_training(1)),
    ("P3.2 Stage 2 (Logic)", stage_of_training(2)),
    ("P3.3 Stage 3 (Complex)", stage_of_training(3)),
    ("P3.4 Stage 4 (Advanced)", stage_of_training(4)),
    ("P3.5 Stage 5 (Full)", stage_of_training(5)),
    ("P4.1 Benchmarking", artifact("benchmark")),
    ("P4.2 Error Analysis", artifact("analysis")),
    ("P4.3 Fine-tuning", artifact("finetune")),
    ("P4.4 Export", artifact("export")),
]
BAD_FROM = ((None, "green"), (1, "red"))
GOOD_FROM = ((None, "red"), (1, "green"))
COLLECTING = 'stage=~"mine.*|stackoverflow|mutate|lint"'

DASHBOARDS = {
    "overview": ("Overview", [
        panel("Progress by row", *[(expression, title) for title, expression in BOX], kind="bargauge", unit="percentunit", width=10, height=20, maximum=1,
              about="The specification's 18 rows, each as the share of its target; a stage of training counts once a later one runs."),
        panel("Phase", (f'mendel_phase{{{I}}} == 1', "{{phase}}"), kind="stat", width=5, height=5),
        panel("Left in this phase", (f'mendel_phase_left_seconds{{{I}}} or on() vector(0)', ""), kind="stat", unit="s", width=4, height=5, about="0 while unknown."),
        panel("Ready", (f'min(mendel_ready{{{I}}})', ""), kind="stat", width=5, height=5, steps=GOOD_FROM, runbook="mendelnotready"),
        panel("Pairs", (f'sum by (state) (mendel_pairs{{{I}}})', "{{state}}"), width=14, height=8),
        panel("Items done", (f'sum by (stage) (rate(mendel_stage_items_out_total{{{I}}}{RATE}))', "{{stage}}"), unit="ops", width=9, height=7),
        panel("Dead letters", (f'sum(mendel_dead_letters{{{I}}})', ""), kind="stat", width=5, height=7, steps=BAD_FROM, runbook="mendeldeadletters"),
    ]),
    "collection": ("Collection", [
        panel("Pairs made", (f'sum by (stage) (rate(mendel_stage_pairs_total{{{I}, {COLLECTING}}}{RATE}))', "{{stage}}"), unit="ops", width=12),
        panel("Pairs by source", (f'sum by (stage) (mendel_counted{{{I}, counter="pairs", {COLLECTING}}})', "{{stage}}"), width=12, stack=True),
        panel("Items waiting", (f'sum by (stage) (mendel_stage_depth{{{I}, {COLLECTING}}})', "{{stage}}"), runbook="mendelnoprogress"),
        panel("Seconds an item, 95 %", (f'histogram_quantile(0.95, sum by (le, stage) (rate(mendel_stage_seconds_bucket{{{I}, {COLLECTING}}}{RATE}))) >= 0 or on() vector(0)', "{{stage}}"), unit="s",
              about="0 while nothing ran."),
        panel("Inputs turned away, by reason", (f'topk(15, sum by (stage, reason) (mendel_rejected{{{I}, stage!="validate"}}))', "{{stage}}: {{reason}}")),
        panel("Bytes", (f'sum by (direction) (rate(mendel_stage_bytes_total{{{I}, {COLLECTING}}}{RATE}))', "{{direction}}"), unit="Bps"),
        panel("Attempts that failed", (f'sum by (stage, kind) (increase(mendel_stage_failed_total{{{I}, {COLLECTING}}}[10m]))', "{{stage}}: {{kind}}"), width=12, runbook="mendelstagefailing"),
        panel("What the stages counted", (f'topk(20, sum by (stage, counter) (mendel_counted{{{I}, {COLLECTING}}}))', "{{stage}}: {{counter}}"), width=12),
    ]),
    "validation": ("Validation", [
        panel("Accepted share", (f'sum(mendel_counted{{{I}, stage="validate", counter="accepted"}}) / sum(mendel_counted{{{I}, stage="validate", counter="pairs"}})', ""), kind="stat",
              unit="percentunit", steps=((None, "red"), (0.85, "green")), about="The specification asks for 85 %.", runbook="mendelrejectionshigh"),
        panel("Pairs looked at", (f'sum(mendel_counted{{{I}, stage="validate", counter="pairs"}})', "looked at"), (f'sum(mendel_counted{{{I}, stage="validate", counter="accepted"}})', "accepted"), width=16),
        panel("Rejected, by reason", (f'topk(15, sum by (reason) (mendel_rejected{{{I}, stage="validate"}})) or on() vector(0)', "{{reason}}"), width=12),
        panel("Proofs", (f'sum(rate(mendel_stage_items_out_total{{{I}, stage=~"validate|test"}}{RATE}))', "batches"), unit="ops", width=12),
        panel("Seconds a batch", *[(f'histogram_quantile({q}, sum by (le) (rate(mendel_stage_seconds_bucket{{{I}, stage="validate"}}{RATE}))) >= 0 or on() vector(0)', f"{int(q * 100)} %") for q in (0.5, 0.95)],
              unit="s", width=12),
        panel("Grids", (f'sum(mendel_counted{{{I}, stage="encode", counter="rows"}})', "rows"), width=12),
    ]),
    "queue": ("Queue and nodes", [
        panel("Depth", (f'sum by (stage) (mendel_stage_depth{{{I}}})', "{{stage}}"), width=12, stack=True, runbook="mendelnoprogress"),
        panel("Leased", (f'sum by (stage) (mendel_stage_leases{{{I}}})', "{{stage}}"), width=12, stack=True),
        panel("Results", (f'sum(rate(mendel_results_stored_total{{{I}}}{RATE}))', "stored"), (f'sum(rate(mendel_results_duplicate_total{{{I}}}{RATE}))', "duplicate"), unit="ops"),
        panel("Attempts failed and retried", (f'sum(increase(mendel_attempts_failed_total{{{I}}}[10m]))', "failed"), (f'sum(increase(mendel_stage_retries_total{{{I}}}[10m]))', "again"), runbook="mendelstagefailing"),
        panel("Longest lease", (f'max(mendel_lease_age_max_seconds{{{I}}})', ""), unit="s", steps=((None, "green"), (7200, "red")), runbook="mendelleasetooold"),
        panel("Nodes", (f'sum(mendel_nodes{{{I}}})', ""), kind="stat", width=4, steps=GOOD_FROM, runbook="mendelnonodes"),
        panel("Silence of nodes", (f'max by (node) (mendel_node_silence_seconds{{{I}}})', "{{node}}"), unit="s", width=10, steps=((None, "green"), (15, "red")), runbook="mendelnodesilent"),
        panel("Results by node", (f'sum by (node) (mendel_node_results{{{I}}})', "{{node}}"), width=10),
        panel("Wire", (f'sum by (direction) (rate(mendel_wire_bytes_total{{{I}}}{RATE}))', "{{direction}}"), unit="Bps", width=12),
        panel("Turned away on the wire", (f'sum by (fault) (increase(mendel_wire_faults_total{{{I}}}[10m]))', "{{fault}}"), width=12, steps=BAD_FROM, runbook="mendelunknownkeys"),
    ]),
    "training": ("Training", [
        panel("Loss", (f'mendel_training_loss{{{I}}}', "loss"), width=12, runbook="mendellossnotfinite"),
        panel("Exact fixes of held-out bugs", (f'mendel_training_exact_share{{{I}}}', "at {{false_alarms}} false alarms"), unit="percentunit", width=12),
        panel("Step", (f'mendel_training_step{{{I}}}', "step"), kind="stat", width=6, height=5, runbook="mendeltrainingstuck"),
        panel("Samples", (f'mendel_training_samples{{{I}}}', "samples"), kind="stat", width=6, height=5),
        panel("Throughput", (f'mendel_training_samples_per_second{{{I}}}', "samples/s"), kind="stat", width=6, height=5, steps=((None, "red"), (3.5, "green")), about="The specification asks for 3.5 samples/s."),
        panel("Run done", (f'mendel_training_cpu_seconds{{{I}}} / mendel_training_cpu_planned_seconds{{{I}}}', ""), kind="stat", unit="percentunit", width=6, height=5),
    ]),
    "host": ("GPU and host", [
        panel("CPU busy", (f'sum by (instance) (rate(mendel_host_cpu_seconds_total{{{I}, mode="busy"}}{RATE})) / on (instance) max by (instance) (mendel_host_cores{{{I}}})', "{{instance}}"), unit="percentunit",
              width=12, maximum=1),
        panel("Memory left", (f'mendel_host_memory_bytes{{{I}, state="available"}} / on (instance) group_left mendel_host_memory_bytes{{{I}, state="total"}}', "{{instance}}"), unit="percentunit", width=12, maximum=1,
              steps=((None, "red"), (0.05, "green")), runbook="mendelmemoryshort"),
        panel("Disk traffic", (f'sum by (instance, direction) (rate(mendel_host_disk_bytes_total{{{I}}}{RATE}))', "{{instance}} {{direction}}"), unit="Bps", width=12),
        panel("Disk with the data, free", (f'mendel_data_disk_bytes{{{I}, state="free"}}', "{{instance}}"), unit="bytes", width=12, steps=((None, "red"), (5e9, "green")), runbook="mendeldiskfilling"),
        panel("GPU busy", (f'mendel_gpu_busy_ratio{{{I}}}', "{{instance}} {{gpu}}"), unit="percentunit", width=12, maximum=1, runbook="mendelgpuidle"),
        panel("GPU memory", (f'mendel_gpu_memory_bytes{{{I}, state="used"}}', "{{instance}} {{gpu}} used"), (f'mendel_gpu_memory_bytes{{{I}, state="total"}}', "{{instance}} {{gpu}} total"), unit="bytes", width=12),
        panel("Processes: memory", (f'process_resident_memory_bytes{{{I}}}', "{{instance}}"), unit="bytes"),
        panel("Processes: cores", (f'rate(process_cpu_seconds_total{{{I}}}{RATE})', "{{instance}}"), unit="short"),
        panel("Processes: open files", (f'process_open_fds{{{I}}}', "{{instance}}")),
    ]),
}


def placed(panels):
    """Grid positions: left to right, a new line where the width is used up; panels of one line share its height unless they fit under each other beside a tall one."""
    x = y = line = 0
    tall = None  # (x where free space begins, y where it ends)
    for one in panels:
        left = tall[0] if tall and y < tall[1] else 0
        if x < left:
            x = left
        if x + one["width"] > COLUMNS:
            y, line = y + line, 0
            x = tall[0] if tall and y < tall[1] else 0
        yield one, {"h": one["height"], "w": one["width"], "x": x, "y": y}
        if one["height"] > 12:
            tall = (x + one["width"], y + one["height"])
        else:
            line = max(line, one["height"])
        x += one["width"]


def panel_json(number, one, grid):
    defaults = {"unit": one["unit"], "thresholds": {"mode": "absolute", "steps": [{"color": colour, "value": value} for value, colour in one["steps"] or ((None, "green"),)]}, "mappings": []}
    if one["maximum"] is not None:
        defaults.update(min=0, max=one["maximum"])
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "orientation": "auto"}
    if one["kind"] == "timeseries":
        defaults["custom"] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 20 if one["stack"] else 5, "showPoints": "never", "stacking": {"mode": "normal" if one["stack"] else "none", "group": "A"}}
        options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}, "tooltip": {"mode": "multi", "sort": "desc"}}
    elif one["kind"] == "bargauge":
        options = {**options, "orientation": "horizontal", "displayMode": "basic"}
    elif one["kind"] == "stat":
        options = {**options, "textMode": "value_and_name" if one["title"] == "Phase" else "auto", "colorMode": "value", "graphMode": "none"}
    out = {
        "id": number, "type": one["kind"], "title": one["title"], "description": one["about"], "gridPos": grid, "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
        "targets": [{"refId": f"Q{n + 1}", "datasource": SOURCE, "expr": expression, "legendFormat": legend or "__auto", "editorMode": "code", "range": one["kind"] == "timeseries", "instant": one["kind"] != "timeseries"}
                    for n, (expression, legend) in enumerate(one["queries"])],
    }
    if one["runbook"]:
        out["links"] = [{**LINK, "title": "Runbook", "type": "link", "url": f"{RUNBOOKS}#{one['runbook']}", "targetBlank": True}]
    return out


def variables():
    query = "label_values(mendel_build_info, instance)"
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {"text": "", "value": ""}, "hide": 0, "includeAll": False, "multi": False, "options": [], "refresh": 1, "regex": ""},
        {"name": "instance", "label": "Process", "type": "query", "datasource": SOURCE, "query": {"query": query, "refId": "V1"}, "current": {"text": "", "value": ""}, "hide": 0, "includeAll": True,
         "allValue": ".+", "multi": True, "options": [], "refresh": 2, "regex": "", "sort": 1},
        {"name": "runbooks", "label": "Runbooks at", "type": "textbox", "query": "docs/runbooks.md", "current": {"text": "docs/runbooks.md", "value": "docs/runbooks.md"}, "hide": 0, "options": []},
    ]


def dashboard(name):
    title, panels = DASHBOARDS[name]
    return {
        "uid": f"mendel-{name}", "title": f"Mendel: {title}", "tags": ["mendel"], "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "timezone": "browser", "refresh": "15s",
        "time": {"from": "now-6h", "to": "now"}, "templating": {"list": variables()}, "annotations": {"list": []},
        "links": [{**LINK, "title": "Mendel", "type": "dashboards", "tags": ["mendel"], "asDropdown": True, "includeVars": True, "keepTime": True}],
        "panels": [panel_json(number + 1, one, grid) for number, (one, grid) in enumerate(placed(panels))],
    }


def main():
    check = sys.argv[1:] == ["--check"]
    stale = []
    for name in DASHBOARDS:
        path = HERE / "dashboards" / f"{name}.json"
        text = json.dumps(dashboard(name), indent=1, ensure_ascii=False) + "\n"
        if check and (not path.exists() or path.read_text() != text):
            stale.append(path.name)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    if stale:
        print("not what grafana/generate.py writes:", ", ".join(stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
