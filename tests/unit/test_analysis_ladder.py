"""One model in several quantisations or on several servers is compared rung by rung, paired."""

import pytest
from typer.testing import CliRunner

from solver.analysis.comparable import read_run
from solver.analysis.compare import compare_runs
from solver.analysis.ladder import bits_of, ladders
from solver.cli import app
from solver.store import Store
from tests.stored import problem, said, stored, trial

PROBLEMS = [problem(n) for n in range(8)]
NAMES = {"q4": "ollama/qwen2.5:7b-instruct-q4_K_M", "f16": "ollama/qwen2.5:7b-instruct-fp16"}


def run_of(folder, model, right, **facts):
    trials = [trial(f"p{n}", said("1"), right=n < right, model=model) for n in range(8)]
    stored(folder, PROBLEMS, trials, models={model: facts}).close()
    return folder


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("Q4_K_M", "Q8_0"),
        ("Q4_K_S", "Q4_K_M"),
        ("Q8_0", "F16"),
        ("AWQ", "FP8"),
        ("IQ2_XS", "Q3_K_L"),
    ],
)
def test_more_bits_are_higher_on_the_ladder(lower, higher):
    assert bits_of(lower) < bits_of(higher)


def test_the_most_precise_weights_are_the_top_whatever_the_order(tmp_path):
    folders = [
        run_of(tmp_path / "low", NAMES["q4"], 3, quantisation="Q4_K_M"),
        run_of(tmp_path / "high", NAMES["f16"], 6, quantisation="F16"),
    ]
    text = CliRunner().invoke(app, ["compare", *map(str, folders)]).output
    top, low = [line for line in text.splitlines() if line.startswith(("high ", "low "))][:2]
    assert text.index("One model, several weights or servers") < text.index(top)
    assert "F16" in top
    assert "-37.5" in low.replace("−", "-")


def test_one_model_on_two_servers_is_a_ladder(tmp_path):
    names = ["ollama/qwen2.5:7b", "openai/Qwen/Qwen2.5-7B-Instruct"]
    read = [
        read_run(Store.open(run_of(tmp_path / f"r{n}", name, 4 + n)))
        for n, name in enumerate(names)
    ]
    (found,) = ladders(read, compare_runs(read))
    assert found.top.server == "ollama"
    assert [rung.server for rung, _ in found.rungs] == ["openai"]


def test_runs_of_other_models_are_no_ladder(tmp_path):
    read = [
        read_run(Store.open(run_of(tmp_path / f"r{n}", name, 4)))
        for n, name in enumerate(["ollama/qwen2.5:7b", "ollama/qwen2.5:14b"])
    ]
    assert not [*ladders(read, compare_runs(read))]


def test_the_same_weights_twice_are_no_ladder(tmp_path):
    read = [
        read_run(Store.open(run_of(tmp_path / f"r{n}", NAMES["q4"], 4, quantisation="Q4_K_M")))
        for n in range(2)
    ]
    assert not [*ladders(read, compare_runs(read))]
