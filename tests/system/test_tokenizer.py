"""mendel tokenizer beside the real Hugging Face tokenizers and tiktoken: files load, ids and merges are theirs."""
import json
import random

import pytest

tokenizers = pytest.importorskip("tokenizers")
from tokenizers import Regex, models, pre_tokenizers, trainers

SPECIALS = ["<pad>", "<eos>", "<bos>", "<eol>", "<eof>", "<cont>", *(f"<I{n}>" for n in range(64))]
VOCABULARY = 3000
# What the scanner must tell apart, and what Unicode has to confuse it with.
PIECES = [" ", "  ", "\t", "\r", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u2028", "\u3000", "def", "x", "_1", "9", "٣", "é", "ß", "日本",
          "e\u0301", "🙂", "\U0010ffff", "==", "=", "->", "-", ">", "**", "*=", "//=", "/", "<<=", "<=", ">>", ":=", ":", "!=", "@=", "(", ")",
          "'", '"', "\\", "#", "~", "`", "$", "?", "\x00", "\x7f", "<pad>", "<I5>", "return", "self."]


@pytest.fixture(scope="module")
def texts(stdlib_files):
    return [path.read_text() for path in stdlib_files]


@pytest.fixture(scope="module")
def stdlib_files():
    import os
    from pathlib import Path
    folder = Path(os.__file__).parent
    return [p for name in ("json", "email", "http", "asyncio") for p in sorted((folder / name).glob("*.py"))]


@pytest.fixture
def vocabulary(mendel, stdlib_files, tmp_path):
    folder = tmp_path / "vocabulary"
    mendel("tokenizer", "train", *stdlib_files, "--out", folder, "--vocabulary", VOCABULARY)
    return folder


def loaded(folder):
    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


def random_texts(count, seed=3):
    chosen = random.Random(seed)
    made = ["".join(chosen.choice(PIECES) for _ in range(chosen.randint(0, 30))) for _ in range(count)]
    points = [p for p in range(1, 0x110000) if not 0xD800 <= p < 0xE000 and p != 10]
    return made + ["".join(chr(chosen.choice(points)) for _ in range(20)) for _ in range(count)]


def encode(mendel, vocabulary, lines):
    data = "".join(line + "\n" for line in lines).encode()
    out = mendel("tokenizer", "encode", "--tokenizer", vocabulary, input=data).stdout
    return [json.loads(line) for line in out.splitlines()]


def test_hugging_face_gives_the_same_ids_of_random_unicode(mendel, vocabulary):
    lines = random_texts(2000)
    peer = loaded(vocabulary)
    assert encode(mendel, vocabulary, lines) == [peer.encode(line).ids for line in lines]


def test_hugging_face_gives_the_same_ids_of_real_code(mendel, vocabulary, texts):
    lines = [line for text in texts for line in text.split("\n")]
    peer = loaded(vocabulary)
    assert encode(mendel, vocabulary, lines) == [p.ids for p in peer.encode_batch(lines)]


def test_hugging_face_decodes_our_ids(mendel, vocabulary, texts):
    peer = loaded(vocabulary)
    lines = texts[0].split("\n")
    assert [peer.decode(ids, skip_special_tokens=False) for ids in encode(mendel, vocabulary, lines)] == lines


