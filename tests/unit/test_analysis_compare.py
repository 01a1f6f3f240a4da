"""Arms are compared problem by problem, and runs that cannot be compared are refused."""

import shlex
from contextlib import closing
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from typer.testing import CliRunner

from solver.analysis.accuracy import accuracy_of_run
from solver.analysis.comparable import read_run, remarks
from solver.analysis.compare import apart, compare_runs
from solver.analysis.ranking import ranking
from solver.cli import app
from solver.errors import ConfigError
from solver.records import Message, Outcome
from solver.report import write_report, write_tables
from solver.report.runs import stored_run
from solver.report.sections.compare import compared
from solver.report.show import show_comparisons, show_run
from solver.report.tables import Kind, text_of
from solver.stats.paired import holm, mcnemar
from solver.store.alike import differences
from tests.stored import JUDGE, changed, problem, said, stored, trial

PROBLEMS = [
    problem(n, domain="algebra" if n < 5 else "geometry", level=1 + n % 2) for n in range(9)
]


def run_of(folder, rights, *, mode="code", model="m/x", problems=PROBLEMS, **manifest):
    """A run of one arm; `rights` holds for each problem 1, 0, or None for an undecided answer."""
    answers = [
        trial(
            f"p{n}", said("1"), right=None if right is None else bool(right), mode=mode, model=model
        )
        for n, right in enumerate(rights)
    ]
    store = stored(folder, problems, answers, **manifest)
    run = read_run(store, folder.name)
    store.close()
    return run


def two_runs(tmp_path, first, second, **second_facts):
    return [
        run_of(tmp_path / "first", first),
        run_of(tmp_path / "second", second, **second_facts),
    ]


def test_the_four_counts_are_of_problems(tmp_path):
    (found,) = compare_runs(
        two_runs(tmp_path, [1, 1, 1, 0, 0, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0, 0, 0])
    )
    counts = found.difference.counts
    assert (counts.both, counts.only_a, counts.only_b, counts.neither) == (2, 2, 1, 4)
    assert found.difference.value == pytest.approx(1 / 9)
    assert found.difference.p_value == mcnemar(2, 1)


def test_the_difference_is_that_of_the_sides(tmp_path):
    (found,) = compare_runs(
        two_runs(tmp_path, [1, None, 1, 0, 0, 1, 0, 0, 0], [1, 1, 0, None, 0, 0, 0, 0, 0])
    )
    assert found.difference.value == pytest.approx(found.a.accuracy.value - found.b.accuracy.value)
    assert found.left_out == ("p1", "p3")
    assert found.difference.n_problems == 7


def test_unscored_trials_are_wrong_in_the_other_reading_alone(tmp_path):
    (found,) = compare_runs(two_runs(tmp_path, [1] * 8 + [None], [0] * 8 + [1]))
    assert found.difference.value == 1
    assert found.of_all.value == pytest.approx(7 / 9)


def test_one_reading_is_given_where_all_is_scored(tmp_path):
    (found,) = compare_runs(two_runs(tmp_path, [1] * 9, [0] * 9))
    assert found.of_all is None


