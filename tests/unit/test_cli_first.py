"""What a first user types: a model without a config, a shipped config, nothing at all."""

from pathlib import Path

import pytest

from solver.errors import ConfigError
from solver.run.start import config_to_run, prepare


def test_a_model_alone_compares_programs_with_words_on_every_domain():
    job = prepare(
        config_to_run(None, ["scripted/any"]),
        {"model": ["scripted/any"]},
        name=None,
        runs=Path("runs"),
    )
    assert job.config.modes == ("code", "cot")
    assert len({problem.domain for problem in job.problems}) == len(job.problems) == 7
    assert job.folder == Path("runs/first-scripted-any")


def test_a_first_look_takes_own_problems_of_any_level_or_none(tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("question,answer\nWhat is 1+1?,2\nWhat is 1+2?,3\n")
    given = {"model": ["scripted/any"], "problems": str(own)}
    job = prepare(config_to_run(None, ["scripted/any"]), given, name=None, runs=Path("runs"))
    assert {problem.answer for problem in job.problems} == {"2", "3"}
    assert job.folder == Path("runs/first-scripted-any-own")


def test_levels_of_a_config_that_own_problems_lack_are_told_with_what_takes_all(tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("question,answer\nWhat is 1+1?,2\n")
    with pytest.raises(
        ConfigError, match=r"levels: no problem has .*`--set levels=\[\]` takes all"
    ):
        prepare(Path("quickstart"), {"problems": str(own)}, name=None, runs=Path("runs"))
    job = prepare(
        Path("quickstart"), {"problems": str(own)}, ("levels=[]",), name=None, runs=Path("runs")
    )
    assert len(job.problems) == 1


def test_a_first_look_fits_two_minutes_at_40_tokens_a_second():
    job = prepare(Path("first"), {}, name=None, runs=Path("runs"))
    replies = len(job.problems) * len(job.config.modes)
    assert replies * 300 <= 2 * 60 * 40  # 300 tokens: a long reply to problems this easy


def test_neither_a_config_nor_a_model_is_one_line_that_names_both():
    with pytest.raises(ConfigError, match=r"--model ollama/NAME.*first.*quickstart.*solver init"):
        config_to_run(None, None)


def test_a_setting_is_part_of_the_run_s_name_but_not_one_that_lets_it_grow():
    settings = ("sampling.top_k=5", "limit=3")
    job = prepare(Path("first"), {}, settings, name=None, runs=Path("runs"))
    assert job.folder.name == "first-sampling.top_k-5"
    assert len(job.problems) == 3
