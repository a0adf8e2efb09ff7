"""The rules of the house: who may include whom, what links what, what every folder and file says of itself."""
import re
import subprocess
from pathlib import Path

import pytest
from conftest import BUILD, ROOT

# folder prefix → include prefixes that must not occur there (architecture: "who may include whom")
FORBIDDEN = {
    "proto/": ("caf/", "zmq", "rocksdb/", "torch/", "prometheus/", "arrow/", "parquet/", "actors/", "storage/", "model/"),
    "actors/syntax/": ("caf/", "zmq", "rocksdb/", "torch/", "prometheus/", "arrow/", "git2", "storage/", "model/", "actors/miner", "actors/mutator",
                       "actors/linter", "actors/validator", "actors/encoder", "actors/trainer", "actors/runtime", "actors/cli"),
    "actors/sandbox/": ("caf/", "zmq", "rocksdb/", "torch/", "prometheus/", "arrow/", "git2", "storage/", "model/", "actors/miner", "actors/mutator",
                        "actors/linter", "actors/validator", "actors/encoder", "actors/trainer", "actors/runtime", "actors/cli"),
    "storage/": ("caf/", "zmq", "torch/", "prometheus/", "actors/", "model/"),
    "model/": ("caf/", "zmq", "rocksdb/", "actors/", "storage/", "proto/", "google/protobuf", "arrow/", "parquet/"),
    "actors/runtime/": ("actors/cli/", "torch/"),
}
ROLES = ("cleaner", "miner", "mutator", "linter", "validator", "encoder", "trainer")
PURE = ("caf/", "zmq", "rocksdb/", "prometheus/", "torch/", "actors/runtime/", "actors/cli/")
SOURCES = [p for folder in ("proto", "actors", "storage", "model") for p in sorted((ROOT / folder).rglob("*")) if p.suffix in (".cpp", ".hpp", ".ipp")]


def includes(path):
    return re.findall(r'^\s*#include [<"]([^>"]+)', path.read_text(), re.M)


def forbidden_for(name):
    out = ()
    for prefix, bad in FORBIDDEN.items():
        if name.startswith(prefix):
            out += bad
    role = re.match(r"actors/(\w+)/", name)
    if role and role[1] in ROLES and not re.search(r"_actor\.\w+$", name):
        # The trainer joins storage, encoder and model; the other pure roles know no other role.
        others = () if role[1] == "trainer" else tuple(f"actors/{r}/" for r in ROLES if r != role[1]) + ("storage/", "model/", "arrow/")
        out += PURE + others
    return out


def test_no_file_includes_across_the_layers():
    wrong = [f"{path.relative_to(ROOT)}: {inc}" for path in SOURCES for inc in includes(path)
             if inc.startswith(forbidden_for(str(path.relative_to(ROOT))) or ("\0",))]
    assert wrong == []


def test_nothing_outside_cli_includes_cli():
    wrong = [str(p.relative_to(ROOT)) for p in SOURCES if not str(p.relative_to(ROOT)).startswith("actors/cli/")
             and any(i.startswith("actors/cli/") for i in includes(p))]
    assert wrong == []


def test_public_headers_of_the_model_are_free_of_torch():
    for path in SOURCES:
        name = str(path.relative_to(ROOT))
        if not name.startswith("model/") and any(i.startswith("torch/") for i in includes(path)):
            pytest.fail(f"{name} includes torch")
    users = {i for p in SOURCES if not str(p.relative_to(ROOT)).startswith("model/") for i in includes(p) if i.startswith("model/")}
    seen, todo = set(), list(users)
    while todo:
        header = todo.pop()
        if header in seen or not (ROOT / header).exists():
            continue
        seen.add(header)
        found = includes(ROOT / header)
        assert not any(i.startswith(("torch/", "ATen/", "c10/")) for i in found), header
        todo += [i for i in found if i.startswith("model/")]


def test_no_source_includes_both_torch_and_protobuf():
    for path in SOURCES:
        found = includes(path)
        assert not (any(i.startswith("torch/") for i in found) and any("pb.h" in i or i.startswith("proto/") for i in found)), path


def linked(binary):
    if not (BUILD / binary).exists():
        pytest.skip(f"{binary} is not built")
    return subprocess.run(["ldd", str(BUILD / binary)], capture_output=True, text=True, check=True).stdout


def test_mendel_does_not_link_torch():
    assert "libtorch" not in linked("mendel")


def test_mendel_trainer_links_torch():
    assert "libtorch" in linked("mendel-trainer")


def test_every_source_opens_with_what_it_is():
    wrong = [str(p.relative_to(ROOT)) for p in SOURCES if not p.read_text().startswith("//")]
    assert wrong == []


def test_every_folder_with_sources_has_a_readme():
    folders = {p.parent for p in SOURCES} | {ROOT / "tests", ROOT / "deploy", ROOT / "grafana", ROOT / "docs"}
    assert sorted(str(f.relative_to(ROOT)) for f in folders if not (f / "README.md").exists()) == []


def test_pinned_requirements_are_pinned():
    for line in (ROOT / "deploy/requirements.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        assert not line or re.fullmatch(r"[\w.-]+==[\w.]+", line), line
