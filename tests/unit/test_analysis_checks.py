"""What self-verification found, counted; and what a check weighs in a vote."""

from sandbox import Exit
from solver.analysis.arms import stored_rows
from solver.analysis.checks import checks_of, vote_weights
from solver.modes.csv import VoteWeights
from solver.records import Verification
from tests.fakes import config_of
from tests.stored import changed, problem, said, stored, trial

PROBLEMS = [problem(n) for n in range(1, 5)]


def of(folder, trials, **manifest):
    """What was done in a run that holds these trials."""
    store = stored(folder, PROBLEMS, trials, **manifest)
    found = checks_of(store, stored_rows(store))
    store.close()
    return found


def checked(answer, state):
    return changed(said(answer), verification=Verification(state))


def test_answers_are_counted_by_what_their_last_check_found(tmp_path):
    once = [said("7"), checked("7", "false"), said("1")]
    trials = [
        trial("p1", said("1"), checked("1", "true"), mode="csv", right=True),
        trial("p2", said("7"), checked("7", "true"), mode="csv", right=False),
        trial("p3", *once, checked("1", "true"), mode="csv", right=None),
        trial("p4", *once, checked("1", "false"), mode="csv", right=True),
    ]
    (found,) = of(tmp_path, trials)
    assert found.found == {"true": 3, "false": 1}
    assert found.judged == {"true": 2, "false": 1}
    assert found.right == {"true": 1, "false": 1}
    assert found.revised == 2


def test_a_trial_without_an_answer_was_not_checked_but_may_have_been_revised(tmp_path):
    trials = [
        trial("p1", said(exit=Exit.CRASHED), mode="csv"),
        trial("p2", said("7"), checked("7", "false"), said(exit=Exit.CRASHED), mode="csv"),
    ]
    (found,) = of(tmp_path, trials)
    assert found.found == {}
    assert found.revised == 1


def test_trials_that_ended_in_an_error_of_ours_are_counted_nowhere(tmp_path):
    gone = trial("p1", checked("1", "true"), mode="csv", error="ModelError: gone")
    assert of(tmp_path, [gone, trial("p1", said("1"), right=True)]) == ()


def votes(folder, **manifest):
    trials = [
        trial("p1", said("1"), checked("1", state), mode="csv", right=True, repeat=repeat)
        for repeat, state in enumerate(("true", "uncertain", "false"))
    ]
    store = stored(folder, PROBLEMS, [*trials, trial("p1", said("1"), right=True)], **manifest)
    weights = vote_weights(store, stored_rows(store))
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
