"""The lab flags a model that remembers, and leaves alone one that does not."""

import json
import random

import pytest
from typer.testing import CliRunner

from judge import Verdict
from solver.analysis.completion import match
from solver.analysis.contamination import contamination_of
from solver.analysis.recited import Standing
from solver.cli import app
from solver.errors import ConfigError
from solver.modes.prefix import cut
from solver.records import Message, Problem, Reply, Trial, Turn
from solver.report.sections.contamination import remembered, verdict_words
from solver.store import Store
from tests.stored import problem
from tests.viewed import client_of, listed, page

N = 35
LEAD = "prefix+60-raw"


def question(number, what="apples"):
    return f"Anna buys {number} {what} for her {number + 3} friends. How many are left over today?"


ORIGINALS = [Problem(id=f"o{n}", question=question(n), answer=str(n), set="old") for n in range(N)]
VARIANTS = [
    Problem(
        id=f"v{n}", question=question(n + 50), answer=str(n + 50), set="new", variant_of=f"o{n}"
    )
    for n in range(N)
]


class Lab:
    """A probed run, written trial by trial."""

    def __init__(self, folder, problems=(*ORIGINALS, *VARIANTS), **manifest):
        self.store = Store.create_or_open(folder)
        self.store.add_problems(problems)
        self.store.write_manifest(probe={"control": ["new"], "after": None}, **manifest)

    def add(self, problem, mode, text, *, right=None, repeat=0):
        turn = Turn(prompt=(Message(role="user", text="q"),), reply=Reply(text=text), answer="1")
        verdict = None if right is None else Verdict(5 if right else 1, "rules", "", "equal")
        key = f"{problem.id}|{mode}|{repeat}"
        self.store.add_turn(key, 0, turn)
        trial = Trial(
            problem_id=problem.id, model="m/x", mode=mode, repeat=repeat, seed=0, turns=(turn,),
            verdict=verdict,
        )  # fmt: skip
        self.store.add_trial(key, trial, judge="j")

    def found(self):
        found = contamination_of(self.store)
        self.store.close()
        return found

    def verdict(self):
        (verdict,) = self.found().verdicts
        return verdict


def rest(problem):
    return problem.question[len(cut(problem.question, 0.6)) :]


def test_a_model_that_recites_is_flagged(tmp_path):
    lab = Lab(tmp_path)
    for each in ORIGINALS:
        lab.add(each, LEAD, rest(each) + " And on.", right=True)
    for each in VARIANTS:
        lab.add(each, LEAD, "something else entirely", right=False)
    found = lab.found()
    assert verdict_words(found.verdicts[0]).startswith("signs of memory: prefix+60-raw")
    (done,) = found.completions
    assert done.exact.value == done.strict.value == 1
    fresh, paired = done.floors
    assert fresh.excess.value == paired.difference == 1
    assert fresh.excess.low > 0.8


def test_a_model_that_completes_anything_in_this_style_is_not(tmp_path):
    lab = Lab(tmp_path)
    for each in (*ORIGINALS, *VARIANTS):
        lab.add(each, LEAD, rest(each), right=True)
    assert not lab.verdict().signs


def test_200_models_that_remember_nothing_give_at_most_5_false_alarms_in_100(tmp_path):
    draw = random.Random(1)
    alarms = 0
    for run in range(200):
        rate, skill = draw.choice([0.0, 0.03, 0.2]), draw.uniform(0.05, 0.95)
        lab = Lab(tmp_path / str(run))
        for each in (*ORIGINALS[:12], *VARIANTS[:12]):
            text = rest(each) if draw.random() < rate else "other words"
            lab.add(each, LEAD, text, right=False)
            lab.add(each, "bare", "x", right=draw.random() < skill)
            lab.add(each, "cot", "x", right=draw.random() < skill)
        alarms += bool(lab.verdict().signs)
    assert alarms <= 10


def test_a_model_that_memorised_the_originals_alone_drops_100_points(tmp_path):
    lab = Lab(tmp_path)
    for each in ORIGINALS:
        lab.add(each, "bare", "x", right=True)
    for each in VARIANTS:
        lab.add(each, "bare", "x", right=False)
    found = lab.found()
    (drop,) = found.drops
    assert drop.difference.value == 1
    assert found.verdicts[0].signs[0].what == "bare: originals over variants"
    assert {each.standing for each in found.recited} == {Standing.RECITED}


