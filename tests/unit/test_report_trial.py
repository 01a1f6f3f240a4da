"""One trial whole, as a terminal shows it."""

from sandbox import Exit
from solver.report.trial import show_problem
from tests.stored import changed, problem, said, stored, trial

WHOLE = """\
══ p1 (algebra, level 1)
   [question]
     What is 1?
   [reference]
     1

══ m/x · code · repeat 0 · seed 0
── Attempt 1
   [user]
     q
   [reply: 10 + 20 tokens, 0.5 s]
     first
     try
   [program]
     print()
   execution: crashed, 0.25 s, 0.10 s of CPU, 10 MiB
   [stdout]
     out
   [stderr]
     ZeroDivisionError
   no answer: crashed
── Attempt 2
   [user]
     q
   [reply: 10 + 20 tokens, 0.5 s, hit the cap]
     x
   [program]
     print()
   execution: ok, 0.25 s, 0.10 s of CPU, 10 MiB
   [stdout]
     1
   answer (last_line): 1
── outcome: correct in 1.0 s
── verdict: score 5 of 5 by rules (judge j): compared
"""


def test_a_trial_is_shown_whole(tmp_path, capsys):
    crashed = said(exit=Exit.CRASHED, stdout="out", stderr="ZeroDivisionError", text="first\ntry")
    right = changed(said("1", stdout="1", capped=True), answer_rule="last_line")
    store = stored(tmp_path, [problem(1)], [trial("p1", crashed, right, right=True)])
    show_problem(store, "p1")
    store.close()
    assert capsys.readouterr().out == WHOLE