def test_modes_inside_a_run_differ_as_the_main_table_says(tmp_path):
    trials = [
        trial(f"p{n}", said("1"), right=r == n % 3 or (n, mode) == (2, "code"), repeat=r, mode=mode)
        for n in range(9)
        for r in (0, 1, 2)
        for mode in ("code", "cot")
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    (found,) = compare_runs([read_run(store)])
    code, cot = (arm.overall.of_all for arm in accuracy_of_run(store).arms)
    assert (found.a.mode, found.b.mode) == ("code", "cot")
    assert found.of_all is None
    assert found.difference.value == pytest.approx(code.value - cot.value)
    store.close()


@pytest.mark.parametrize("parts", ["domains", "levels"])
def test_domains_and_levels_add_up_to_the_whole(tmp_path, parts):
    (found,) = compare_runs(
        two_runs(tmp_path, [1, 1, 1, 0, 0, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0, 1, 0, 0])
    )
    for count in ("both", "only_a", "only_b", "neither"):
        total = sum(getattr(part.difference.counts, count) for part in getattr(found, parts))
        assert total == getattr(found.difference.counts, count)


def test_p_values_are_adjusted_over_all_comparisons_made_together(tmp_path):
    runs = [
        run_of(tmp_path / "a", [1] * 9),
        run_of(tmp_path / "b", [0] * 9),
        run_of(tmp_path / "c", [1, 0, 0, 0, 1, 1, 1, 1, 1]),
    ]
    found = compare_runs(runs)
    assert len(found) == 3
    assert [each.adjusted for each in found] == holm([each.difference.p_value for each in found])
    assert found[0].adjusted > found[0].difference.p_value


def test_a_sentence_follows_the_adjusted_p_and_never_one_interval(tmp_path, capsys):
    runs = [
        run_of(tmp_path / name, rights)
        for name, rights in (("a", [1] * 9), ("b", [1] * 9), ("c", [0] * 6 + [1] * 3))
    ]
    found = compare_runs(runs)
    a_and_c = found[1].difference
    assert a_and_c.p_value < 0.05
    assert a_and_c.low > 0
    assert found[1].adjusted > 0.05
    show_comparisons(found)
    shown = " ".join(capsys.readouterr().out.split())
    assert "more accurate" not in shown
    assert "An interval without 0 is of that pair alone" in shown


def test_three_arms_are_ranked_by_what_is_sure(tmp_path, capsys):
    rights = (("low", [0] * 9), ("high", [1] * 9), ("nearly", [1] * 8 + [0]))
    found = compare_runs([run_of(tmp_path / name, each) for name, each in rights])
    assert [(one.side.run, one.standing.best, one.standing.worst) for one in ranking(found)] == [
        ("high", 1, 2),
        ("nearly", 1, 2),
        ("low", 3, 3),
    ]
    show_comparisons(found)
    shown = capsys.readouterr().out
    assert "Ranks" in shown
    assert "1 to 2" in shown
    assert ranking(found[:1]) == ()


def test_a_difference_is_told_with_caps_unscored_trials_and_tokens(tmp_path, capsys):
    cut = said(None, code=False, capped=True, tokens=(10, 2048))
    trials = [
        *(trial(f"p{n}", said("1"), right=True) for n in range(9)),
        *(trial(f"p{n}", cut, mode="cot") for n in range(8)),
        trial("p8", error="the server left", mode="cot"),
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    found = compare_runs([read_run(store)])
    store.close()
    (side,) = {found[0].b}
    assert (side.trials, side.scored, side.errors, side.replies, side.capped) == (9, 8, 1, 8, 8)
    show_comparisons(found)
    shown = " ".join(capsys.readouterr().out.split())
    assert "The token cap cut 100.0 % of the replies of cot" in shown
    assert "Errors of ours ended 11.1 % of the trials of cot" in shown
    assert "code − cot: 30 and 1,829 tokens a trial" in shown


def test_the_row_of_a_difference_holds_what_else_could_have_made_it(tmp_path):
    cut = said(None, code=False, capped=True, tokens=(10, 2048))
    trials = [
        *(trial(f"p{n}", said("1"), right=n < 5) for n in range(9)),
        *(trial(f"p{n}", cut, mode="cot") for n in range(3)),
        *(trial(f"p{n}", said("1", code=False), right=True, mode="cot") for n in range(3, 8)),
        trial("p8", error="the server left", mode="cot"),
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    (found,) = compare_runs([read_run(store)])
    store.close()
    section = compared([found])
    table = section.tables[0]
    row = dict(zip((column.title for column in table.columns), table.rows[0], strict=True))
    assert row["problems"] == 8
    assert row["95 % interval"] == (found.difference.low, found.difference.high)
    assert row["p after Holm"] == found.adjusted
    assert row["of all, points"] == found.of_all.value
    assert row["its interval"] == (found.of_all.low, found.of_all.high)
    assert row["scored"] == "9 of 9 / 8 of 9"
    assert row["errors"] == "0 / 1"
    assert row["cap hit"] == "0.0 % / 37.5 %"
    assert row["tokens a trial"] == "30 / 703"
    # One sentence says that nothing is sure, and what to be careful about all the same.
    (words,) = section.words
    assert words.startswith(
        "code and cot cannot be told apart with this many problems: code − cot is"
        f" {text_of(found.difference.value, Kind.POINTS)} points (95 % interval: "
    )
    assert "cap cut 37.5 %" in words


def test_the_page_and_markdown_hold_the_same_row(tmp_path):
    folder = tmp_path / "run"
    trials = [
        trial(f"p{n}", said("1"), right=n < right, mode=mode)
        for n in range(9)
        for mode, right in (("code", 8), ("cot", 1), ("tir", 4))
    ]
    stored(folder, PROBLEMS, trials).close()
    page = write_report([folder]).read_text(encoding="utf-8")
    written = {path.stem: path.read_text("utf-8") for path in write_tables([folder], "md")}
    for shown in (page, written["differences"]):
        assert "9 of 9 / 9 of 9" in shown
    assert "places" in written["ranks"]
    assert "Ranks" in page


def test_a_greedy_run_is_compared_with_all_repeats_of_the_other(tmp_path):
    many = [trial(f"p{n}", said("1"), right=r < n, repeat=r) for n in range(9) for r in range(4)]
    store = stored(tmp_path / "many", PROBLEMS, many)
    (found,) = compare_runs([read_run(store), run_of(tmp_path / "greedy", [1] * 9)])
    mean = sum(Fraction(min(n, 4), 4) for n in range(9)) / 9
    assert found.difference.value == pytest.approx(float(mean - 1))
    store.close()


def test_flipped_problems_are_listed_and_a_wavering_one_is_not(tmp_path):
    trials = [
        trial(f"p{n}", said("1"), right=right, repeat=r, mode=mode)
        for n, (code, cot) in enumerate([((1, 1), (0, 0)), ((0, 0), (1, 1)), ((1, 0), (1, 1))])
        for mode, rights in (("code", code), ("cot", cot))
        for r, right in enumerate(rights)
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    (found,) = compare_runs([read_run(store)])
    assert [(flip.problem_id, flip.a, flip.b) for flip in found.flips] == [
        ("p0", 1, 0),
        ("p1", 0, 1),
    ]
    assert found.flips[0].a_key == "p0|m/x|code|0"
    assert found.flips[0].b_key == "p0|m/x|cot|0"
    store.close()


def cut_and_wrong(folder):
    """`code` solves p0, `cot` is cut once, wrong once, right once; on p1 `cot` is cut and loses."""
    cut = said(code=False, capped=True)
    trials = [
        *(trial("p0", said("1"), right=True, repeat=r) for r in range(3)),
        trial("p0", said("1", code=False), right=True, mode="cot", repeat=0),
        trial("p0", cut, mode="cot", repeat=1),
        trial("p0", said("2", code=False), right=False, mode="cot", repeat=2),
        *(trial("p1", said("1"), right=False, repeat=r) for r in range(3)),
        *(trial("p1", said("1", code=False), right=True, mode="cot", repeat=r) for r in range(3)),
    ]
    return stored(folder, PROBLEMS, trials)


def test_a_flip_says_how_the_trials_of_both_sides_ended(tmp_path):
    with closing(cut_and_wrong(tmp_path)) as store:
        (found,) = compare_runs([read_run(store)])
    first, second = found.flips
    assert first.a_outcomes == {Outcome.CORRECT: 3}
    assert first.b_outcomes == {Outcome.CORRECT: 1, Outcome.TRUNCATED: 1, Outcome.WRONG: 1}
    assert (first.lost, first.capped) == (2, 1)
    assert (second.lost, second.capped) == (3, 0)


def test_the_trial_linked_to_on_a_side_won_or_lost_as_the_side_did(tmp_path):
    with closing(cut_and_wrong(tmp_path)) as store:
        (found,) = compare_runs([read_run(store)])
    assert (found.flips[0].a_key, found.flips[0].b_key) == ("p0|m/x|code|0", "p0|m/x|cot|1")
    assert (found.flips[1].a_key, found.flips[1].b_key) == ("p1|m/x|code|0", "p1|m/x|cot|0")


def test_flips_are_counted_and_each_has_a_command_that_prints_its_trials(tmp_path, capsys):
    folder = tmp_path / "a run"
    with closing(cut_and_wrong(folder)) as store:
        run = read_run(store)
        show_comparisons(compare_runs([run]), folders={run.name: folder})
        shown = capsys.readouterr().out
        line = " ".join(shown.split())
        assert "1 by first, 1 by second; the token cap cut 1 of the 5 trials that lost" in line
        assert "wrong 1 · truncated 1" in line
        command = next(x for x in shown.splitlines() if x.startswith("to read"))
        assert shlex.split(command)[2:] == ["solver", "show", str(folder), "--problem", "p0"]


def test_tokens_and_seconds_stand_beside_accuracy(tmp_path):
    (found,) = compare_runs(two_runs(tmp_path, [1] * 9, [0] * 9))
    assert found.a.usage.tokens == 9 * 30
    assert found.a.usage.model_seconds == 9 * 0.5
    assert found.b.usage.per_correct() is None


@pytest.mark.parametrize(
    ("problems", "message"),
    [
        (PROBLEMS[:8], "1 problem only in first: p8"),
        ([*PROBLEMS[:8], problem(8, answer="other")], "with another question or reference: p8"),
        ([problem(n + 9) for n in range(9)], "9 problems only in first: p0, p1, p2 and 6 more"),
    ],
)
def test_runs_over_other_problems_are_refused(tmp_path, problems, message):
    first = run_of(tmp_path / "first", [1] * 9)
    store = stored(tmp_path / "second", problems, [])
    with pytest.raises(ConfigError, match=message) as refused:
        compare_runs([first, read_run(store, "second")])
    assert "\n" not in str(refused.value)
    store.close()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"threshold": 5}, "judge.threshold: 4 → 5"),
        ({"model": "mistral/x"}, "judge.model: null → mistral/x"),
        ({"policy": {"missing_unit": "refuse"}}, "judge.policy.missing_unit: default → refuse"),
        ({"preset": "yes-no"}, "judge.preset: rules-then-model → yes-no"),
    ],
)
def test_runs_scored_in_another_way_are_refused(tmp_path, changed, message):
    runs = two_runs(tmp_path, [1] * 9, [0] * 9, judge={**JUDGE, **changed})
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        compare_runs(runs)