def test_a_model_that_guesses_drops_nothing(tmp_path):
    lab = Lab(tmp_path)
    for number, each in enumerate((*ORIGINALS, *VARIANTS)):
        lab.add(each, "bare", "x", right=number % 5 == 0)
    found = lab.found()
    assert found.drops[0].difference.value == 0
    assert not found.verdicts[0].signs


def test_a_verdict_without_a_sign_says_what_it_would_have_seen_and_is_never_clean(tmp_path):
    lab = Lab(tmp_path)
    for each in (*ORIGINALS, *VARIANTS):
        lab.add(each, LEAD, "nothing", right=False)
    said = verdict_words(lab.verdict())
    assert said == "no sign at this n (would see ≥ 15 points)"
    assert "clean" not in said


def test_without_a_floor_or_a_variant_nothing_can_be_asked(tmp_path):
    store = Store.create_or_open(tmp_path)
    store.add_problems(ORIGINALS)
    lab = Lab.__new__(Lab)
    lab.store = store
    for each in ORIGINALS:
        lab.add(each, LEAD, rest(each), right=True)
    assert verdict_words(lab.verdict()).startswith(
        "cannot be asked here: completions have no floor"
    )


def test_a_model_that_cannot_be_sent_raw_text_is_na_with_the_reason(tmp_path):
    lab = Lab(tmp_path, cannot={"m/x": {LEAD: "its provider has chat alone"}})
    for each in ORIGINALS:
        lab.add(each, "cot", "x", right=True)
    found = lab.found()
    section = remembered([found])
    assert any("N/A, its provider has chat alone" in words for words in section.words)
    assert verdict_words(found.verdicts[0]) == "cannot be asked here: its provider has chat alone"


def test_what_is_mastered_solved_unstable_and_unsolved_is_told_apart(tmp_path):
    lab = Lab(tmp_path, problems=(*ORIGINALS[:4], *VARIANTS[:1]))
    for number, rights in enumerate([(1, 1), (1, 1), (1, 0), (0, 0)]):
        for repeat, right in enumerate(rights):
            lab.add(ORIGINALS[number], "cot", "x", right=bool(right), repeat=repeat)
    lab.add(VARIANTS[0], "cot", "x", right=True)
    standings = {each.problem_id: each.standing for each in lab.found().recited}
    assert standings == {
        "o0": Standing.MASTERED, "o1": Standing.SOLVED, "o2": Standing.UNSTABLE,
        "o3": Standing.UNSOLVED,
    }  # fmt: skip


def test_before_and_after_a_date_are_compared_exactly(tmp_path):
    dated = [
        Problem(id=f"d{n}", question=f"q{n}", answer="1", set="x" if n < 9 else "y",
                published="2024-03" if n < 9 else "2026-01")
        for n in range(18)
    ]  # fmt: skip
    lab = Lab(tmp_path, problems=dated)
    lab.store.write_manifest(probe={"control": [], "after": "2025-06"})
    for number, each in enumerate(dated):
        lab.add(each, "cot", "x", right=number < 9)
    rows = {each.when: each for each in lab.found().dated}
    assert list(rows) == ["2024-03", "2026-01", "after 2025-06", "before 2025-06"]
    assert rows["before 2025-06"].drop.value == 1
    assert rows["before 2025-06"].drop.low > 0.5


def test_calculations_count_within_a_tolerance_and_by_the_papers_score(tmp_path):
    sums = [
        Problem(id=f"c{n}", question="q", answer="1/3", set="calculation", domain="5_steps")
        for n in range(3)
    ]
    lab = Lab(tmp_path, problems=[*ORIGINALS[:1], *sums])
    for each, answer in zip(sums, ("0.33333", "0.5", "a third"), strict=True):
        turn = Turn(prompt=(), reply=Reply(text="x"), answer=answer)
        lab.store.add_turn(each.id, 0, turn)
        trial = Trial(
            problem_id=each.id, model="m/x", mode="cot", repeat=0, seed=0, turns=(turn,),
            verdict=Verdict(1, "rules", "", "different"),
        )  # fmt: skip
        lab.store.add_trial(each.id, trial, judge="j")
    (found,) = lab.found().calculated
    assert (found.steps, found.problems, found.unread) == ("5", 3, 1)
    assert found.accuracy.value == pytest.approx(1 / 3)
    assert found.closeness == pytest.approx((1 + (1 - 1 / 12 - 0.25) + 0) / 3, abs=1e-4)


