"""What modes that alternate words and programs did, counted."""

from sandbox import Exit
from solver.analysis.arms import stored_rows
from solver.analysis.rounds import rounds_of
from tests.stored import changed, problem, said, stored, trial

PROBLEMS = [problem(n) for n in range(1, 5)]


def of(folder, trials, **manifest):
    """What was done in a run that holds these trials."""
    store = stored(folder, PROBLEMS, trials, **manifest)
    found = rounds_of(store, stored_rows(store))
    store.close()
    return found


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
    (found,) = of(tmp_path, trials)
    assert (found.trials, found.replies) == (3, 6)
    assert (found.executions, found.failed, found.refused) == (2, 1, 1)
    assert found.answers == {"boxed": 1, "last_output": 1, "none": 1}


def test_trials_that_ended_in_an_error_of_ours_are_counted_nowhere(tmp_path):
    gone = {"error": "ModelError: gone"}
    trials = [
        trial("p1", said(exit=Exit.OK), mode="tir", **gone),
        trial("p1", said("1"), right=True),
    ]
    assert of(tmp_path, trials) == ()
