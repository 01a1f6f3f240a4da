"""What a terminal is given: harmless whatever a model wrote, and adding up."""

import re

import pytest

from solver.analysis.accuracy import accuracy_of_run
from solver.report.runs import stored_run
from solver.report.show import show_run
from solver.report.trial import show_problem
from solver.text import plain
from tests.fakes import PROBLEMS, config_of, finished_run, program

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\r\x00\ud800 [bold]markup[/bold] <b>x</b>"


@pytest.mark.parametrize("character", [*map(chr, range(32)), "\x7f", "\x9b", "\u202e", "\u200b"])
def test_no_control_character_reaches_a_terminal(character):
    if character not in "\n\t":
        assert character not in plain(f"a{character}b")


@pytest.mark.parametrize(
    "text", ["plain", "naïve café", "∫ x² dx ≤ π", "漢字", "two\nlines\ttab", "🙂"]
)
def test_ordinary_text_is_shown_as_it_is(text):
    assert plain(text) == text


async def test_a_hostile_reply_is_shown_written_out(tmp_path, capsys):
    reply = HOSTILE.replace("\ud800", "") + "\n" + program("print(1)\n# " + "A" * 10_000)
    async with finished_run(tmp_path, [reply], config=config_of(mode="code,cot")) as store:
        store.write_manifest(trials=6)
        show_run(stored_run(store))
        show_problem(store, "p1")
    shown = capsys.readouterr().out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert "\\u001b]0;owned" in shown
    assert "[bold]markup[/bold]" in shown


async def test_domains_and_levels_add_up_to_the_whole(tmp_path):
    scripts = []
    config = config_of(mode="code,cot", repeats=3, sampling={"temperature": 1})
    replies = [(program("print(1)"), program("print(2)"), program("# exit: crashed"), "\\boxed{3}")]
    async with finished_run(tmp_path, replies, scripts=scripts, config=config) as store:
        found = accuracy_of_run(store)
    assert len(found.arms) == 2
    for arm in found.arms:
        for parts in (arm.domains.values(), arm.levels.values()):
            for count in ("problems", "trials", "correct", "unscored"):
                assert sum(getattr(cell, count) for cell in parts) == getattr(arm.overall, count)
        assert arm.outcomes.total() == arm.overall.trials == 9
        assert arm.outcomes["correct"] == arm.overall.correct


async def test_errors_of_ours_are_left_out_of_one_reading_and_wrong_in_the_other(tmp_path):
    from tests.fakes import EchoSandbox

    async with finished_run(
        tmp_path, [program("print(1)")], sandbox=EchoSandbox(broken=2)
    ) as store:
        (arm,) = accuracy_of_run(store).arms
    assert arm.overall.unscored == 2
    assert arm.overall.of_scored.n_trials == 1
    assert arm.overall.of_all.n_trials == 3


async def test_problems_that_nobody_solved_are_listed(tmp_path):
    async with finished_run(tmp_path, [program("print(1)")]) as store:
        assert accuracy_of_run(store).unsolved == ["p2", "p3"]


async def test_unresolved_trials_and_unsolved_problems_are_printed(tmp_path, capsys):
    config = config_of(code={"retries": 1})
    async with finished_run(tmp_path, ["no"], config=config) as store:
        store.write_manifest(config=config.model_dump(mode="json"), trials=3)
        show_run(stored_run(store))
    shown = capsys.readouterr().out
    assert "3/3 (100.0 %) of trials spent every attempt" in shown
    assert "3/3 (100.0 %) of problems solved by no model" in shown
    assert len(PROBLEMS) == 3


async def test_one_of_the_last_lines_repeats_the_accuracy_of_every_arm(tmp_path, capsys):
    replies = [f"{program('print(1)')}\nSo \\boxed{{2}}."]
    async with finished_run(tmp_path, replies, config=config_of(mode="code,cot")) as store:
        show_run(stored_run(store))
    (line,) = re.findall(r"(?m)^accuracy   .*", capsys.readouterr().out)
    assert re.fullmatch(r"accuracy   code 33\.3 % \[\S+ – \S+\] · cot 33\.3 % \[\S+ – \S+\]", line)


async def test_a_run_of_every_mode_is_shown(tmp_path, capsys):
    config = config_of(mode="code,cot,tir,csv", code={"regenerate": "literal,guided,refine"})
    replies = [f"{program('print(1)')}\nSo \\boxed{{1}}."]
    async with finished_run(tmp_path, replies, config=config) as store:
        show_run(stored_run(store))
    shown = capsys.readouterr().out
    for words in (
        "scripted/test · tir", "scripted/test · csv", "Regeneration\n",
        "code+literal", "code+guided", "code+refine", "rounds     ", "turns      ",
    ):  # fmt: skip
        assert words in shown
    assert re.search(r"(?m)^.* answers: last output *$", shown)
    assert re.search(r"(?m)^tir +3 .* 3 *$", shown)
    assert re.search(r"uncertain +3 ", shown)
    assert re.search(r"code\+guided +3 +0 +0 +0 +3 +3 ", shown)  # closed 3, same first reply 3 of 3


async def test_a_run_of_code_and_words_alone_shows_no_other_mode(tmp_path, capsys):
    config = config_of(mode="code,cot")
    async with finished_run(tmp_path, [program("print(1)")], config=config) as store:
        show_run(stored_run(store))
    shown = capsys.readouterr().out
    for title in ("Regeneration", "Rounds of", "Self-verification", "Repeats"):
        assert title not in shown


async def test_two_modes_are_shown_with_every_number_of_their_difference(tmp_path, capsys):
    config = config_of(mode="code,cot")
    replies = [f"{program('print(1)')}\nSo \\boxed{{2}}."]
    async with finished_run(tmp_path, replies, config=config) as store:
        show_run(stored_run(store))
    shown = capsys.readouterr().out
    for title in (
        "Differences, first minus second", "What each side got, and for what", "Who solves what",
    ):  # fmt: skip
        assert f"\n{title}\n" in shown
