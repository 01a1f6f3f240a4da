"""A judge asked for by name must be there; one left unset may give way to the rules."""

import pytest

from solver.config_file import check_config
from solver.errors import ConfigError
from solver.run.judging import connect_judge


def judged_by(judge):
    return check_config({"model": "local/smollm2", **judge}, source="test")


def test_a_judge_asked_for_by_name_must_have_its_key_though_it_is_the_default(monkeypatch):
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="MISTRAL_API_KEY"):
        connect_judge(judged_by({"judge": "mistral/mistral-large-2411"}), [])


def test_a_judge_that_is_left_unset_may_fall_back_to_the_rules(monkeypatch):
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    notes: list[str] = []
    assert connect_judge(judged_by({}), notes) is None
    assert "rules alone" in notes[0]
