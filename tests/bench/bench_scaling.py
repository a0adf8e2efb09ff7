"""How the plant scales: nodes on sleeping work, the coordinator's ceiling, and a simulation of 1,000 nodes on costs
that this run measured. --page prints docs/scaling.md's tables; else JSON rows for run.py.

Usage: tests/bench/bench_scaling.py BUILD [--page]
"""
import heapq
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SLEEP_MS, WORKERS, HELD = 50, 4, 16  # one node: 80 items/s at best
SECONDS = 4
PAIRS = 100_000_000
CORES = 16  # of one simulated node
NETWORK_BYTES_S, DISK_BYTES_S = 1.25e9, 1e9  # of the coordinator: 10 Gbit/s, one NVMe disk
CARRIED = 2  # times that a pair's bytes go over the network (results in, input out) and to the disk (log, table)
LEASE_ITEMS = 64


def bench(build, nodes, workers, held, sleep_ms, items):
    done = subprocess.run([build / "bench_scaling", *map(str, (nodes, workers, held, sleep_ms, items))], capture_output=True, text=True, check=True, timeout=300)
    return json.loads(done.stdout)


def sleeping_nodes(build):
    """Rows of 1, 2, 4, 8 nodes whose work sleeps."""
    rows = [bench(build, nodes, WORKERS, HELD, SLEEP_MS, nodes * WORKERS * 1000 // SLEEP_MS * SECONDS) for nodes in (1, 2, 4, 8)]
    for row in rows:
        row["factor"] = row["items_per_s"] / rows[0]["items_per_s"]
    return rows


def queue_costs(build):
    """Microseconds an item, from put to done, by backend; NATS where its server is."""
    costs = {"embedded": json.loads(subprocess.run([build / "bench_scaling", "queue", "", "20000"], capture_output=True, text=True, check=True).stdout)["all_us"]}
    if not shutil.which("nats-server"):
        return costs
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        server = subprocess.Popen(["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 20
            while socket.socket().connect_ex(("127.0.0.1", port)) != 0 and time.monotonic() < until:
                time.sleep(0.05)
            done = subprocess.run([build / "bench_scaling", "queue", f"nats://127.0.0.1:{port}", "20000"], capture_output=True, text=True, timeout=120)
            if done.returncode == 0:
                costs["nats"] = json.loads(done.stdout)["all_us"]
        finally:
            server.kill()
            server.wait()
    return costs


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def stage_costs(build):
    """Core seconds and counts by stage of a real run over a few packages, and bytes in the store per pair."""
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "code"
        stdlib = Path(json.__file__).parent.parent
        for name in ("json", "email", "html", "logging", "http", "xml", "unittest", "concurrent"):
            shutil.copytree(stdlib / name, code / name, ignore=shutil.ignore_patterns("__pycache__", "test*"))
        port, data = free_port(), Path(folder) / "data"
        process = subprocess.Popen([build / "mendel", "--config", ROOT / "deploy/profiles/smoke.toml", "--data", data, "--set", f'sources.python=["{code}"]', "--set",
                                    f"metrics.listen=127.0.0.1:{port}", "up", "--until", "dataset"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        text = ""
        while process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
                    text = answer.read().decode()
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.1)
        size = sum(path.stat().st_size for path in (data / "store").rglob("*") if path.is_file())

    def value(name, stage):
        found = re.search(rf'^{name}{{stage="{stage}"}} (\S+)', text, re.M)
        return float(found[1]) if found else 0.0
    costs = {stage: {"items": value("mendel_stage_items_out_total", stage), "seconds": value("mendel_stage_seconds_total", stage)} for stage in ("mutate", "lint", "validate", "encode")}
    pairs = value("mendel_stage_pairs_total", "mutate") + value("mendel_stage_pairs_total", "lint")
    return costs, pairs, size / max(pairs, 1)


def simulate(nodes, pairs, items_per_pair, seconds_per_item, coordinator_s, bytes_per_pair):
    """Leases as events: the coordinator serves one at a time; its network and disk carry each pair's bytes.
    Answers (wall seconds, share of that time in which coordinator, network and disk, nodes' cores were busy)."""
    items = int(pairs * items_per_pair)
    work_s = seconds_per_item * LEASE_ITEMS / CORES
    carry_s = CARRIED * bytes_per_pair / items_per_pair * LEASE_ITEMS / min(NETWORK_BYTES_S, DISK_BYTES_S)
    serve_s = coordinator_s * LEASE_ITEMS
    asking = [(0.0, node) for node in range(nodes)]
    coordinator_free = carrier_free = last = 0.0
    for _ in range(items // LEASE_ITEMS):
        asked, node = heapq.heappop(asking)
        coordinator_free = max(asked, coordinator_free) + serve_s
        carrier_free = max(coordinator_free, carrier_free) + carry_s
        last = carrier_free + work_s
        heapq.heappush(asking, (last, node))
    leases = items // LEASE_ITEMS
    end = max(last, coordinator_free, carrier_free)
    return end, leases * serve_s / end, leases * carry_s / end, leases * work_s / end / nodes


def main():
    build, page = Path(sys.argv[1]).resolve(), "--page" in sys.argv
    rows = sleeping_nodes(build)
    ceiling = bench(build, 4, 64, 512, 0, 60_000)
    by_nodes = {row["nodes"]: row for row in rows}
    for nodes, target in ((2, 1.8), (4, 3.5), (8, 7.0)):
        factor = by_nodes[nodes]["factor"]
        print(json.dumps({"bench": f"{nodes} nodes on work that sleeps, beside one", "mendel": by_nodes[nodes]["items_per_s"], "peer": rows[0]["items_per_s"],
                          "peer_name": "Mendel, one node", "unit": "items/s", "ratio": factor, "target": f">= {target}x", "met": factor >= target}))
    print(json.dumps({"bench": "one coordinator, lease to ack, four nodes whose work costs nothing", "mendel": ceiling["items_per_s"], "peer": None, "peer_name": "",
                      "unit": "items/s", "ratio": None, "target": "", "met": True}))
    if not page:
        return
    costs, made, bytes_per_pair = stage_costs(build)
    items = sum(cost["items"] for cost in costs.values())
    seconds = sum(cost["seconds"] for cost in costs.values())
    coordinator_s = (ceiling["coordinator_cpu_us_per_item"] + ceiling["plan_cpu_us_per_item"]) * 1e-6
    print("\n| nodes | items/s | beside one |\n|---|---|---|")
    for row in rows:
        print(f"| {row['nodes']} | {row['items_per_s']:.0f} | {row['factor']:.2f}× |")
    print(f"\nCeiling: {ceiling['items_per_s']:,.0f} items/s here, all ends on this machine; {ceiling['coordinator_cpu_us_per_item']:.1f} µs of the coordinator's thread an item, "
          f"{ceiling['plan_cpu_us_per_item']:.1f} µs to plan it.")
    print(f"\nMeasured for the simulation: {made:.0f} pairs from {items:.0f} items in {seconds:.1f} s of workers; {bytes_per_pair:.0f} bytes in the store a pair.")
    for stage, cost in costs.items():
        print(f"  {stage}: {cost['items']:.0f} items, {cost['seconds'] / max(cost['items'], 1) * 1e3:.2f} ms each")
    queues = queue_costs(build)
    print("\nA queue's part of it, put to done: " + ", ".join(f"{name} {cost:.1f} µs an item" for name, cost in queues.items()))
    print("\n| nodes of 16 cores | 100 M pairs take | coordinator busy | network and disk busy | cores busy |\n|---|---|---|---|---|")
    for nodes in (1, 10, 30, 100, 300, 1000):
        end, coordinator, carrier, cores = simulate(nodes, PAIRS, items / made, seconds / items, coordinator_s, bytes_per_pair)
        print(f"| {nodes} | {end / 3600:.2f} h | {coordinator:.0%} | {carrier:.0%} | {cores:.0%} |")


if __name__ == "__main__":
    main()
