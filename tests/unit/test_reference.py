"""The reference of the config's keys is made of the fields, is whole, and its examples work."""

import json
import re
from pathlib import Path

import pytest

from solver.config_file import check_config, load_config, merged, settings
from solver.config_start import PURPOSES, start_config
from solver.contamination.plan import Plan
from solver.errors import ConfigError
from solver.records import Outcome
from solver.reference import _entries, example, reference

ROOT = Path(__file__).parents[2]
ENTRIES = list(_entries())
BASE = {
    "model": "ollama/any",
    "judge": {"model": "ollama/judge"},
    "sampling": {"temperature": 0.5},
}
"""A config in which every example makes sense."""


def test_the_file_in_configs_is_what_the_command_prints():
    assert (ROOT / "configs" / "README.md").read_text(encoding="utf-8") == reference(), (
        "made anew by: solver config > configs/README.md"
    )


def test_the_reference_fits_a_narrow_terminal():
    lines = reference(width=60).splitlines()
    assert [line for line in lines if len(line) > 60 and " " in line.strip()] == []


@pytest.mark.parametrize("penalty", ["repeat_penalty", "presence_penalty", "frequency_penalty"])
def test_no_example_rewards_repeating(penalty):
    none = 1 if penalty == "repeat_penalty" else 0
    found = {key: example(key, field) for _, key, field, _ in ENTRIES}
    assert found[f"sampling.{penalty}"] > none


def test_every_key_has_a_meaning():
    assert [key for _, key, _, meaning in ENTRIES if not meaning] == []


@pytest.mark.parametrize(("key", "field"), [(key, field) for _, key, field, _ in ENTRIES])
def test_the_example_of_a_key_is_taken(key, field):
    changes = settings([f"{key}={json.dumps(example(key, field))}"])
    if key.partition(".")[0] in Plan.model_fields:
        Plan.model_validate(changes)
        return
    served = {"serve": "ollama"} if key.startswith("serve.") else {}
    check_config(merged({**BASE, **served}, changes), source="example")


def test_every_key_of_the_shipped_configs_is_explained():
    known = {key.partition(".")[0] for _, key, _, _ in ENTRIES}
    for path in (ROOT / "configs").glob("*.yaml"):
        assert {*re.findall(r"^(\w+):", path.read_text("utf-8"), re.M)} <= known


def test_every_outcome_is_explained():
    text = reference("outcomes")
    assert all(f"- `{outcome}`: " in text for outcome in Outcome)


@pytest.mark.parametrize("purpose", ["first", "servers/vllm", *PURPOSES])
def test_a_config_that_is_started_is_the_shipped_one_with_another_model(purpose, tmp_path):
    shipped = load_config(Path(PURPOSES.get(purpose, purpose)))
    mine = f"{shipped.model[0].name.partition('/')[0]}/mine:7b"
    config = load_config(start_config(purpose, mine, tmp_path / "run.yaml"))
    assert [model.name for model in config.model] == [mine]
    assert config.model_copy(update={"model": shipped.model}) == shipped


@pytest.mark.parametrize("purpose", ["compare", "stability", "modes"])
def test_a_config_for_a_model_of_another_provider_keeps_no_options_of_the_first(purpose, tmp_path):
    path = start_config(purpose, "openai/mine", tmp_path / "run.yaml")
    assert "ollama" not in path.read_text("utf-8").lower()
    shipped = load_config(Path(PURPOSES.get(purpose, purpose)))
    config = load_config(path)
    assert config.sampling == shipped.sampling
    assert config.mode == shipped.mode


def test_a_config_is_never_written_over_another(tmp_path):
    start_config("first", None, tmp_path / "run.yaml")
    with pytest.raises(ConfigError, match="is there already"):
        start_config("first", None, tmp_path / "run.yaml")
    with pytest.raises(ConfigError, match="no such purpose; there are first, compare"):
        start_config("frist", None, tmp_path / "other.yaml")
