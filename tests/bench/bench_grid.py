"""Grid encoding beside numpy on the same tokens, and pairs from text to both grids and their edit (no peer does that).

Usage: bench_grid.py BUILD. Input: functions of the standard library. The grids of both must be equal. numpy gets its best
case: the place of every cell is computed for all functions at once, then one scatter a batch of 4,096 grids.
"""
import ast
import json
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import time
from pathlib import Path

import numpy

ROWS, COLUMNS = 64, 48
EOL, EOF, CONTINUATION = 3, 4, 5
FUNCTIONS_MAX = 20_000
BATCH = 4096


def functions():
    out = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        try:
            text = path.read_text()
            tree = ast.parse(text)
        except (SyntaxError, UnicodeDecodeError, ValueError):
            continue
        lines = text.split("\n")
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno < 60:
                out.append(textwrap.dedent("\n".join(lines[node.lineno - 1:node.end_lineno])))
        if len(out) >= FUNCTIONS_MAX:
            break
    return [text for text in out if "\0" not in text][:FUNCTIONS_MAX]


def lay_out(tokens, lengths):
    """Grids of a batch: [functions, ROWS * COLUMNS] int16, continuation rows included, by whole-array operations."""
    function = numpy.repeat(numpy.arange(len(lengths)), lengths)
    line_start = numpy.concatenate(([True], (tokens[:-1] == EOL) | (tokens[:-1] == EOF)))
    line = numpy.cumsum(line_start) - 1
    starts = numpy.flatnonzero(line_start)
    within = numpy.arange(len(tokens)) - starts[line]
    sizes = numpy.diff(numpy.append(starts, len(tokens)))
    rows_of_line = numpy.maximum(1, 1 + (sizes - COLUMNS + COLUMNS - 2) // (COLUMNS - 1))
    first_row = numpy.cumsum(rows_of_line) - rows_of_line
    first_row -= numpy.repeat(first_row[line[numpy.cumsum(lengths) - lengths]], numpy.add.reduceat(line_start, numpy.cumsum(lengths) - lengths))
    goes_on = within >= COLUMNS
    row = first_row[line] + numpy.where(goes_on, 1 + (within - COLUMNS) // (COLUMNS - 1), 0)
    column = numpy.where(goes_on, 1 + (within - COLUMNS) % (COLUMNS - 1), within)
    grids = numpy.zeros((len(lengths), ROWS * COLUMNS), dtype=numpy.int16)
    grids[function, row * COLUMNS + column] = tokens
    opens = goes_on & (column == 1)
    grids[function[opens], row[opens] * COLUMNS] = CONTINUATION
    return grids


def lay_out_all(tokens, lengths):
    ends = numpy.cumsum(lengths)
    out = []
    for i in range(0, len(lengths), BATCH):
        part = lengths[i:i + BATCH]
        first = ends[i] - lengths[i]
        out.append(lay_out(tokens[first:first + part.sum()], part))
    return numpy.concatenate(out)


def main():
    with tempfile.TemporaryDirectory() as folder:
        texts = Path(folder, "texts")
        texts.write_bytes("".join(text + "\0" for text in functions()).encode())
        done = subprocess.run([Path(sys.argv[1]) / "bench_grid", texts, folder], capture_output=True, text=True, check=True)
        own = json.loads(done.stdout)
        tokens = numpy.fromfile(Path(folder, "tokens.bin"), dtype=numpy.int16)
        lengths = numpy.fromfile(Path(folder, "lengths.bin"), dtype=numpy.uint32).astype(numpy.int64)
        grids = numpy.fromfile(Path(folder, "grids.bin"), dtype=numpy.int16).reshape(-1, ROWS * COLUMNS)
    before = time.process_time()
    peer = lay_out_all(tokens, lengths)
    peer_s = time.process_time() - before
    assert numpy.array_equal(grids, peer), "grids differ from numpy's"
    pairs, rate, peer_rate = own["pairs"] / own["pairs_s"], own["grids"] / own["grids_s"], own["grids"] / peer_s
    print(json.dumps({"bench": "pairs from text to two grids and the edit", "mendel": round(pairs), "peer": None, "unit": "pairs/s", "ratio": None,
                      "target": ">= 20k/s", "met": pairs >= 20_000}))
    print(json.dumps({"bench": f"grids of given tokens, {len(tokens) / len(lengths):.0f} cells each", "mendel": round(rate), "peer": round(peer_rate),
                      "peer_name": f"numpy {numpy.__version__}", "unit": "grids/s", "ratio": round(rate / peer_rate, 2), "target": ">= 300k/s",
                      "met": rate >= 300_000}))


if __name__ == "__main__":
    main()
