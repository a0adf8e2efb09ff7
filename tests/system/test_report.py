"""mendel report: the numbers are those of the plant, running or not."""
import json

from test_plant import Nodes, code, plant, wait_for  # noqa: F401  (code is a fixture)


def rows(shown):
    return {row["id"]: row for row in shown["rows"]}


def test_the_report_of_a_finished_dataset_has_the_numbers_of_its_manifest(mendel, code, tmp_path):
    data = tmp_path / "data"
    funnel = json.loads(mendel(*plant(data, code), "--json", "up", "--until", "dataset").stdout)["funnel"]
    shown = json.loads(mendel("--data", data, "--json", "report").stdout)
    found = rows(shown)
    assert len(found) == 18 and not shown["running"]
    assert found["P1.3"]["done"] == funnel["mutate.pairs"] and found["P2.3"]["done"] == funnel["validate.pairs"] and found["P2.4"]["done"] == funnel["encode.rows"]
    assert found["P2.1"]["done"] == json.loads((data / "dataset/manifest.json").read_text())["tokenizer"]["vocabulary"] and found["P2.5"]["percent"] == 100
    assert found["P1.2"]["done"] is None and found["P3.1"]["text"] == "Not started" and found["P4.3"]["text"] == "Conditional"
    text = mendel("--data", data, "report").stdout
    assert f"{funnel['mutate.pairs']}/500K pairs" in text and "Day 1/10" in text and "| CPU Utilization | " in text
    mendel("--data", data, "report", "--box", "--out", tmp_path / "box.txt")
    assert (tmp_path / "box.txt").read_text() in text


def test_the_report_of_a_running_plant_is_live(mendel, code, tmp_path):
    plants = Nodes(mendel, code, tmp_path, "a")
    plants.coordinator()
    plants.node("a")

    def live():
        done = mendel("--data", plants.data, "--json", "report", status=None)
        return done.returncode == 0 and json.loads(done.stdout)
    shown = wait_for(lambda: (live() or {}).get("running") and live(), what="the report is live")
    wait_for(lambda: (rows(live())["P1.3"]["done"] or 0) > 0, what="pairs are counted")
    assert shown["phase"] == "collect" or shown["phase"] in ("reduce", "encode", "finalise", "train")


def test_without_a_plant_nothing_is_invented(mendel, tmp_path):
    shown = json.loads(mendel("--data", tmp_path / "none", "--json", "report").stdout)
    assert {row["done"] for row in shown["rows"]} == {None} and shown["overall_percent"] == 0 and shown["eta_s"] is None
