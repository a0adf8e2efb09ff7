"""What `make install` and `make package` leave works alone: tried where neither the checkout nor its wheels can be seen."""
import json
import os
import re
import shutil
import subprocess

import pytest
from conftest import BUILD, PATIENCE, ROOT
from test_plant import code, digest_of, plant, undisturbed  # noqa: F401  (fixtures)

SERVICES = {"collector": ("mendel-coordinator.service", "mendel-node@.service"), "trainer": ("mendel-trainer.service",)}
WORDS = ("share/man/man1/{}.1", "share/bash-completion/completions/{}", "share/zsh/vendor-completions/_{}", "share/fish/vendor_completions.d/{}.fish")
FILES = ("lib/systemd/system/mendel.target", "lib/systemd/system/mendel-train.slice", "lib/systemd/system/mendel-node@validator.service.d/sandbox.conf",
         "lib/tmpfiles.d/mendel.conf", "lib/sysusers.d/mendel.conf", "lib/mendel/install-linters", "lib/mendel/bin/ruff", "share/mendel/linters.txt", "share/mendel/profiles/smoke.toml",
         "share/mendel/prometheus/alerts.yml", "share/mendel/dashboards/overview.json", "share/mendel/provisioning", "share/mendel/examples/node.env")


def install(folder, component):
    if component == "trainer" and shutil.disk_usage(folder).free < 4 << 30:
        pytest.skip("installing copies LibTorch: needs 4 GiB")
    prefix = folder / "usr"
    subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(prefix), "--component", component], check=True, capture_output=True, timeout=300 * PATIENCE)
    return prefix


@pytest.fixture
def elsewhere(tmp_path):
    """Runs a program of a prefix where it lies at /opt/mendel and the machine holds only Debian, the sources and /tmp/out."""
    if not shutil.which("bwrap") or subprocess.run(["bwrap", "--ro-bind", "/", "/", "true"], capture_output=True).returncode != 0:
        pytest.skip("bwrap cannot make a root of its own here")
    out = tmp_path / "out"
    out.mkdir()

    def run(prefix, program, *arguments, sees=()):
        command = ["bwrap", "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind", out, "/tmp/out",
                   "--ro-bind", prefix, "/opt/mendel", "--clearenv", "--setenv", "PATH", "/opt/mendel/bin:/usr/bin:/bin", "--setenv", "HOME", "/tmp", "--chdir", "/tmp/out"]
        for link in ("bin", "sbin", "lib", "lib64", "lib32", "libx32"):
            if os.path.islink(f"/{link}"):
                command += ["--symlink", os.readlink(f"/{link}"), f"/{link}"]
        for path in sees:
            command += ["--ro-bind", path, path]
        assert not str(ROOT).startswith(("/usr/", "/etc/"))
        return subprocess.run([*map(str, command), f"/opt/mendel/bin/{program}", *map(str, arguments)], capture_output=True, text=True, timeout=300 * PATIENCE, stdin=subprocess.DEVNULL)
    return run


def check_programs_and_words(prefix, program, component):
    for path in WORDS:
        assert program in (prefix / path.format(program)).read_text()
    for name in SERVICES[component]:
        started = re.search(r"^ExecStart=(\S+)", (prefix / "lib/systemd/system" / name).read_text(), re.M)[1]
        assert started == str(prefix / "bin" / program) and os.access(started, os.X_OK)


def test_an_installed_collector_runs_a_plant_without_the_checkout(mendel, code, tmp_path, undisturbed, elsewhere):  # noqa: F811
    prefix = install(tmp_path, "collector")
    check_programs_and_words(prefix, "mendel", "collector")
    assert [path for path in FILES if not (prefix / path).exists()] == []
    assert not list(prefix.rglob("*torch*")) and not (prefix / "bin/mendel-trainer").exists()
    assert "mendel up" in elsewhere(prefix, "mendel", "--help").stdout
    probed = {row["probe"]: row for row in json.loads(elsewhere(prefix, "mendel", "--json", "doctor").stdout)}
    assert probed["python"]["result"] == "ok" and "/opt/mendel/lib/mendel/bin/ruff" in probed["ruff"]["found"]
    assert "bin/mendel-trainer is not there" in probed["trainer"]["found"]
    arguments = plant("/tmp/out/data", code)
    arguments[1] = "/opt/mendel/share/mendel/profiles/smoke.toml"
    done = elsewhere(prefix, "mendel", *arguments, "up", "--until", "dataset", sees=[code])
    assert done.returncode == 0 and digest_of(done.stdout) == undisturbed[0], done.stderr
    assert not (tmp_path / "out/data/dataset/manifest.json").read_text().count(str(ROOT))


def test_an_installed_trainer_finds_its_libtorch_beside_itself(mendel, trainer, tmp_path, elsewhere):
    prefix = install(tmp_path, "trainer")
    check_programs_and_words(prefix, "mendel-trainer", "trainer")
    assert sorted(path.name for path in (prefix / "bin").iterdir()) == ["mendel-trainer"]
    install(tmp_path, "collector")
    said = elsewhere(prefix, "mendel-trainer", "describe")
    assert said.returncode == 0 and "parameters" in said.stdout, said.stderr


def test_the_debian_package_unpacks_names_its_dependencies_and_runs(mendel, tmp_path, elsewhere):
    if not shutil.which("dpkg-deb") or not shutil.which("cpack"):
        pytest.skip("dpkg-deb and cpack make Debian packages")
    subprocess.run(["cpack", "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", tmp_path / "made", "-D", "CPACK_COMPONENTS_ALL=collector"],
                   check=True, capture_output=True, timeout=300 * PATIENCE)
    package, = (tmp_path / "made").glob("mendel_*.deb")
    fields = subprocess.run(["dpkg-deb", "--field", package], check=True, capture_output=True, text=True).stdout
    assert re.search(r"^Package: mendel$", fields, re.M) and re.search(r"^Depends: .*librocksdb.*libzmq5", fields, re.M), fields
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path / "root"], check=True)
    unit = (tmp_path / "root/usr/lib/systemd/system/mendel-coordinator.service").read_text()
    assert "ExecStart=/usr/bin/mendel " in unit and str(tmp_path) not in unit
    assert elsewhere(tmp_path / "root/usr", "mendel", "--version").stdout.startswith("mendel ")
