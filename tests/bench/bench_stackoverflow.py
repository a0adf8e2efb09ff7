"""Mining a Stack Overflow dump: the whole way beside the bare decompressor, the scanner beside expat, memory.

Usage: bench_stackoverflow.py BUILD. The dump is invented (make_dump.py) and packed as the real ones are (LZMA2). CPU seconds of user
and system of whole processes; each is run several times by turns and the least counts.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
from archives import write_archive  # noqa: E402

MEGABYTES = 64
RUNS = 3
RSS_MAX_MIB = 200


def spent(command):
    """CPU seconds, peak resident MiB and output of a process."""
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, said = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said.decode()
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out


def pack(xml, packed):
    write_archive(packed, [("Posts.xml", blocks(xml), xml.stat().st_size)], options="compression=lzma2,compression-level=5")


def packed_by_itself(xml, packed):
    """In a process of its own: what a child of ours seems to need is never less than what we need."""
    subprocess.run([sys.executable, __file__, "--pack", xml, packed], check=True)


def blocks(path):
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            yield piece


def emit(bench, mendel, peer, peer_name, unit, target, met, ratio=None):
    print(json.dumps({"bench": bench, "mendel": round(mendel, 3), "peer": None if peer is None else round(peer, 3), "peer_name": peer_name, "unit": unit,
                      "ratio": ratio if ratio is not None else round(mendel / peer, 3), "target": target, "met": bool(met)}))


def main():
    build = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        xml, packed = Path(folder, "Posts.xml"), Path(folder, "stackoverflow.com-Posts.7z")
        subprocess.run([sys.executable, Path(__file__).with_name("make_dump.py"), str(MEGABYTES), xml], check=True)
        packed_by_itself(xml, packed)
        bare, whole, resident = [], [], []
        for _ in range(RUNS):
            bare.append(spent([build / "bench_stackoverflow", "unpack", packed])[0])
            cpu, rss, _ = spent([build / "mendel", "--data", folder + "/data", "mine", "stackoverflow", packed, "--jobs", "1", "--out", folder + "/pairs"])
            whole.append(cpu)
            resident.append(rss)
        scans = [json.loads(spent([build / "bench_stackoverflow", "scan", xml])[2]) for _ in range(RUNS)]
        posts, size = scans[0]["rows"], xml.stat().st_size
        pairs = sum(1 for _ in open(folder + "/pairs"))
        print(f"{posts} posts, {size >> 20} MB packed to {packed.stat().st_size >> 20} MB, {scans[0]['wanted']} questions about Python, {pairs} pairs")
        emit("Stack Overflow, .7z to pairs", posts / min(whole), posts / min(bare), "libarchive, unpacking alone", "posts/s", ">= 0.9x",
             min(bare) / min(whole) >= 0.9)
        scanner, expat = min(s["scanner_s"] for s in scans), min(s["expat_s"] for s in scans)
        emit("Stack Overflow, rows alone", posts / scanner, posts / expat, "expat", "posts/s", "", True)
        emit("Stack Overflow, rows alone, bytes", size / scanner / 1e6, size / expat / 1e6, "expat", "MB/s", "", True)
        emit("Stack Overflow, resident memory", max(resident), None, None, "MiB", f"< {RSS_MAX_MIB}", max(resident) < RSS_MAX_MIB, ratio=0)


if __name__ == "__main__":
    if sys.argv[1] == "--pack":
        pack(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