def test_a_judge_with_more_workers_scores_the_same_way(tmp_path):
    runs = two_runs(tmp_path, [1] * 9, [0] * 9, judge={**JUDGE, "workers": 9})
    assert len(compare_runs(runs)) == 1


def test_one_arm_alone_cannot_be_compared(tmp_path):
    with pytest.raises(ConfigError, match="nothing to compare"):
        compare_runs([run_of(tmp_path / "first", [1] * 9)])


def undecided_words(folder):
    """A run whose programs are all judged and whose words are not; one trial of words failed."""
    return stored(
        folder,
        PROBLEMS,
        [
            *(trial(f"p{n}", said("1"), right=True) for n in range(9)),
            *(trial(f"p{n}", said("1"), mode="cot") for n in range(8)),
            trial("p8", error="the server left", mode="cot"),
        ],
    )


WHY = (
    "code − cot: not compared, because no repeat of a problem is scored on both sides (first: 9 of"
    " 9 trials scored; second: 0 of 9 trials scored, 1 error of ours, 8 answers without a verdict)"
)


def test_a_run_says_why_its_modes_cannot_be_compared(tmp_path, capsys):
    store = undecided_words(tmp_path)
    show_run(stored_run(store))
    store.close()
    assert WHY in " ".join(capsys.readouterr().out.split())