def test_tiktoken_gives_the_same_ids(mendel, vocabulary, texts):
    tiktoken = pytest.importorskip("tiktoken")
    saved = json.loads((vocabulary / "tokenizer.json").read_text())
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in plain)}
    ranks = {bytes(alphabet[c] for c in token): rank for token, rank in saved["model"]["vocab"].items() if rank >= len(SPECIALS)}
    pattern = saved["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    peer = tiktoken.Encoding("mendel", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    lines = random_texts(500, seed=5) + texts[0].split("\n")
    assert encode(mendel, vocabulary, lines) == [peer.encode_ordinary(line) for line in lines]


def test_hugging_face_learns_the_same_merges(mendel, vocabulary, texts):
    saved = json.loads((vocabulary / "tokenizer.json").read_text())
    peer = tokenizers.Tokenizer(models.BPE())
    pattern = saved["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    peer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, min_frequency=2, special_tokens=SPECIALS, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    lines = [line.lstrip(" ") for text in texts for line in text.split("\n")]
    peer.train_from_iterator(lines, trainer=trainer)
    theirs = json.loads(peer.to_str())["model"]
    assert saved["model"]["merges"] == [list(merge) for merge in theirs["merges"]]
    assert saved["model"]["vocab"] == theirs["vocab"]


def test_specials_are_in_the_vocabulary_and_no_text_names_them(mendel, vocabulary):
    peer = loaded(vocabulary)
    assert [peer.token_to_id(name) for name in SPECIALS] == list(range(70))
    assert all(i >= 70 for ids in encode(mendel, vocabulary, SPECIALS) for i in ids)
    assert all(i >= 70 for name in SPECIALS for i in peer.encode(name).ids)


def test_the_other_files_say_the_same(vocabulary, texts):
    saved = json.loads((vocabulary / "tokenizer.json").read_text())["model"]
    assert json.loads((vocabulary / "vocab.json").read_text()) == saved["vocab"]
    merges = (vocabulary / "merges.txt").read_text().splitlines()
    assert merges[0].startswith("#version")
    assert [line.split(" ") for line in merges[1:]] == saved["merges"]
    frequencies = json.loads((vocabulary / "token_frequencies.json").read_text())
    assert list(frequencies) == list(saved["vocab"])
    assert frequencies["<eof>"] == len(texts)
    assert frequencies["<eol>"] == sum(text.count("\n") + 1 for text in texts)
    peer = tokenizers.models.BPE.from_file(str(vocabulary / "vocab.json"), str(vocabulary / "merges.txt"))
    assert tokenizers.Tokenizer(peer).get_vocab_size() == VOCABULARY


def test_the_order_of_files_changes_nothing(mendel, vocabulary, stdlib_files, tmp_path):
    mendel("tokenizer", "train", *reversed(stdlib_files), "--out", tmp_path / "again", "--vocabulary", VOCABULARY)
    for name in ("tokenizer.json", "vocab.json", "merges.txt", "token_frequencies.json"):
        assert (tmp_path / "again" / name).read_bytes() == (vocabulary / name).read_bytes()


def test_decode_inverts_encode_for_any_bytes(mendel, vocabulary):
    chosen = random.Random(7)
    data = bytes(chosen.choice([b for b in range(256) if b != 10]) for _ in range(20000)) + b"\n\n \xff\n"
    arrays = mendel("tokenizer", "encode", "-", "--tokenizer", vocabulary, input=data).stdout
    assert mendel("tokenizer", "decode", "--tokenizer", vocabulary, input=arrays).stdout == data


def test_a_line_of_ten_megabytes_and_a_hundred_thousand_dashes_go_through(mendel, vocabulary):
    data = b"x" * 10_000_000 + b"\n" + b"-" * 100_000 + b"\n"
    arrays = mendel("tokenizer", "encode", "--tokenizer", vocabulary, input=data).stdout
    assert mendel("tokenizer", "decode", "--tokenizer", vocabulary, input=arrays).stdout == data


@pytest.mark.parametrize("line, says", [("{", "not a JSON array"), ("5", "not a JSON array"), ("[1, -1]", "-1 is no id"), ("[3000]", "3000 is no id"),
                                        ('["a"]', "is no id"), ("[1.5]", "1.5 is no id"), ("[" * 100000, "not a JSON array")])
def test_decode_names_the_line_that_is_wrong(mendel, vocabulary, line, says):
    done = mendel("tokenizer", "decode", "--tokenizer", vocabulary, input="[70]\n" + line + "\n", status=1)
    assert ":2: " in done.stderr and says in done.stderr


def test_a_damaged_vocabulary_is_refused_with_file_and_field(mendel, vocabulary):
    path = vocabulary / "tokenizer.json"
    path.write_text(path.read_text().replace('"<eos>": 1', '"<eos>": 9'))
    done = mendel("tokenizer", "encode", "--tokenizer", vocabulary, input="x\n", status=1)
    assert str(path) in done.stderr and "model.vocab" in done.stderr


def test_wrong_use_is_said(mendel, tmp_path):
    mendel("tokenizer", "encode", input="x\n", status=2)
    mendel("tokenizer", "train", tmp_path / "nowhere", "--out", tmp_path / "out", status=1)
    (tmp_path / "empty").mkdir()
    assert "no Python text" in mendel("tokenizer", "train", tmp_path / "empty", "--out", tmp_path / "out", status=1).stderr
    mendel("tokenizer", "train", tmp_path, "--out", tmp_path / "out", "--vocabulary", 40000, status=2)
    mendel("tokenizer", "encode", "--tokenizer", tmp_path, input="x\n", status=1)


def test_files_that_cannot_be_read_are_passed_over(mendel, real_code):
    (real_code / "dangling.py").symlink_to("gone")
    (real_code / "large.py").write_text("x = 1\n" * 200_000)
    (real_code / "nul.py").write_bytes(b"a\0b\xff\r\n\x0c")
    summary = mendel("--json", "tokenizer", "train", real_code, "--out", real_code / "v")
    assert json.loads(summary.stdout)["passed_over"] == 1
    assert "large.py" in summary.stderr
