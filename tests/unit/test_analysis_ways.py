"""What the modes beyond one program did, counted; and what their checks weigh in a vote."""

import pytest
from rich.console import Console

from sandbox import Exit
from solver.analysis.ways import vote_weights, ways_of
from solver.modes.csv import VoteWeights
from solver.records import Intervention, Verification
from solver.report.show_ways import show_ways
from solver.stats.paired import mean_difference
from tests.fakes import config_of, finished_run, program
from tests.stored import problem, said, stored, trial

PROBLEMS = [problem(n) for n in range(1, 5)]


def of(folder, trials, **manifest):
    """What was done in a run that holds these trials."""
    store = stored(folder, PROBLEMS, trials, **manifest)
    found = ways_of(store)
    store.close()
    return found


def changed(turn, **fields):
    """The turn, some of its reply's fields and its own being others."""
    own = {name: value for name, value in fields.items() if name in type(turn).model_fields}
    of_reply = {name: value for name, value in fields.items() if name not in own}
    return turn.model_copy(update={**own, "reply": turn.reply.model_copy(update=of_reply)})


def checked(answer, state):
    return changed(said(answer), verification=Verification(state))


def shown(ways, capsys):
    show_ways(Console(width=100), ways)
    return capsys.readouterr().out


# ---- rounds ----


def test_rounds_count_replies_programs_and_how_they_ended(tmp_path):
    ran = said(exit=Exit.OK)
    crashed = said(exit=Exit.CRASHED)
    refused = said(refused="network")
    words = said("1", code=False)
    silent = said(code=False)
    trials = [
        trial("p1", ran, crashed, changed(words, answer_rule="boxed"), mode="tir", right=True),
        trial("p2", refused, changed(words, answer_rule="last_output"), mode="tir", right=False),
        trial("p3", silent, mode="tir"),
    ]
    (found,) = of(tmp_path, trials).rounds
    assert (found.trials, found.replies) == (3, 6)
    assert (found.executions, found.failed, found.refused) == (2, 1, 1)
    assert found.answers == {"boxed": 1, "last_output": 1, "none": 1}


def test_trials_that_ended_in_an_error_of_ours_are_counted_nowhere(tmp_path):
    gone = {"error": "ModelError: gone"}
    trials = [
        trial("p1", said(exit=Exit.OK), mode="tir", **gone),
        trial("p1", checked("1", "true"), mode="csv", **gone),
        trial("p1", said("1"), mode="code+guided", **gone),
        trial("p1", said("1"), right=True),
    ]
    found = of(tmp_path, trials)
    assert (found.rounds, found.checks, found.regrown) == ((), (), ())


# ---- checks ----


def test_answers_are_counted_by_what_their_last_check_found(tmp_path):
    once = [said("7"), checked("7", "false"), said("1")]
    trials = [
        trial("p1", said("1"), checked("1", "true"), mode="csv", right=True),
        trial("p2", said("7"), checked("7", "true"), mode="csv", right=False),
        trial("p3", *once, checked("1", "true"), mode="csv", right=None),
        trial("p4", *once, checked("1", "false"), mode="csv", right=True),
    ]
    (found,) = of(tmp_path, trials).checks
    assert found.found == {"true": 3, "false": 1}
    assert found.judged == {"true": 2, "false": 1}
    assert found.right == {"true": 1, "false": 1}
    assert found.revised == 2


def test_a_trial_without_an_answer_was_not_checked_but_may_have_been_revised(tmp_path):
    trials = [
        trial("p1", said(exit=Exit.CRASHED), mode="csv"),
        trial("p2", said("7"), checked("7", "false"), said(exit=Exit.CRASHED), mode="csv"),
    ]
    (found,) = of(tmp_path, trials).checks
    assert found.found == {}
    assert found.revised == 1


# ---- regeneration beside plain code ----


def arms(first, others, mode="code+guided"):
    """Trials of `code` and of a control; each is (turns, right), by problem."""
    return [
        trial(f"p{number}", *turns, right=right, mode=name)
        for name, told in (("code", first), (mode, others))
        for number, (turns, right) in enumerate(told, start=1)
    ]


def test_plain_code_comes_first_and_is_compared_with_nothing(tmp_path):
    trials = arms([([said("1")], True)], [([said("1")], True)])
    ((plain, guided),) = of(tmp_path, trials[::-1]).regrown
    assert (plain.mode, guided.mode) == ("code", "code+guided")
    nothing = (plain.difference, plain.execution_seconds, plain.attempts, plain.same, plain.parted)
    assert nothing == (None,) * 5


def test_differences_are_the_control_minus_plain_code(tmp_path):
    mended = [said(exit=Exit.CRASHED), said("1")]
    plain = [(mended, True), (mended, True), ([said("7")], False), ([said("7")], False)]
    grown = [([said("1")], True)] * 4
    ((code, guided),) = of(tmp_path, arms(plain, grown)).regrown
    assert (code.accuracy, guided.accuracy) == (0.5, 1.0)
    assert guided.difference.value == 0.5
    assert (guided.difference.counts.only_a, guided.difference.counts.only_b) == (2, 0)
    assert guided.attempts.value == -0.5
    assert guided.execution_seconds == mean_difference([-0.25, -0.25, 0, 0])


