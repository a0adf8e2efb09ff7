"""What is given away: secrets replaced before pairs are kept, licences, benchmarks held out, copies and generated files left out."""
import json

FUNCTION = """def area(rows, columns, limit):
    total = 0
    for row in range(rows):
        for column in range(columns):
            if row * column < limit:
                total += row * column
    return total
"""


def pair(buggy, fixed, license="MIT", path="a.py"):
    return {"buggy": buggy, "fixed": fixed, "bug": {"class": "logic", "type": "other"},
            "source": {"kind": "git", "repository": "https://host.example/x", "path": path, "license": license}}


def lines(*pairs):
    return "".join(json.dumps(p) + "\n" for p in pairs)


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


def test_secrets_and_addresses_are_replaced_before_a_dataset_is_built(mendel, tmp_path):
    body = FUNCTION + "\n\ndef send():\n    return connect('jane.doe@acme-corp.de', host='93.184.216.34', count={})\n"
    mendel("dataset", "build", "-", "--out", tmp_path / "set", input=lines(pair(body.format(1), body.format(2))))
    assert manifest(tmp_path / "set")["funnel"]["clean.email"] == 2
    row, = mendel.json_lines("dataset", "sample", tmp_path / "set", "--pairs")
    assert "acme" not in json.dumps(row) and "user1@example.com" in row["fixed"] and "192.0.2.1" in row["buggy"]


def test_what_mutate_prints_is_clean_already(mendel, tmp_path):
    (tmp_path / "mail.py").write_text("def send(to, subject):\n    host = '93.184.216.34'\n    if to == 'jane.doe@acme-corp.de' and len(subject) > 3:\n        return host + subject\n    return None\n")
    pairs = mendel.json_lines("mutate", tmp_path / "mail.py")
    assert pairs and all("acme" not in json.dumps(p) and "user1@example.com" in p["fixed"] for p in pairs)


def test_only_allowed_licences_come_into_the_dataset(mendel, tmp_path):
    mine, theirs = FUNCTION.replace("area", "mine"), FUNCTION.replace("area", "theirs").replace("total", "sum_of")
    given = lines(pair(mine.replace("<", "<="), mine), pair(theirs.replace("<", ">"), theirs, "GPL-3.0"))
    mendel("--set", 'clean.licenses=["MIT", "CC-BY-SA-*"]', "dataset", "build", "-", "--out", tmp_path / "set", input=given)
    assert manifest(tmp_path / "set")["rejected_by_reason"]["license_not_allowed"] == 1
    assert manifest(tmp_path / "set")["rows"] == 1


def test_pairs_that_resemble_a_benchmark_are_held_out(mendel, tmp_path):
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench/eval.jsonl").write_text(json.dumps({"prompt": FUNCTION.split("\n")[0] + "\n", "canonical_solution": FUNCTION.split("\n", 1)[1]}) + "\n")
    other = "def mean(values, weights):\n    pairs = zip(values, weights)\n    top = sum(v * w for v, w in pairs)\n    return top / sum(weights) if weights else None\n"
    given = lines(pair(FUNCTION.replace("total = 0", "total = 1"), FUNCTION), pair(other.replace("*", "+"), other))
    mendel("dataset", "build", "-", "--out", tmp_path / "set", "--decontaminate", tmp_path / "bench", input=given)
    assert manifest(tmp_path / "set")["rejected_by_reason"]["contaminated"] == 1
    row, = mendel.json_lines("dataset", "sample", tmp_path / "set", "--pairs")
    assert "mean" in row["fixed"]
    done = mendel("dataset", "build", "-", "--out", tmp_path / "none", "--decontaminate", tmp_path / "nowhere", input=given, status=1)
    assert "no such folder of benchmarks" in done.stderr


def test_copies_and_generated_files_are_left_out_with_their_reason(mendel, tmp_path):
    for name, head in (("pkg/own.py", ""), ("pkg/_vendor/six.py", ""), ("pkg/user_pb2.py", ""), ("pkg/tables.py", "# Made by make.py. DO NOT EDIT.\n"),
                       ("pkg/migrations/0001_initial.py", "")):
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + FUNCTION)
    done = mendel("mutate", tmp_path / "code")
    assert {json.loads(line)["source"]["path"] for line in done.stdout.splitlines()} == {"pkg/own.py"}
    assert "vendored" in done.stderr and "generated" in done.stderr