def test_a_report_says_why_its_modes_cannot_be_compared(tmp_path):
    undecided_words(tmp_path / "run").close()
    page = write_report([tmp_path / "run"]).read_text(encoding="utf-8")
    assert WHY in " ".join(page.split())


def test_a_refused_comparison_says_why(tmp_path):
    store = undecided_words(tmp_path)
    with pytest.raises(ConfigError, match=r"code − .*cot: no repeat of a problem is scored"):
        compare_runs([read_run(store)])
    store.close()


def test_runs_that_may_not_be_compared_are_not_called_apart(tmp_path):
    other = [problem(n + 9) for n in range(9)]
    first = run_of(tmp_path / "first", [1] * 9)
    store = stored(tmp_path / "second", other, [trial("p9", said("1"), right=True)])
    with pytest.raises(ConfigError, match="9 problems only in first"):
        apart([first, read_run(store)])
    store.close()


def test_arms_without_a_problem_in_common_are_named_beside_those_that_have_one(tmp_path):
    trials = [
        *(trial(f"p{n}", said("1"), right=True, mode=mode) for n in (0, 1) for mode in "ab"),
        trial("p5", said("1"), right=True, mode="c"),
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    run = read_run(store)
    store.close()
    assert len(compare_runs([run])) == 1
    assert [(each.a.mode, each.b.mode, each.why) for each in apart([run])] == [
        ("a", "c", "no problem was tried on both sides"),
        ("b", "c", "no problem was tried on both sides"),
    ]


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ([{}, {}], 1),
        ([{}, {"mode": "cot"}], 1),
        ([{}, {"model": "m/y"}], 1),
        ([{}, {"model": "m/y", "mode": "cot"}], 1),
        ([{}, {}, {}], 3),
    ],
)
def test_every_two_runs_are_compared_by_what_they_share(tmp_path, facts, count):
    runs = [run_of(tmp_path / str(n), [1] * 9, **each) for n, each in enumerate(facts)]
    assert len(compare_runs(runs)) == count


