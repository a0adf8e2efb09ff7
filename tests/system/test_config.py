"""The configuration as people meet it: precedence, origins, and errors that help."""
import json

import pytest


def test_every_value_has_an_origin_and_the_strongest_wins(mendel, tmp_path):
    (tmp_path / "plant.toml").write_text("seed = 3\n[train]\nminutes = 5\nwidth = 64\n[mutate]\nper_function = 4\n")
    out = mendel("--config", "plant.toml", "--set", "train.minutes=9", "--json", "config", "show", env={"MENDEL_TRAIN_WIDTH": "32"}).stdout
    keys = {k["key"]: (k["value"], k["origin"]) for k in json.loads(out)}
    assert keys["train.minutes"] == ("9", "--set")
    assert keys["train.width"] == ("32", "MENDEL_TRAIN_WIDTH")
    assert keys["mutate.per_function"] == ("4", "plant.toml:6")
    assert keys["seed"] == ("3", "plant.toml:1")
    assert keys["train.heads"][1] == "default"


@pytest.mark.parametrize("text, expected", [
    ("[train]\nminuts = 3\n", ["plant.toml:2", "train.minuts", "train.minutes"]),
    ("[mutate]\nclean_share = 2\n", ["plant.toml:2", "mutate.clean_share", "0 to 0.9", "2"]),
    ("[mutate]\nper_function = \"x\"\n", ["plant.toml:2", "integer", "x"]),
    ("[train]\nmodel = 'gpt'\n", ["plant.toml:2", "trm-demo|ctm-demo", "gpt"]),
    ("[nothing]\na = 1\n", ["plant.toml:1", "nothing"]),
    ("seed = -1\n", ["plant.toml:1", "seed"]),
    ("seed = 99999999999\n", ["plant.toml:1", "seed"]),
    ("[sources]\npython = [1]\n", ["plant.toml:2", "list of strings"]),
    ("train = 3\n", ["plant.toml:1", "train", "section"]),
    ("seed = = 1\n", ["plant.toml:1", "TOML"]),
])
def test_a_wrong_file_is_refused_with_place_and_remedy(mendel, tmp_path, text, expected):
    (tmp_path / "plant.toml").write_text(text)
    error = mendel("--config", "plant.toml", "config", "check", status=2).stderr
    for word in expected:
        assert word in error


@pytest.mark.parametrize("arguments, expected", [
    (["--set", "train.minutez=5", "config", "check"], "train.minutes"),
    (["--set", "train.minutes", "config", "check"], "key.path=value"),
    (["--config", "missing.toml", "config", "check"], "missing.toml"),
    (["confg", "show"], "config"),
    (["config"], "subcommand"),
    ([], "subcommand"),
    (["--bogus"], "--help"),
])
def test_wrong_use_ends_with_2_and_says_what_was_wrong(mendel, arguments, expected):
    assert expected in mendel(*arguments, status=2).stderr


def test_an_unknown_variable_is_a_warning_not_silence(mendel):
    done = mendel("config", "check", env={"MENDEL_TRAIN_MINUTEZ": "3"})
    assert "MENDEL_TRAIN_MINUTEZ" in done.stderr and "MENDEL_TRAIN_MINUTES" in done.stderr


def test_what_show_prints_is_a_configuration_that_holds(mendel, tmp_path):
    (tmp_path / "shown.toml").write_text(mendel("config", "show").stdout)
    mendel("--config", "shown.toml", "config", "check")


def test_man_page_and_completions_come_from_the_same_table(mendel):
    assert mendel("man").stdout.startswith(".TH mendel 1")
    for shell in ("bash", "zsh", "fish"):
        assert "config" in mendel("completion", shell).stdout


def test_every_level_of_help_has_an_example(mendel):
    top = mendel("--help").stdout
    assert "Examples:" in top
    names = [line.split()[0] for line in top.split("Subcommands:")[1].split("Examples:")[0].splitlines() if line.strip()]
    for name in set(names) - {"man", "completion"}:
        assert "Examples:" in mendel(name, "--help").stdout, name
