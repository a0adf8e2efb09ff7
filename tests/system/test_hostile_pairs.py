"""What sources may flood, leak or give away (F40), with real processes: blocked, and counted where people look."""
import io
import json
import random
import tokenize
from collections import Counter, defaultdict

import pytest
from conftest import program
from test_mine import Repository

FLOOD = """def settle(orders, rates, limit):
    total = 0
    for order in orders:
        rate = rates.get(order.currency, 1)
        if order.amount * rate <= limit:
            total += order.amount * rate
        else:
            order.refuse('too much')
    return total
"""
SECRETS = ("jane.doe@acme-corp.de", "93.184.216.34", "ghp_" + "a1B2c3D4e5F6" * 3, "AKIA" + "Q3EGRIXY2PLM4T7V")


def pair(buggy, fixed, repository, path="a.py"):
    return {"buggy": buggy, "fixed": fixed, "bug": {"class": "logic", "type": "other"},
            "source": {"kind": "git", "repository": f"https://host.example/{repository}", "path": path, "license": "MIT"}}


def lines(pairs):
    return "".join(json.dumps(p) + "\n" for p in pairs)


def build(mendel, folder, pairs, *more):
    mendel(*more, "dataset", "build", "-", "--out", folder, input=lines(pairs))
    mendel("dataset", "export", folder, "--jsonl", "--out", f"{folder}-rows")
    rows = {split: [json.loads(line) for line in (mendel.folder / f"{folder}-rows" / f"{split}.jsonl").read_text().splitlines()]
            for split in ("train", "validation", "test")}
    return json.loads((mendel.folder / folder / "manifest.json").read_text()), rows


@pytest.fixture(scope="module")
def honest(tmp_path_factory, stdlib):
    """Mutants of real functions of three packages, told as if they came from three hosts."""
    mendel = program("mendel", tmp_path_factory.mktemp("honest"))
    return mendel.json_lines("mutate", stdlib / "json", stdlib / "email", stdlib / "html", "--seed", 3)


def commented(text, number):
    """A copy as forks hold it: another comment, other blank lines."""
    return text.replace("    for order", f"    # copy {number}\n{chr(10) * (number % 3)}    for order")


def disguised(text, number):
    """Another text for people as well. (Under other names for its variables a copy is no near-duplicate.)"""
    return commented(text, number).replace("too much", f"too much {number}")


@pytest.mark.parametrize("change, left_max", [(commented, 1), (disguised, 6)])
def test_f40_a_flood_of_copies_of_one_fix_adds_next_to_nothing(mendel, honest, change, left_max):
    flood = [pair(change(FLOOD.replace("<=", "<"), n), change(FLOOD, n), f"fork{n}/shop", f"shop/{n}.py") for n in range(600)]
    random.Random(4).shuffle(flood)
    alone, _ = build(mendel, "alone", honest)
    both, rows = build(mendel, "both", honest + flood)
    left = sum("/shop" in row["repository"] for some in rows.values() for row in some)
    turned_away = [manifest["rejected_by_reason"].get("duplicate", 0) + manifest["rejected_by_reason"].get("leak_across_splits", 0) for manifest in (alone, both)]
    assert 1 <= left <= left_max
    assert turned_away[1] - turned_away[0] >= 600 - left_max
    assert both["rows"] == sum(map(len, rows.values())) <= alone["rows"] + left_max


def test_f40_many_bugs_in_copies_of_one_function_stay_on_one_side_of_the_splits(mendel, honest):
    """Different changes are no duplicates, but whoever trained on one has seen the others."""
    slips = [("<=", "<"), ("total = 0", "total = 1"), ("total += order", "total = order"), ("rates.get(order.currency, 1)", "rates[order.currency]"),
             ("return total", "return rate"), ("* rate <=", "+ rate <="), ("<= limit", ">= limit")]
    copies = [pair(commented(FLOOD.replace(*slip), n), commented(FLOOD, n), f"fork{n}/shop") for n, slip in enumerate(slips * 40)]
    manifest, rows = build(mendel, "many", honest + copies)
    held = defaultdict(set)
    for split, some in rows.items():
        for row in some:
            held[row["cluster"]].add(split)
    assert all(len(splits) == 1 for splits in held.values())
    assert {split for split, some in rows.items() for row in some if "/shop" in row["repository"]} in ({"train"}, {"validation"}, {"test"})
    left = sum("/shop" in row["repository"] for some in rows.values() for row in some)
    assert 1 <= left <= len(slips)
    assert manifest["rejected_by_reason"]["duplicate"] + manifest["rejected_by_reason"].get("leak_across_splits", 0) >= len(copies) - len(slips)


