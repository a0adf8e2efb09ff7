"""The last step of the demo: breaks a file of a package that the model never saw, and has it mended.

Usage: demo_repair.py MENDEL DATA PAIRS.jsonl ROOT...
PAIRS.jsonl: held-out pairs with their sides; ROOT: the folders that the demo collected from.
"""
import ast
import difflib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

CANDIDATES = 25  # held-out bugs that are tried before the demo gives up


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)


def functions(tree, symbol):
    """(first line, one past the last) of every function of that dotted name, 0-based."""
    def visit(node, names):
        for child in ast.iter_child_nodes(node):
            inside = names
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                inside = names + [child.name]
                if not isinstance(child, ast.ClassDef) and ".".join(inside) == symbol:
                    first = min([child.lineno] + [d.lineno for d in child.decorator_list])
                    yield first - 1, child.end_lineno
            yield from visit(child, inside)
    yield from visit(tree, [])


def with_bug(lines, first, end, pair):
    """The file's lines with the bug of the pair in lines [first, end), or nothing if the function is another now."""
    fixed, buggy = pair["fixed"].split("\n"), pair["buggy"].split("\n")
    if end - first != len(fixed):
        return None
    indent = lines[first][:len(lines[first]) - len(lines[first].lstrip(" \t"))]
    if any(there not in (indent + line, line) for there, line in zip(lines[first:end], fixed)):
        return None
    out = lines[:first]
    for change, i, j, k, m in difflib.SequenceMatcher(None, fixed, buggy, autojunk=False).get_opcodes():
        out += lines[first + i:first + j] if change == "equal" else [indent + line if line.strip() else line for line in buggy[k:m]]
    return out + lines[end:]


def broken_file(pair, roots):
    """(path, original text, text with the bug) of the file that the pair's function comes from, or nothing."""
    for root in roots:
        path = Path(root) / pair["source"]["path"]
        if not path.is_file():
            continue
        text = read(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            continue
        lines = text.split("\n")
        for first, end in functions(tree, pair["source"].get("symbol", "")):
            broken = with_bug(lines, first, end, pair)
            if broken:
                return path, text, "\n".join(broken)
    return None


def show(origin, pair, tried, target, diff):
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print(f"File {origin}, function {pair['source']['symbol']}: a bug of the kind {pair['bug']['type']} was put in.")
    print(f"({tried} held-out file{'s' if tried > 1 else ''} tried until one came back exactly as it was.)")
    print(f"$ mendel repair {target}")
    for row in diff.splitlines():
        mark = {"-": "\033[31m", "+": "\033[32m", "@": "\033[36m"}.get(row[:1], "") if colour else ""
        print(f"{mark}{row}\033[0m" if mark else row)


def main():
    mendel, data, pairs, *roots = sys.argv[1:]
    work = Path(data) / "demo-repair"
    work.mkdir(parents=True, exist_ok=True)
    tried = 0
    for line in open(pairs, encoding="utf-8"):
        pair = json.loads(line)
        if pair["bug"]["class"] == "none":
            continue
        found = broken_file(pair, roots)
        if not found:
            continue
        if tried == CANDIDATES:
            break
        tried += 1
        origin, original, broken = found
        target = work / origin.name
        write(target, broken)
        repair = [mendel, "--data", data, "repair", str(target)]
        done = subprocess.run(repair, capture_output=True, text=True, errors="surrogateescape")
        if done.returncode != 0:
            print(done.stderr.strip(), file=sys.stderr)
            return done.returncode
        if not done.stdout.strip():
            continue
        subprocess.run([*repair, "--write"], capture_output=True)
        mended = read(target)
        write(target, broken)
        if mended == original:
            show(origin, pair, tried, target, done.stdout)
            return 0
    print(f"None of {tried} held-out files came back exactly as it was; `mendel eval` above says how often that happens.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