def test_other_settings_are_named(tmp_path):
    identity = {"sampling": {"temperature": 0.5}, "model": "another"}
    judge = {**JUDGE, "workers": 3, "sympy": "1.13"}
    runs = two_runs(tmp_path, [1] * 9, [0] * 9, identity=identity, judge=judge, models={"m/y": {}})
    assert remarks(runs) == [
        "first and second differ in sampling.temperature: default → 0.5",
        'first and second differ in judge.sympy: none → "1.13"',
    ]


def test_runs_judged_by_other_rules_are_flagged(tmp_path):
    judge = {**JUDGE, "rules": 2, "changed": {"threshold": 4}}
    runs = two_runs(tmp_path, [1] * 9, [0] * 9, judge=judge)
    assert remarks(runs) == [
        "second is scored in another way than by default: threshold 4",
        "first and second differ in judge.rules: none → 2",
    ]


def test_another_digest_of_the_same_model_is_named(tmp_path):
    runs = [
        run_of(tmp_path / digest, [1] * 9, models={"m/x": {"digest": digest}}) for digest in "ab"
    ]
    assert remarks(runs) == ["a and b differ in models.m/x.digest: a → b"]


@pytest.mark.parametrize(
    ("facts", "said_of_it"),
    [
        (
            {"identity": {"model": [{"name": "m/x", "sampling": {"temperature": 1.0}}]}},
            "m/x.sampling.temperature: default → 1.0",
        ),
        ({"config": {"repeats": 4}}, "repeats: 1 → 4"),
        ({"versions": {"solver": "2"}}, 'versions.solver: "1" → "2"'),
        ({"sandbox": {"image_id": "sha256:b"}}, "sandbox.image_id: sha256:a → sha256:b"),
        ({"judge": {**JUDGE, "rules": "b"}}, "judge.rules: a → b"),
        (
            {"problems": [PROBLEMS[0].model_copy(update={"level": 5}), *PROBLEMS[1:]]},
            "the level of 1 problem, such as p0",
        ),
        (
            {"problems": [p.model_copy(update={"domain": "x"}) for p in PROBLEMS]},
            "the domain of 9 problems, such as p0",
        ),
    ],
)
def test_whatever_sets_two_runs_apart_is_said(tmp_path, facts, said_of_it):
    same = {
        "identity": {"model": [{"name": "m/x", "sampling": {}}]},
        "versions": {"solver": "1"},
        "sandbox": {"image_id": "sha256:a"},
        "judge": {**JUDGE, "rules": "a"},
    }
    runs = [
        run_of(tmp_path / "first", [1] * 9, **same),
        run_of(tmp_path / "second", [0] * 9, **{**same, **facts}),
    ]
    assert remarks(runs) == [f"first and second differ in {said_of_it}"]


