"""The last step of the demo: breaks a file of a package that the model never saw, and has it mended.

Usage: demo_repair.py MENDEL DATA PAIRS.jsonl ROOT...
PAIRS.jsonl: held-out pairs with their sides; ROOT: the folders that the demo collected from.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

CANDIDATES = 25  # held-out bugs that are tried before the demo gives up


def indented(text, prefix):
    return "\n".join(prefix + line if line else line for line in text.split("\n"))


def broken_file(pair, roots):
    """(path, original text, text with the bug) of the file that the pair's function comes from, or nothing."""
    for root in roots:
        path = Path(root) / pair["source"]["path"]
        if not path.is_file():
            continue
        text = path.read_text(errors="surrogateescape")
        for width in (0, 4, 8):
            good, bad = indented(pair["fixed"], " " * width), indented(pair["buggy"], " " * width)
            if text.count(good) == 1:
                return path, text, text.replace(good, bad)
    return None


def main():
    mendel, data, pairs, *roots = sys.argv[1:]
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    work = Path(data) / "demo-repair"
    work.mkdir(parents=True, exist_ok=True)
    tried = 0
    for line in open(pairs):
        pair = json.loads(line)
        found = broken_file(pair, roots)
        if not found or pair["bug"]["class"] == "none":
            continue
        if tried == CANDIDATES:
            break
        tried += 1
        origin, original, broken = found
        target = work / origin.name
        target.write_text(broken, errors="surrogateescape")
        done = subprocess.run([mendel, "--data", data, "repair", str(target)], capture_output=True, text=True)
        if done.returncode not in (0, 1) or not done.stdout.strip():
            continue
        subprocess.run([mendel, "--data", data, "repair", "--write", str(target)], capture_output=True, text=True)
        if target.read_text(errors="surrogateescape") != original:
            target.write_text(broken, errors="surrogateescape")
            continue
        target.write_text(broken, errors="surrogateescape")
        print(f"File {origin}, function {pair['source']['symbol']}: a bug of the kind {pair['bug']['type']} was put in.")
        print(f"({tried} held-out file{'s' if tried > 1 else ''} tried until one came back exactly as it was.)")
        print(f"$ mendel repair {target}")
        for row in done.stdout.splitlines():
            mark = {"-": "\033[31m", "+": "\033[32m", "@": "\033[36m"}.get(row[:1], "") if colour else ""
            print(f"{mark}{row}\033[0m" if mark else row)
        return 0
    print(f"None of {tried} held-out files came back exactly as it was; `mendel eval` above says how often that happens.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
