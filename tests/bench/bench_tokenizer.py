"""BPE training beside Hugging Face tokenizers and encoding beside tiktoken and Hugging Face, on installed Python code.

Usage: bench_tokenizer.py BUILD. The same lines, the same pieces, one thread each; the merges and all ids must be equal,
else the benchmark fails. Training: line bodies without their indentation. Encoding: whole files.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
import numpy
import tiktoken
import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

CORPUS_BYTES_MAX = int(os.environ.get("BENCH_BYTES", 100_000_000))
VOCABULARY = 30_000
SPECIALS = 70
INDENT_MAX = 63
LINE_BYTES_MAX = 1000  # longer lines may hold pieces that Mendel leaves out of training
HUGGING_FACE_BYTES = 20_000_000  # of the documents that the slowest peer encodes


def corpus():
    """Texts of installed Python files, each valid UTF-8 without over-long lines, up to CORPUS_BYTES_MAX."""
    import sysconfig
    folders = [sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"], "/usr/lib/python3/dist-packages"]
    total, texts, seen = 0, [], set()
    for path in sorted({p for f in folders if Path(f).is_dir() for p in Path(f).rglob("*.py") if p.is_file()}):
        data = path.read_bytes()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            continue
        if "\0" in text or "\r" in text or hash(text) in seen:
            continue
        seen.add(hash(text))
        lines = [line for line in text.split("\n") if len(line.encode()) <= LINE_BYTES_MAX]
        texts.append("\n".join(lines))
        total += len(texts[-1].encode())
        if total >= CORPUS_BYTES_MAX:
            break
    return texts


def body(line):
    indent = min(len(line) - len(line.lstrip(" ")), INDENT_MAX)
    return line[indent:]


def timed(work):
    before = time.process_time()
    result = work()
    return time.process_time() - before, result


def train_hugging_face(lines, pattern, specials):
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, min_frequency=2, special_tokens=specials, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    batches = [lines[i:i + 1000] for i in range(0, len(lines), 1000)]
    seconds, _ = timed(lambda: tokenizer.train_from_iterator(batches, trainer=trainer))
    return seconds, json.loads(tokenizer.to_str())["model"]["merges"]


def byte_level_bytes():
    """Character of the byte-level alphabet → byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {**{chr(b): b for b in plain}, **{chr(256 + i): b for i, b in enumerate(rest)}}


def row(bench, mendel, peer, name, unit, target):
    ratio = mendel / peer
    print(json.dumps({"bench": bench, "mendel": round(float(mendel), 2), "peer": round(float(peer), 2), "peer_name": name, "unit": unit,
                      "ratio": round(float(ratio), 2), "target": f">= {target}x", "met": bool(ratio >= target)}), flush=True)


def main():
    build = Path(sys.argv[1])
    texts = corpus()
    documents = texts
    with tempfile.TemporaryDirectory() as folder:
        text_file, document_file = Path(folder, "corpus"), Path(folder, "documents")
        text_file.write_bytes("\n".join(texts).encode())
        document_file.write_bytes("".join(d + "\0" for d in documents).encode())
        done = subprocess.run([build / "bench_tokenizer", text_file, document_file, str(VOCABULARY), folder], capture_output=True, text=True, check=True)
        own = json.loads(done.stdout)
        saved = json.loads(Path(folder, "tokenizer.json").read_text())
        ids = numpy.fromfile(Path(folder, "ids.bin"), dtype=numpy.int32)
        loaded = tokenizers.Tokenizer.from_file(str(Path(folder, "tokenizer.json")))
        corpus_mb, documents_mb = text_file.stat().st_size / 1e6, document_file.stat().st_size / 1e6

    vocabulary = saved["model"]["vocab"]
    pattern = saved["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    alphabet = byte_level_bytes()
    ranks = {bytes(alphabet[c] for c in token): rank for token, rank in vocabulary.items() if rank >= SPECIALS}
    encoding = tiktoken.Encoding("mendel", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    own_rate = documents_mb / own["encode_s"]

    seconds, peer_ids = timed(lambda: [encoding.encode_ordinary(d) for d in documents])
    assert numpy.array_equal(ids, numpy.concatenate([numpy.array(p, dtype=numpy.int32) for p in peer_ids])), "ids differ from tiktoken's"
    row(f"BPE encoding, {documents_mb:.0f} MB", own_rate, documents_mb / seconds, f"tiktoken {tiktoken.__version__}", "MB/s", 10)

    total = numpy.cumsum([len(d.encode()) for d in documents])
    some = documents[:int(numpy.searchsorted(total, HUGGING_FACE_BYTES)) + 1]
    seconds, peer_ids = timed(lambda: [loaded.encode(d).ids for d in some])
    flat = numpy.concatenate([numpy.array(p, dtype=numpy.int32) for p in peer_ids])
    assert numpy.array_equal(ids[:len(flat)], flat), "ids differ from Hugging Face's"
    some_mb = total[len(some) - 1] / 1e6
    row(f"BPE encoding, {documents_mb:.0f} MB (peer: {some_mb:.0f} MB)", own_rate, some_mb / seconds, f"HF tokenizers {tokenizers.__version__}", "MB/s", 10)

    lines = [body(line) for text in texts for line in text.split("\n")]
    seconds, merges = train_hugging_face(lines, pattern, sorted(vocabulary, key=vocabulary.get)[:SPECIALS])
    assert [list(m) for m in merges] == saved["model"]["merges"], "merges differ from Hugging Face's"
    row(f"BPE training, {corpus_mb:.0f} MB, vocabulary {own['vocabulary']}", corpus_mb / own["train_s"], corpus_mb / seconds,
        f"HF tokenizers {tokenizers.__version__}", "MB/s", 10)


if __name__ == "__main__":
    main()