def test_only_trials_that_all_arms_have_are_compared(tmp_path):
    trials = [
        *arms([([said("1")], True)] * 4, [([said("1")], True)] * 2),
        trial("p2", said("7"), right=False, mode="code+literal"),
        trial("p3", said("7"), right=False, mode="code+literal"),
    ]
    (found,) = of(tmp_path, trials).regrown
    assert {arm.mode: (arm.trials, arm.accuracy) for arm in found} == {
        "code": (1, 1.0),
        "code+guided": (1, 1.0),
        "code+literal": (1, 0.0),
    }


def test_repeats_do_not_pass_for_independent_problems(tmp_path):
    slow = said(exit=Exit.CRASHED)
    trials = [
        trial(f"p{n}", *turns, right=True, mode=mode, repeat=repeat)
        for n in (1, 2)
        for repeat in range(2)
        for mode, turns in (
            ("code", [said("1")]),
            ("code+guided", [*[slow] * (n * (1 + repeat)), said("1")]),
        )
    ]
    ((_, guided),) = of(tmp_path, trials).regrown
    assert guided.attempts == mean_difference([1.5, 3.0])


def test_a_trial_without_a_verdict_counts_as_wrong_in_both_arms(tmp_path):
    trials = arms([([said("maybe")], None)], [([said("1")], True)])
    ((code, guided),) = of(tmp_path, trials).regrown
    assert (code.accuracy, guided.difference.value) == (0.0, 1.0)


def test_the_bill_is_a_mean_over_trials_and_interventions_a_count(tmp_path):
    made = tuple(Intervention(kind=kind, at=0) for kind in ("unparsable", "closed"))
    busy = changed(said("1", tokens=(100, 40)), requests=9, interventions=made)
    trials = arms([([said("1")], True)] * 2, [([busy], True), ([said("1")], True)])
    ((code, guided),) = of(tmp_path, trials).regrown
    assert (code.spent.requests, guided.spent.requests) == (1, 5)
    assert (guided.spent.input_tokens, guided.spent.output_tokens) == (55, 30)
    assert guided.spent.model_seconds == 0.5
    assert (code.interventions, guided.interventions) == ({}, {"unparsable": 1, "closed": 1})


def test_refused_programs_are_counted_by_arm(tmp_path):
    refused = said(refused="network")
    trials = arms([([refused, said("1")], True)], [([said("1")], True)])
    ((code, guided),) = of(tmp_path, trials).regrown
    assert (code.refused, code.programs) == (1, 2)
    assert (guided.refused, guided.programs) == (0, 1)


@pytest.mark.parametrize(
    ("grown", "same", "parted"),
    [
        (["abcd", "wxyz"], 2, None),
        (["ab", ""], 2, None),
        (["abXd", "wxyz"], 1, 2),
        (["abcX", "Xxyz"], 0, 0),
        (["abcdef", "wxyz"], 1, 4),
    ],
)
def test_first_replies_are_followed_to_where_they_leave_the_plain_ones(
    tmp_path, grown, same, parted
):
    def told(texts):
        return [([said("1", text=text), said("1", text="later")], True) for text in texts]

    trials = arms(told(["abcd", "wxyz"]), told(grown), mode="code+literal")
    ((_, literal),) = of(tmp_path, trials).regrown
    assert (literal.same, literal.parted) == (same, parted)


def test_each_model_has_its_own_arms(tmp_path):
    trials = [
        trial("p1", said("1"), right=True, mode=mode, model=model)
        for model in ("m/x", "m/y")
        for mode in ("code", "code+guided")
    ]
    found = of(tmp_path, trials).regrown
    assert [{arm.model for arm in each} for each in found] == [{"m/x"}, {"m/y"}]


# ---- votes ----


def votes(folder, **manifest):
    trials = [
        trial("p1", said("1"), checked("1", state), mode="csv", right=True, repeat=repeat)
        for repeat, state in enumerate(("true", "uncertain", "false"))
    ]
    store = stored(folder, PROBLEMS, [*trials, trial("p1", said("1"), right=True)], **manifest)
    weights = vote_weights(store)
    modes = {row.key: (row.mode, row.repeat) for row in store.rows()}
    store.close()
    return {modes[key]: weight for key, weight in weights.items()}


def test_an_answer_weighs_what_the_config_says_of_its_check(tmp_path):
    config = config_of(mode="csv", csv={"weights": {"true": 3, False: 0}})
    found = votes(tmp_path, config=config.model_dump(mode="json"))
    assert found == {("csv", 0): 3, ("csv", 1): 0.5, ("csv", 2): 0}


def test_without_weights_in_the_config_the_usual_ones_count(tmp_path):
    usual = VoteWeights()
    assert [*votes(tmp_path).values()] == [usual.true, usual.uncertain, usual.false]
    assert usual.true > usual.uncertain > usual.false


# ---- shown ----


async def test_a_run_of_every_mode_is_shown(tmp_path, capsys):
    config = config_of(mode="code,cot,tir,csv", code={"regenerate": "literal,guided,refine"})
    replies = [f"{program('print(1)')}\nSo \\boxed{{1}}."]
    async with finished_run(tmp_path, replies, config=config) as store:
        text = shown(ways_of(store), capsys)
    for words in (
        "scripted/test · tir", "last output 3", "scripted/test · csv",
        "uncertain  3 answers", "regeneration", "code+literal", "code+guided", "code+refine",
        "closed 3", "3/3",
    ):  # fmt: skip
        assert words in text


async def test_a_run_of_code_and_words_alone_shows_nothing(tmp_path, capsys):
    config = config_of(mode="code,cot")
    async with finished_run(tmp_path, [program("print(1)")], config=config) as store:
        assert shown(ways_of(store), capsys) == ""
