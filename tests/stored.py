"""Stored runs written trial by trial, where a test needs to say exactly what became of each."""

from judge import Verdict
from sandbox import Execution, Exit, Finding, Level
from solver.records import Message, Problem, Reply, Trial, Turn
from solver.store import Store

JUDGE = {"preset": "rules-then-model", "threshold": 4, "policy": {}, "model": None, "prompts": {}}


def problem(number, *, domain="algebra", level=1, answer=None):
    """Problem `p<number>`, whose answer is its number unless another is given."""
    return Problem(
        id=f"p{number}",
        question=f"What is {number}?",
        answer=answer or str(number),
        domain=domain,
        level=level,
    )


def said(
    answer=None, *, exit=None, stdout="", stderr="", refused=None, text="x", code=True,
    capped=False, cut=False, tokens=(10, 20),
):  # fmt: skip
    """One turn. With an answer, or `exit`, a program ran; with neither, the model wrote none."""
    ran = code and (exit is not None or answer is not None)
    return Turn(
        prompt=(Message(role="user", text="q"),),
        reply=Reply(
            text=text,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            seconds=0.5,
            capped=capped,
            prompt_cut=cut,
        ),
        program="print()" if ran or refused else None,
        findings=(Finding(Level.REFUSE, refused, 1, "why"),) if refused else (),
        execution=Execution(exit or Exit.OK, stdout, stderr, 0.25, 0.1, 10.0, False)
        if ran
        else None,
        answer=answer,
        runs_code=code,
    )


def trial(problem_id, *turns, right=None, mode="code", model="m/x", repeat=0, error=None):
    """A trial; `right` is what the judge said, None where it said nothing."""
    relation = "equal" if right else "different"
    return Trial(
        problem_id=problem_id,
        model=model,
        mode=mode,
        repeat=repeat,
        seed=0,
        turns=turns,
        verdict=None
        if right is None
        else Verdict(5 if right else 1, "rules", "compared", relation, rules=relation),
        error=error,
        seconds=1.0,
    )


def stored(folder, problems, trials, /, **manifest):
    """An open store that holds these trials."""
    store = Store.create_or_open(folder)
    store.add_problems(problems)
    store.write_manifest(**{"judge": JUDGE, "config": {}, "identity": {}, **manifest})
    for one in trials:
        key = f"{one.problem_id}|{one.model}|{one.mode}|{one.repeat}"
        for number, turn in enumerate(one.turns):
            store.add_turn(key, number, turn)
        store.add_trial(key, one, judge="j")
    return store


def changed(turn, **fields):
    """The turn, some of its own fields and of its reply's replaced."""
    own = {name: value for name, value in fields.items() if name in type(turn).model_fields}
    of_reply = {name: value for name, value in fields.items() if name not in own}
    return turn.model_copy(update={**own, "reply": turn.reply.model_copy(update=of_reply)})
