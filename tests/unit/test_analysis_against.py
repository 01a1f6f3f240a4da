"""A run against published scores: found by the model's name, with what could explain the gap."""

import pytest
from typer.testing import CliRunner

from judge import Verdict
from solver.analysis.against import against_all, with_rows
from solver.analysis.arms import stored_rows
from solver.analysis.comparable import read_run
from solver.analysis.failures import failures_of
from solver.analysis.published import (
    Score,
    is_base,
    model_words,
    published_scores,
    scores_of,
    set_word,
)
from solver.cli import app
from solver.errors import ConfigError
from tests.fakes import config_of
from tests.stored import problem, said, stored, trial

MODEL = "local//weights/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
PROBLEMS = [problem(n).model_copy(update={"set": "math500"}) for n in range(10)]


def run_of(folder, trials, **manifest):
    config = config_of(model=MODEL, mode="cot", judge="rules", providers={})
    stated = {"config": config.model_dump(mode="json")}
    return stored(folder, PROBLEMS, trials, **stated, **manifest)


def cot(n, right, *turns, **more):
    turns = turns or (said("1", code=False),)
    return trial(f"p{n}", *turns, right=right, mode="cot", model=MODEL, **more)


def found_in(store, *scores, **more):
    run = with_rows(read_run(store), stored_rows(store))
    return against_all(run, failures_of(store).arms, scores, **more)


def setting(each, name):
    return next(s for s in each.settings if s.name == name)


VERDICT = Verdict(None, "none", "undecided", "undecided", rules="undecided")
SCORE = Score("Qwen2.5-Coder-1.5B-Instruct", "MATH-500", 0.5, metric="pass@1")


@pytest.mark.parametrize(
    ("run", "published"),
    [
        ("local//m/qwen2.5-7b-instruct-q4_k_m.gguf", "Qwen2.5-7B-Instruct"),
        ("ollama/qwen2.5:7b", "Qwen2.5-7B-Instruct"),
        ("ollama/qwq:32b-preview-fp16", "QwQ-32B-Preview"),
        ("openai/deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "DeepSeek-R1-Distill-Qwen-7B"),
        ("local/m/Meta-Llama-3.1-8B-Instruct-Q8_0.gguf", "Llama-3.1-8B-Instruct"),
        ("openai/o1-mini", "OpenAI o1-mini"),
    ],
)
def test_a_model_is_found_under_the_name_it_was_published_with(run, published):
    assert model_words(run) == model_words(published)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("qwen2.5:7b", "Qwen2.5-72B-Instruct"),
        ("qwen2.5-coder:7b", "Qwen2.5-7B-Instruct"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-11-20"),
        ("deepseek-r1", "DeepSeek-R1-Zero"),
    ],
)
def test_another_model_is_not_found(one, other):
    assert model_words(one) != model_words(other)


def test_the_published_scores_that_ship_are_read_and_name_their_source():
    scores = published_scores()
    assert len(scores) == 139
    assert all(score.source and score.date for score in scores)
    assert {set_word(score.set) for score in scores} == {"math500", "aime2024", "gsm8k", "math"}
    (vote,) = (s for s in scores_of(scores, "x/deepseek-r1-zero", "aime2024") if "64" in s.metric)
    assert not vote.of_one_reply
    assert len(scores_of(scores, "ollama/qwen2.5:72b", "math")) == 1  # its base model's
    assert is_base(scores_of(scores, "ollama/qwen2.5:72b", "math")[0].model)


def test_a_cut_trial_is_worth_what_it_would_add(tmp_path):
    capped = said(code=False, capped=True)
    trials = [cot(n, True) for n in range(4)] + [cot(n, False) for n in range(4, 7)]
    trials += [cot(n, None, capped) for n in range(7, 10)]
    (each,) = found_in(run_of(tmp_path, trials), SCORE)
    assert each.ours.value == 0.4
    assert setting(each, "cap hits").points == pytest.approx(0.3)
    assert each.at_most == pytest.approx(0.7)
    assert each.inside
    assert each.of_set == 500