@pytest.mark.parametrize(
    ("continuation", "exact", "strict"),
    [
        (" her 6 friends. How many are left over today?", 1, 1),
        ("her 6 friends How many are left over today", 1, 0),
        ("her 6 friends. How many are left over today? And then more words", 1, 1),
        ("her 7 friends. How many are left over today?", 0, 0),
        ("", 0, 0),
    ],
)
def test_as_many_words_count_as_the_rest_has(continuation, exact, strict):
    text = question(3)
    shown = next(s / 100 for s in range(100) if cut(text, s / 100).endswith("for"))
    found = match(text, shown, continuation)
    assert (found.exact, found.strict) == (exact, strict)


def test_a_question_that_is_shown_whole_has_nothing_to_complete():
    assert match("all of it", 1.0, "x") is None
    assert match("What is it, then $?$", 0.8, "$?$") is None


def test_probes_count_in_no_other_table(tmp_path):
    from solver.analysis.arms import planned_trials, stored_rows, stored_trials

    lab = Lab(tmp_path)
    for each in ORIGINALS[:3]:
        lab.add(each, "cot", "x", right=True)
        lab.add(each, LEAD, "x", right=True)
    lab.add(VARIANTS[0], "cot", "x", right=True)
    rows = stored_rows(lab.store)
    assert {(row.problem_id, row.mode) for row in rows} == {(f"o{n}", "cot") for n in range(3)}
    trials = stored_trials(lab.store)
    assert [trials.problems[code] for code in trials.problem] == [row.problem_id for row in rows]
    assert planned_trials({"trials": 9, "config": {}}, {}) == 9
    lab.store.close()


def test_a_probe_is_printed_as_a_document_that_counts_its_probes(tmp_path):
    lab = Lab(tmp_path)
    for each in ORIGINALS[:3]:
        lab.add(each, "cot", "x", right=True)
        lab.add(each, LEAD, rest(each), right=True)
    lab.store.write_manifest(trials=9)
    folder = lab.store.folder
    lab.store.close()
    done = CliRunner().invoke(app, ["contamination", str(folder), "--json"])
    found = json.loads(done.stdout)
    (about,) = found["runs"]
    assert about["trials"] == {"ended": 6, "planned": 9}
    assert about["state"] == "stopped"
    assert [(arm["mode"], arm["trials"]) for arm in about["arms"]] == [("cot", 3)]
    assert any(section["tables"] for section in found["sections"])


def test_a_run_without_a_probe_is_refused_with_what_to_do(tmp_path):
    store = Store.create_or_open(tmp_path / "run")
    store.add_problems([problem(1)])
    store.close()
    done = CliRunner().invoke(app, ["contamination", str(tmp_path / "run")])
    assert isinstance(done.exception, ConfigError)
    assert "solver probe CONFIG" in str(done.exception)


def test_the_viewer_finds_the_problems_that_look_remembered(tmp_path):
    lab = Lab(tmp_path / "run")
    for number, (old, new) in enumerate(zip(ORIGINALS[:4], VARIANTS[:4], strict=True)):
        lab.add(old, LEAD, rest(old) if number < 2 else "something else")
        lab.add(old, "cot", "7", right=True)
        lab.add(new, "cot", "7", right=number == 3)
    lab.store.close()
    with client_of(tmp_path) as client:
        for words, found in (("recited", "o0 o1"), ("mastered", "o3"), ("solved", "o2")):
            text = page(client, f"/run/run?q=standing:{words}+mode:cot&column=set")
            assert [key.partition("%7C")[0] for key in listed(text)] == found.split()
        assert "standing:no: it can be" in page(client, "/run/run?q=standing:no")
