"""Mutation of the standard library: pairs a second, both sides checked, beside CPython's own way to do it.

Usage: bench_mutate.py BUILD. `mendel mutate --jobs 1` reads, parses, mutates, checks and writes all pairs as JSON lines. The
peer does the same in one interpreter: ast.parse a file, change one node of a function with a NodeTransformer, ast.unparse
both sides, ast.parse the mutated one again, write a JSON line; as many bugs a function. It takes the files in the
same order but stops after PEER_S seconds, since its rate does not depend on the number of files. CPU seconds.
"""
import ast
import json
import random
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings
from pathlib import Path

PEER_S = 15
LINES_MIN, LINES_MAX, PER_FUNCTION = 3, 60, 2
SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.And: ast.Or,
         ast.Or: ast.And, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
         ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}


def place(node):
    """Whether a bug can be put at the node."""
    if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)):
        return type(node.op) in SWAPS
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in SWAPS
    return (isinstance(node, ast.Constant) and type(node.value) is int) or (isinstance(node, ast.Return) and node.value is not None)


class Mutation(ast.NodeTransformer):
    """Changes the nth place and leaves the rest."""

    def __init__(self, nth):
        self.left = nth

    def generic_visit(self, node):
        if place(node):
            self.left -= 1
            if self.left == -1:
                return self.changed(node)
        return super().generic_visit(node)

    def changed(self, node):
        if isinstance(node, ast.Constant):
            return ast.Constant(node.value + 1)
        if isinstance(node, ast.Return):
            return ast.Expr(node.value)
        if isinstance(node, ast.Compare):
            return ast.Compare(node.left, [SWAPS[type(node.ops[0])](), *node.ops[1:]], node.comparators)
        fields = dict(ast.iter_fields(node))
        fields["op"] = SWAPS[type(node.op)]()
        return type(node)(**fields)


def peer(files, out):
    """(pairs, CPU seconds) of the same work by the standard library."""
    choose, pairs, started = random.Random(7), 0, time.process_time()
    for path in files:
        try:
            tree = ast.parse(path.read_text())
        except (SyntaxError, UnicodeDecodeError, ValueError):
            continue
        for function in ast.walk(tree):
            if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) or not LINES_MIN <= function.end_lineno - function.lineno + 1 <= LINES_MAX:
                continue
            places = sum(map(place, ast.walk(function)))
            if not places:
                continue
            fixed = ast.unparse(function)
            for nth in choose.sample(range(places), min(places, PER_FUNCTION)):
                # A fresh tree for each bug: the transformer works in place.
                mutated = Mutation(nth).visit(ast.parse(fixed))
                buggy = ast.unparse(ast.fix_missing_locations(mutated))
                ast.parse(buggy)
                out.write(json.dumps({"buggy": buggy, "fixed": fixed, "symbol": function.name, "path": str(path)}) + "\n")
                pairs += 1
        if time.process_time() - started > PEER_S:
            break
    return pairs, time.process_time() - started


def copy_library(folder):
    """The standard library's own files, without installed packages."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if relative.parts[0] not in ("site-packages", "dist-packages"):
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return sorted(folder.rglob("*.py"))


def main():
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        code, out = Path(folder, "code"), Path(folder, "pairs.jsonl")
        files = copy_library(code)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([Path(sys.argv[1]) / "mendel", "mutate", code, "--jobs", "1", "--out", out], stderr=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        own_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        with open(out, "rb") as lines:
            own = sum(1 for _ in lines)
        with open(Path(folder, "peer.jsonl"), "w") as lines:
            pairs, peer_s = peer(files, lines)
    rate, peer_rate = own / own_s, pairs / peer_s
    print(json.dumps({"bench": "mutation, pairs written with both sides checked", "mendel": round(rate), "peer": round(peer_rate),
                      "peer_name": f"CPython {sys.version.split()[0]} ast: transform, unparse, parse", "unit": "pairs/s", "ratio": round(rate / peer_rate, 2),
                      "target": ">= 5k/s", "met": rate >= 5_000}))


if __name__ == "__main__":
    main()
