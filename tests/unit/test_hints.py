"""The commands that an output names work as they stand, copied into a shell."""

import re
import shlex

import pytest
from typer.testing import CliRunner

from solver.cli import app
from solver.store import Store
from tests.bench.report import write_run

COMMANDS = (
    ["show"],
    ["failures"],
    ["failures", "--mode", "cot"],
    ["compare"],
    ["cost"],
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that was judged by two judges and then otherwise, in a folder with a difficult name."""
    folder = tmp_path_factory.mktemp("runs") / "it's a run"
    write_run(folder, problems=7, repeats=2, models=("scripted/a", "scripted/b"), judge=None)
    store = Store.create_or_open(folder)
    config = store.manifest()["config"]
    config["judge"] = {"preset": "rules-only"}
    store.write_manifest(config=config, first_judge={"config": {"preset": "rules-then-short"}})
    store.close()
    return folder


def printed(*words):
    done = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "400"})
    return done.exit_code, done.output


def hints(text):
    """Return the commands in a text: between backticks, and behind `to read`."""
    found = re.findall(r"`(solver [^`]*)`", text) + re.findall(r"^to read +(.*)$", text, re.M)
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_that_an_output_names_can_be_copied(run, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, text = printed(words[0], run, *words[1:])
    assert code == 0
    for line in hints(text):
        if "rejudge" in line:  # it would change the run
            assert shlex.split(line)[:3] == ["solver", "rejudge", str(run)]
            continue
        if "FILE" in line:  # of prices: the line that the output shows holds
            (example,) = re.findall(r"each model: (\S+: \{.*?\})", text)
            (tmp_path / "FILE").write_text(example + "\n", encoding="utf-8")
        code, said = printed(*shlex.split(line)[1:])
        assert code == 0, (line, said)
        assert said.strip()


def test_failures_and_compare_name_commands_that_print_their_examples(run):
    for words in (["failures", "--mode", "cot"], ["compare"]):
        _, text = printed(words[0], run, *words[1:])
        read = [line for line in hints(text) if line.startswith("solver show")]
        assert read
        for line in read:
            said = printed(*shlex.split(line)[1:])[1]
            problem = shlex.split(line)[4]
            assert f"══ {problem} " in said
            if "--mode" in line:
                assert " · cot" in said
                assert " · code" not in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--mode", "tir"], "no trial of mode tir has ended; its modes: code, cot"),
        (["--level", "9"], "no trial of level 9 has ended; its levels: 1"),
        (["--model", "m"], "of model m has ended; its models: scripted/a, scripted/b"),
    ],
)
def test_a_part_without_trials_is_told_with_the_parts_that_have_some(run, words, told):
    with pytest.raises(Exception, match=re.escape(told)):
        app(["failures", str(run), *words], standalone_mode=False)


def test_an_unknown_problem_is_told_with_those_that_may_be_meant(run):
    with pytest.raises(Exception, match=r"no problem 'synthetic/00'. Did you mean synthetic/"):
        app(["show", str(run), "--problem", "synthetic/00"], standalone_mode=False)
