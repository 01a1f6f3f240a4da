"""A stored run in seven modes, drawn at random: regeneration, rounds and checks among them."""

import random
from itertools import product

from judge import Verdict
from sandbox import Execution, Exit
from solver.records import Intervention, Problem, Reply, Trial, Turn, Verification
from solver.store import Store
from tests.bench.report import DOMAINS


def write_seven(folder, *, problems=20, repeats=2, models=("scripted/a",), text=""):
    """Write the run and return its folder. `text` stands in every reply and output."""
    draw = random.Random(0)
    modes = ("code", "code+literal", "code+guided", "code+refine", "cot", "tir", "csv")
    store = Store.create_or_open(folder)
    chosen = [
        Problem(id=f"p/{n}", question="q", answer="0", domain=DOMAINS[n % 7], level=1 + n % 5)
        for n in range(problems)
    ]
    store.add_problems(chosen)
    store.write_manifest(trials=problems * repeats * len(models) * len(modes))
    cells = product(models, modes, chosen, range(repeats))
    for started, (model, mode, problem, repeat) in enumerate(cells):
        turns = turns_of(draw, mode, text)
        for number, turn in enumerate(turns):
            store.add_turn(f"{model}{mode}{problem.id}{repeat}", number, turn)
        right = turns[-1].answer == "0"
        verdict = Verdict(5 if right else 1, "rules", "", "equal", rules="equal")
        trial = Trial(
            problem_id=problem.id, model=model, mode=mode, repeat=repeat, seed=0,
            started=started, turns=tuple(turns), verdict=verdict if turns[-1].answer else None,
        )  # fmt: skip
        store.add_trial(f"{model}{mode}{problem.id}{repeat}", trial, judge="j")
    store.close()
    return folder


def turns_of(draw, mode, text):
    """The turns of one trial in one of the seven modes."""

    def turn(answer=None, *, ran=True, exit=Exit.OK, **facts):
        seconds = draw.uniform(0.05, 0.2)
        done = Execution(exit, f"{answer}\n{text}", "", seconds, seconds, 10.0, False)
        reply = Reply(
            text=f"reply {draw.randint(0, 3)} {text}", input_tokens=200,
            output_tokens=draw.randint(50, 200), seconds=draw.uniform(3, 9),
            requests=100 if mode == "code+literal" else 1,
            interventions=tuple(
                Intervention(kind=kind, at=3, dropped=text or "while:")
                for kind in ("closed", "unparsable", "refused")
                if mode == "code+guided" and draw.random() < 0.4
            ),
        )  # fmt: skip
        return Turn(
            prompt=(), reply=reply, program="print(0)" if ran else None, answer=answer,
            execution=done if ran else None, answer_rule="last_line" if answer else None,
            runs_code=facts.pop("runs_code", ran), **facts,
        )  # fmt: skip

    answer = draw.choice("00000012")
    match mode:
        case "cot":
            return [turn(answer, ran=False)]
        case "tir":
            rounds = [turn(runs_code=False) for _ in range(draw.randint(0, 3))]
            return [*rounds, turn(answer, ran=False)]
        case "csv":
            found = draw.choice("ttuf" if answer == "0" else "tuff")
            state = next(state for state in Verification if state.startswith(found))
            return [turn(answer), turn(answer, verification=state)]
        case _:
            failed = [turn(exit=Exit.CRASHED) for _ in range(draw.randint(0, 2))]
            return [*failed, turn(answer)]
