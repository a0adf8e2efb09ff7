"""Near-duplicates of real functions beside datasketch: 128 permutations over 5-grams of tokens, threshold 0.85, the same documents.

Usage: bench_validator.py BUILD. Mendel starts from the text, datasketch from 5-grams that are made already. Two rows for
signatures: datasketch as its documentation shows it (one update a 5-gram) and by its fastest way (whole documents at once).
Clusters of both are compared with the clusters of exact Jaccard similarity: a pair of documents in one cluster counts.
"""
import collections
import io
import json
import subprocess
import sys
import tempfile
import time
import tokenize
from pathlib import Path

import datasketch
import numpy

from bench_grid import functions

THRESHOLD = 0.85
PERMUTATIONS = 128
BYTES_MIN, BYTES_MAX = 900, 4000
DOCUMENTS_MAX = 4000
UPDATED = 300  # documents that the slow way is timed on
LEFT_OUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING}


def shingles(text):
    """Distinct 5-grams of CPython's own tokens, in order."""
    words = [t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type not in LEFT_OUT]
    return list(dict.fromkeys("\x00".join(words[i:i + 5]).encode() for i in range(len(words) - 4)))


def documents():
    texts, grams = [], []
    for text in functions():
        if BYTES_MIN <= len(text.encode()) <= BYTES_MAX:
            try:
                made = shingles(text)
            except (tokenize.TokenError, IndentationError, SyntaxError):
                continue
            if made:
                texts.append(text)
                grams.append(made)
    # Copies with an edit in the middle, of every tenth, so that there are enough near-duplicates to count.
    for text in texts[::10]:
        lines = text.split("\n")
        for keep in (len(lines) // 2, len(lines) - 2):
            edited = "\n".join(lines[:keep] + lines[keep + 1:])
            try:
                grams.append(shingles(edited))
                texts.append(edited)
            except (tokenize.TokenError, IndentationError, SyntaxError):
                continue
    return texts[-DOCUMENTS_MAX:], grams[-DOCUMENTS_MAX:]


class Sets:
    def __init__(self, size):
        self.parent = list(range(size))

    def root(self, i):
        while self.parent[i] != i:
            self.parent[i] = i = self.parent[self.parent[i]]
        return i

    def join(self, a, b):
        a, b = sorted((self.root(a), self.root(b)))
        self.parent[b] = a

    def clusters(self):
        return [self.root(i) for i in range(len(self.parent))]


def exact_clusters(grams):
    """Jaccard similarity of all pairs by an inverted index."""
    posting = collections.defaultdict(list)
    sizes = numpy.array([len(g) for g in grams])
    sets = Sets(len(grams))
    for i, some in enumerate(grams):
        seen = [numpy.array(posting[g]) for g in some if posting[g]]
        if seen:
            common = numpy.bincount(numpy.concatenate(seen), minlength=i)
            for j in numpy.flatnonzero(common / (sizes[:len(common)] + len(some) - common) >= THRESHOLD):
                sets.join(i, int(j))
        for g in some:
            posting[g].append(i)
    return sets.clusters()


def datasketch_clusters(signatures):
    lsh = datasketch.MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    sets = Sets(len(signatures))
    for i, signature in enumerate(signatures):
        for j in lsh.query(signature):
            if sets.root(i) != sets.root(j) and signature.jaccard(signatures[j]) >= THRESHOLD:
                sets.join(i, j)
        lsh.insert(i, signature)
    return sets.clusters()


def pairs_of(clusters):
    members = collections.defaultdict(list)
    for i, c in enumerate(clusters):
        members[c].append(i)
    return {(a, b) for some in members.values() for n, a in enumerate(some) for b in some[n + 1:]}


def timed(work):
    before = time.process_time()
    result = work()
    return result, time.process_time() - before


def row(bench, mendel, peer, unit, target, met, digits=0, how=""):
    print(json.dumps({"bench": bench, "mendel": round(mendel, digits), "peer": round(peer, digits), "peer_name": f"datasketch {datasketch.__version__}{how}",
                      "unit": unit, "ratio": round(mendel / peer, 3), "target": target, "met": bool(met)}))


def main():
    texts, grams = documents()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "texts").write_bytes("".join(text + "\0" for text in texts).encode())
        done = subprocess.run([Path(sys.argv[1]) / "bench_validator", Path(folder, "texts"), str(THRESHOLD), Path(folder, "clusters")],
                              capture_output=True, text=True, check=True)
        own = json.loads(done.stdout)
        clusters = numpy.fromfile(Path(folder, "clusters"), dtype=numpy.uint32).tolist()

    def one_by_one():
        for some in grams[:UPDATED]:
            signature = datasketch.MinHash(num_perm=PERMUTATIONS)
            for gram in some:
                signature.update(gram)

    updated_s = timed(one_by_one)[1] / UPDATED
    signatures, bulk_s = timed(lambda: list(datasketch.MinHash.generator(grams, num_perm=PERMUTATIONS)))
    peer, lsh_s = timed(lambda: datasketch_clusters(signatures))
    count = len(texts)
    size = sum(len(text.encode()) for text in texts) / count / 1000
    rate = count / own["sign_s"]
    what = f"signatures of functions of {size:.1f} KB"
    row(what, rate, 1 / updated_s, "docs/s", ">= 200x", rate * updated_s >= 200, how=", update")
    row(what, rate, count / bulk_s, "docs/s", "", True, how=", whole documents")
    row("clusters of given signatures", count / own["cluster_s"], count / lsh_s, "docs/s", "", True)
    truth, found, by_peer = pairs_of(exact_clusters(grams)), pairs_of(clusters), pairs_of(peer)
    print(f"{count} functions, {len(truth)} near-duplicate pairs; of {own['sign_s'] / count * 1e6:.1f} us a document {own['scan_s'] / count * 1e6:.1f} are tokens")
    recall, peer_recall = len(truth & found) / len(truth), len(truth & by_peer) / len(truth)
    precision, peer_precision = len(truth & found) / len(found), len(truth & by_peer) / len(by_peer)
    row("recall of near-duplicate pairs", recall, peer_recall, "of 1", "no worse than 1 %", recall >= peer_recall - 0.01, 4)
    row("precision of near-duplicate pairs", precision, peer_precision, "of 1", "no worse than 1 %", precision >= peer_precision - 0.01, 4)


if __name__ == "__main__":
    main()
