"""A plan's counts are those of the run it foretells."""

from datetime import date

import pytest
from typer.testing import CliRunner

from solver.analysis.comparable import read_run
from solver.analysis.cost import Price
from solver.analysis.plan import plan_run
from solver.cli import app
from solver.models.scripted import Line
from solver.report.show import show_plan
from solver.run.tasks import trials_of
from solver.stats.metrics import clopper_pearson
from solver.stats.noise import Noise, detectable, smallest_detectable
from solver.stats.power import problems_needed
from tests.fakes import PROBLEMS, config_of, finished_run, program
from tests.stored import changed, problem, said, stored, trial

PRICES = {"scripted/test": Price(input=1_000_000, output=2_000_000, dated=date(2026, 1, 1))}


def test_trials_and_calls_are_those_of_the_run():
    config = config_of(mode="code,cot", repeats=4, code={"retries": 2}, sampling={"temperature": 1})
    code, cot = plan_run(config, PROBLEMS, {}).arms
    assert code.trials + cot.trials == trials_of(config, PROBLEMS)
    assert (code.calls.least, code.calls.most) == (12, 36)
    assert (cot.calls.least, cot.calls.most) == (12, 12)


def test_a_plan_counts_the_replies_of_every_mode():
    config = config_of(
        mode="tir,csv",
        code={"retries": 2},
        csv={"revisions": 1},
        tir={"format": "openmath", "executions": 4},
    )
    tir, csv = plan_run(config, PROBLEMS, {}).arms
    assert (tir.calls.least, tir.calls.most) == (3, 3 * 5)
    assert (csv.calls.least, csv.calls.most) == (3, 3 * (3 + 1) * 2)


def test_each_control_is_an_arm_that_may_take_many_requests_a_reply():
    config = config_of(
        mode="code,cot",
        code={
            "retries": 1,
            "regenerate": {"controls": "literal,guided,refine", "interventions": 2},
        },
        sampling={"max_tokens": 50},
    )
    arms = {arm.mode: arm.calls.most for arm in plan_run(config, PROBLEMS, {}).arms}
    replies = len(PROBLEMS) * 2
    assert arms == {
        "code": replies,
        "code+literal": replies * 50,
        "code+guided": replies * (1 + 2 * 7),
        "code+refine": replies * 7,
        "cot": len(PROBLEMS),
    }


LONG = "word " * 45
FAULTY = Line(text=program("x = = 1\ny = = 2"), instead=(program("w = = 1"), program("v = 1")))


@pytest.mark.parametrize(
    "reply",
    [
        "no program",
        program("print(1)"),
        program("# exit: crashed"),
        f"{LONG}{program('print(False)')}",
        FAULTY,
    ],
)
async def test_a_run_stays_within_its_plan(tmp_path, reply):
    config = config_of(
        mode="code,cot,tir,csv",
        code={"retries": 2, "regenerate": "literal,guided,refine"},
        sampling={"max_tokens": 50},
    )
    plan = {arm.mode: arm for arm in plan_run(config, PROBLEMS, PRICES).arms}
    async with finished_run(tmp_path, [reply], config=config) as store:
        for mode, arm in plan.items():
            rows = [row for row in store.rows() if row.mode == mode]
            assert arm.calls.least <= sum(row.requests for row in rows) <= arm.calls.most
            assert sum(row.output_tokens for row in rows) <= arm.output_tokens.most
            assert sum(row.input_tokens for row in rows) <= arm.input_tokens.most


def test_an_earlier_run_of_the_same_kind_is_scaled_up(tmp_path):
    trials = [
        trial(
            "p1",
            said(tokens=(100, 40)),
            said("1", tokens=(300, 60)),
            right=True,
            model="scripted/test",
        ),
        trial("p2", said("1", tokens=(100, 20)), right=True, model="scripted/test"),
    ]
    store = stored(tmp_path, [problem(1), problem(2)], trials)
    plan = plan_run(
        config_of(repeats=10, sampling={"temperature": 1}),
        PROBLEMS,
        PRICES,
        pilot=read_run(store, "pilot"),
        pilot_sessions=[{"started": 100.0, "ended": 103.0}],
    )
    (arm,) = plan.arms
    assert arm.calls.likely == 30 * 1.5
    assert arm.input_tokens.likely == 30 * 250
    assert arm.output_tokens.likely == 30 * 60
    assert arm.money.likely == pytest.approx(30 * 250 + 2 * 30 * 60)
    # 1.5 s of replies took 3 s then, and there are 22.5 s of replies to come.
    assert plan.seconds == pytest.approx(45)
    assert plan.pilot == "pilot"
    store.close()


def test_thoughts_of_an_earlier_run_are_told_apart_in_the_tokens_out(tmp_path, capsys):
    thinking = changed(said("1", tokens=(100, 400)), thoughts="so", thought_tokens=300)
    store = stored(tmp_path, [problem(1)], [trial("p1", thinking, right=True)])
    plan = plan_run(config_of(), PROBLEMS, {}, pilot=read_run(store))
    store.close()
    assert plan.arms[0].thought_tokens == 300 * len(PROBLEMS)
    show_plan(plan)
    shown = capsys.readouterr().out
    assert "of them thoughts" in shown
    assert " 900" in shown


def test_what_is_likely_lies_between_the_least_and_the_most(tmp_path):
    """A prompt has more tokens than its characters tell where the model's template adds some."""
    store = stored(
        tmp_path, [problem(1)], [trial("p1", said("1", tokens=(500_000, 9)), right=True)]
    )
    (arm,) = plan_run(config_of(), PROBLEMS, PRICES, pilot=read_run(store)).arms
    store.close()
    for span in (arm.calls, arm.input_tokens, arm.output_tokens, arm.money):
        assert span.least <= span.likely <= span.most
    assert arm.input_tokens.most == 500_000 * len(PROBLEMS)