def asked(folder, *texts):
    """A run of p0, a repeat for each text that its prompt had."""
    turns = [changed(said("1"), prompt=(Message(role="user", text=text),)) for text in texts]
    trials = [trial("p0", turn, right=True, repeat=r) for r, turn in enumerate(turns)]
    store = stored(folder, PROBLEMS[:1], trials)
    run = read_run(store)
    store.close()
    return run


def test_another_wording_of_the_prompt_is_said(tmp_path):
    runs = [asked(tmp_path / "first", "Solve."), asked(tmp_path / "second", "Please solve.")]
    assert remarks(runs) == ["first and second differ in the prompt of mode code"]


def test_a_run_that_mixes_prompts_is_named(tmp_path):
    assert remarks([asked(tmp_path / "r", "Solve.", "Solve.")]) == []
    assert remarks([asked(tmp_path / "r2", "Solve.", "Please solve.")]) == [
        "r2 asked p0 in mode code with 2 different prompts"
    ]


def test_a_run_with_a_repeat_twice_is_named(tmp_path):
    run = run_of(tmp_path / "r", [1] * 9)
    (remark,) = remarks([replace(run, trials=run.trials[np.array([*range(9), 0])])])
    assert remark.startswith("r holds 1 repeat more than once")


def test_a_run_that_is_not_at_its_end_is_named(tmp_path):
    run = run_of(tmp_path / "first", [1] * 9, trials=20)
    assert remarks([run]) == ["first is not complete: 9 of 20 trials"]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({"cot": {"examples": 0}}, {}, "cot.examples: 0 → default"),
        ({}, {"cot": {"examples": 0}}, "cot.examples: default → 0"),
        ({"top_p": None}, {"top_p": 0.9}, "top_p: null → 0.9"),
        ({"think": True}, {"think": "true"}, 'think: true → "true"'),
        ({"stop": ["a"]}, {"stop": []}, 'stop: ["a"] → []'),
        ({"by": "rules"}, {"by": "model"}, "by: rules → model"),
    ],
)
def test_differences_are_written_as_in_a_config(first, second, said):
    assert list(differences(first, second, absent="default")) == [said]


def test_a_text_that_is_nested_deep_is_written_as_it_is():
    deep = "[" * 200_000
    assert list(differences({"a": deep}, {"a": "x"})) == [f"a: {deep} → x"]


def test_what_is_absent_is_no_other_than_null_or_an_empty_section():
    assert not list(differences({"cot": {}, "top_p": None}, {}))


def test_differences_name_the_place():
    first, second = {"a": {"b": 1, "c": [1]}}, {"a": {"b": 2, "c": [1]}, "d": 0}
    assert list(differences(first, second)) == ["a.b: 1 → 2", "d: none → 0"]


def test_a_comparison_is_printed_harmlessly(tmp_path, capsys):
    hostile = "\x1b]0;owned\x07\u202e[bold]"
    problems = [problem(n, domain=hostile) for n in range(9)]
    facts = {"problems": problems}
    runs = [
        run_of(tmp_path / "first", [1] * 9, **facts),
        run_of(tmp_path / "second", [0] * 9, model=f"m/{hostile}", **facts),
    ]
    show_comparisons(compare_runs(runs), ["a note"])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "100.0 points more accurate" in shown
    assert "note       a note" in shown


def test_the_command_refuses_in_one_line_what_cannot_be_compared(tmp_path):
    run_of(tmp_path / "first", [1] * 9)
    result = CliRunner().invoke(app, ["compare", str(tmp_path / "first")])
    assert isinstance(result.exception, ConfigError)
    assert "nothing to compare" in str(result.exception)