def grams(text):
    """5-grams of tokens as CPython's own tokenizer tells them, for a look that is not Mendel's."""
    try:
        words = [t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.string.strip() and t.type != tokenize.COMMENT]
    except (tokenize.TokenError, IndentationError, SyntaxError):
        words = text.split()
    return {tuple(words[i:i + 5]) for i in range(max(1, len(words) - 4))}


def test_f40_no_function_of_a_test_split_resembles_one_that_is_trained_on(mendel, honest):
    """The same functions in three places that name themselves apart: only the texts tell that they are one."""
    places = []
    for n in range(3):
        for p in honest:
            source = {**p["source"], "repository": f"https://host{n}.example/{p['source']['repository']}", "path": f"v{n}/{p['source']['path']}"}
            places.append({"buggy": p["buggy"] + f"  # {n}", "fixed": p["fixed"] + f"  # {n}", "bug": p["bug"], "source": source})
    fixed_of = {verdict["pair_id"]: p["fixed"] for verdict, p in zip(mendel.json_lines("validate", input=lines(places)), places)}
    manifest, rows = build(mendel, "leak", places)
    for split, some in rows.items():  # what was cleaned has another id; it is little
        known = [row for row in some if row["id"] in fixed_of]
        assert len(known) >= 0.9 * len(some)
        rows[split] = known
    trained = [grams(fixed_of[row["id"]]) for row in rows["train"]]
    index = defaultdict(set)
    for number, some in enumerate(trained):
        for gram in some:
            index[gram].add(number)
    held_out = [row for split in ("validation", "test") for row in rows[split]]
    assert len(held_out) > 10
    alike = 0
    for row in held_out:
        own = grams(fixed_of[row["id"]])
        shared = Counter(number for gram in own for number in index.get(gram, ()))
        alike += any(n / len(own | trained[number]) >= 0.9 for number, n in shared.items())
    assert alike == 0
    assert manifest["rejected_by_reason"]["duplicate"] > len(honest)


def test_f40_nothing_personal_is_kept_of_a_history_nor_in_a_dataset(mendel, tmp_path):
    """One secret of each kind in the code that is mined and in the code that is mutated; then every byte that was written is searched."""
    body = "def connect(count):\n" + "".join(f"    v{n} = '{secret}'\n" for n, secret in enumerate(SECRETS)) + "    return [v0, v1, v2, v3][count - 1]\n"
    repository = Repository(tmp_path / "project")
    repository.commit("Start", {"app.py": body})
    repository.commit("Fix the index", {"app.py": body.replace("count - 1", "count")})
    (tmp_path / "code").mkdir()
    (tmp_path / "code/mail.py").write_text(body)
    data, dataset = tmp_path / "data", tmp_path / "set"
    done = mendel("--json", "--data", data, "--set", f'sources.git=["{repository.folder}"]', "up", "--until", "validate")
    funnel = json.loads(done.stdout.splitlines()[-1])["funnel"]
    pairs = mendel("mine", "git", repository.folder).stdout + mendel("mutate", tmp_path / "code").stdout
    mendel("dataset", "build", "-", "--out", dataset, input=pairs)
    rows = mendel("dataset", "sample", dataset, "--pairs").stdout
    written = b"".join(p.read_bytes() for folder in (data, dataset) for p in folder.rglob("*") if p.is_file())
    assert len(pairs.splitlines()) > 2 and "user1@example.com" in pairs
    for secret in SECRETS:
        assert secret not in pairs + rows + done.stdout + done.stderr, secret
        assert secret.encode() not in written, secret
    assert sum(int(n) for counter, n in funnel.items() if counter.startswith("clean.") and counter != "clean.pairs") >= len(SECRETS)