def test_a_plan_of_minutes_is_in_minutes(tmp_path, capsys):
    store = stored(tmp_path, [problem(1)], [trial("p1", said("1"), right=True)])
    sessions = [{"started": 0.0, "ended": 65.0}]
    show_plan(plan_run(config_of(), PROBLEMS, {}, pilot=read_run(store), pilot_sessions=sessions))
    store.close()
    assert "time       about 3 min 15 s at the pace of" in capsys.readouterr().out


def test_a_killed_session_foretells_no_time(tmp_path):
    store = stored(tmp_path, [problem(1)], [trial("p1", said("1"), right=True)])
    sessions = [{"started": 100.0, "ended": None}]
    plan = plan_run(config_of(), PROBLEMS, {}, pilot=read_run(store), pilot_sessions=sessions)
    assert plan.seconds is None
    store.close()


def test_without_an_earlier_run_nothing_is_called_likely():
    plan = plan_run(config_of(), PROBLEMS, {})
    assert plan.seconds is None
    assert plan.arms[0].calls.likely is None
    assert plan.arms[0].money is None


def test_the_interval_is_that_of_an_accuracy_of_half():
    config = config_of(repeats=4, sampling={"temperature": 1})
    plan = plan_run(config, [problem(n) for n in range(100)], {})
    low, high = clopper_pearson(50, 100)
    assert plan.widest == pytest.approx((high - low) / 2)
    assert plan.narrowest == pytest.approx(plan.widest / 2, rel=0.05)


def test_the_smallest_difference_goes_by_how_alike_the_arms_are(tmp_path):
    trials = [
        trial(f"p{n}", said("1"), right=(n == 0) or mode == "cot", mode=mode)
        for n in range(4)
        for mode in ("code", "cot")
    ]
    store = stored(tmp_path, [problem(n) for n in range(4)], trials)
    problems = [problem(n) for n in range(100)]
    plan = plan_run(config_of(), problems, {}, pilot=read_run(store))
    *_, observed = plan.detectable
    assert observed.observed
    assert observed.discordance == pytest.approx(4 / 5)
    assert observed.difference == smallest_detectable(100, 4 / 5)
    store.close()


def test_repeats_make_smaller_differences_show():
    problems = [problem(n) for n in range(100)]
    once, often = (
        plan_run(config_of(repeats=r, sampling={"temperature": 0.7}), problems, {}).detectable
        for r in (1, 16)
    )
    for one, many in zip(once, often, strict=True):
        assert one.free is None
        assert many.free < 0.6 * one.difference
        assert many.difference == pytest.approx(one.difference, rel=0.2)


def test_the_noise_of_an_earlier_run_with_repeats_says_what_shows(tmp_path, capsys):
    trials = [
        trial(f"p{n}", said("1"), right=(n + r) % 2 == 0, mode=mode, repeat=r)
        for n in range(8)
        for r in range(4)
        for mode in ("code", "cot")
    ]
    store = stored(tmp_path, [problem(n) for n in range(8)], trials)
    plan = plan_run(
        config_of(repeats=8, sampling={"temperature": 0.7}),
        [problem(n) for n in range(100)],
        {},
        pilot=read_run(store),
    )
    store.close()
    *_, observed = plan.detectable
    # Each trial is a coin toss, and both arms solve each problem equally often; one problem is
    # added on which they would not.
    assert observed.difference == pytest.approx(detectable(100, 8, Noise(1 / 9, 2 / 3)))
    assert [(each.k, each.tau) for each in plan.stability] == [(8, "0.5"), (8, "1")]
    assert all(0 < each.difference < 0.5 for each in plan.stability)
    assert [each.repeats for each in plan.needed] == [1, 4, 16, 48]
    assert plan.needed[1].problems == problems_needed(0.05, 4, Noise(1 / 9, 2 / 3))
    show_plan(plan)
    shown = capsys.readouterr().out
    assert f"G-Pass@8 at τ 1: a difference of {100 * plan.stability[1].difference:.1f}" in shown
    assert f"to see 5 points, as in {tmp_path.name}: {plan.needed[0].problems:,} problems" in shown


def test_an_earlier_run_without_repeats_tells_nothing_of_stability(tmp_path):
    trials = [
        trial(f"p{n}", said("1"), right=n % 2 == 0, mode=mode)
        for n in range(8)
        for mode in ("code", "cot")
    ]
    store = stored(tmp_path, [problem(n) for n in range(8)], trials)
    pilot, problems = read_run(store), [problem(n) for n in range(100)]
    store.close()
    config = config_of(repeats=8, sampling={"temperature": 0.7})
    plan = plan_run(config, problems, {}, pilot=pilot)
    assert (plan.stability, plan.needed) == ((), ())


def test_too_few_problems_show_no_difference():
    plan = plan_run(config_of(), PROBLEMS, {})
    assert all(found.difference is None for found in plan.detectable)


def test_shares_that_would_all_show_nothing_stand_in_one_line():
    result = CliRunner().invoke(app, ["plan", "configs/quickstart.yaml"])
    (line,) = [line for line in result.output.splitlines() if line.startswith("power")]
    assert "if 50 %, 25 % or 10 % of problems" in line
    assert "no difference would show, because that takes 66.5 points" in line


def test_the_command_prints_calls_interval_and_power():
    result = CliRunner().invoke(app, ["plan", "configs/quickstart.yaml", "--set", "limit=14"])
    assert result.exit_code == 0, result.exception
    for words in ("14 to 28", "±27.0 points", "would show 4 times in 5", "--like RUN"):
        assert words in result.output