def test_an_overlooked_answer_is_worth_what_it_would_add(tmp_path):
    wrong = said("77", code=False, text="so \\boxed{9} or rather 77")
    trials = [cot(n, True) for n in range(9)] + [cot(9, False, wrong)]
    (each,) = found_in(run_of(tmp_path, trials), SCORE)
    assert setting(each, "extraction").points == pytest.approx(0.1)


def test_an_answer_without_a_verdict_is_worth_what_it_would_add(tmp_path):
    trials = [cot(n, n < 4) for n in range(8)]
    undecided = [
        each.model_copy(update={"verdict": VERDICT}) for each in (cot(8, True), cot(9, True))
    ]
    (each,) = found_in(run_of(tmp_path, trials + undecided), SCORE)
    assert each.ours.value == 0.5
    assert setting(each, "judge").points == pytest.approx(0.1)


def test_settings_are_listed_as_ours_and_theirs(tmp_path):
    said_by = Score(
        "Qwen2.5-Coder-1.5B (base)", "math500", 0.9, shots="4", prompt="Minerva's", sampling="T 0.6"
    )
    store = run_of(
        tmp_path,
        [cot(n, n < 4) for n in range(10)],
        models={MODEL: {"quantisation": "Q4_K_M", "context": 4096}},
    )
    (each,) = found_in(store, said_by)
    assert not each.inside
    assert setting(each, "kind of model").theirs == "a base model"
    assert setting(each, "shots").ours == "0"
    assert setting(each, "prompt").theirs == "Minerva's"
    assert setting(each, "quantisation").ours == "Q4_K_M"
    assert "temperature 0, up to 2,048 tokens" in setting(each, "sampling").ours


def test_the_spread_between_wordings_is_what_the_prompt_is_worth(tmp_path):
    trials = [cot(n, n < 4) for n in range(10)]
    trials += [cot(n, n < 7).model_copy(update={"mode": "cot@wording-2"}) for n in range(10)]
    each = found_in(run_of(tmp_path, trials), SCORE)[0]
    assert setting(each, "prompt").worth == "2 wordings lie 30.0 points apart"


def test_the_command_prints_both_numbers_and_whether_one_lies_inside(tmp_path):
    scores = tmp_path / "mine.csv"
    scores.write_text(
        "Model,Set,Score,Source\nQwen2.5-Coder-1.5B-Instruct,MATH-500,95,a report\n", "utf-8"
    )
    cut = cot(9, None, said(code=False, capped=True))
    run_of(tmp_path / "run", [*(cot(n, n < 4) for n in range(9)), cut]).close()
    done = CliRunner().invoke(app, ["against", str(tmp_path / "run"), "--scores", str(scores)])
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert "40.0 % here, 95.0 % published, which lies outside our interval" in text
    assert "Only 10 of 500 problems were run" in text
    assert (
        "would have 50.0 %: 45.0 points below the published score still, so these do not explain it"
        in text
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model,score\na,1\n", "no column 'set'"),
        ("model,set,score\na,math500,much\n", "mine.csv:2: score 'much' should be percent"),
        ("model,set,score\na,math500,120\n", "a score from 0 to 100"),
        (f"model,set,score\n{'a' * 200_000},math500,1\n", "cannot be read: field larger than"),
    ],
)
def test_a_file_of_scores_that_is_none_is_refused(tmp_path, text, expected):
    path = tmp_path / "mine.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=expected):
        published_scores(path)


def test_without_a_published_score_the_nearest_models_are_named(tmp_path):
    store = run_of(tmp_path, [cot(n, True) for n in range(10)])
    with pytest.raises(ConfigError, match=r"no published score of .* on math500 .*--model names"):
        found_in(store, *published_scores())
    (each, *_) = found_in(store, *published_scores(), published_as="QwQ-32B-Preview")
    assert each.score.score == pytest.approx(0.906)
