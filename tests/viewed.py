"""Small runs for the viewer to show, and what a test reads off its pages."""

import re
import time
from html.parser import HTMLParser

from starlette.testclient import TestClient

from judge import Verdict
from sandbox import Execution, Exit, Finding, Level
from solver.records import Intervention, Message, Problem, Reply, Token, Trial, Turn, Verification
from solver.store import Store
from solver.view.app import app
from solver.view.index import Index
from solver.view.library import Library

TURN = Turn(
    prompt=(Message(role="system", text="Write Python."), Message(role="user", text="$x^2$?")),
    fresh=True,
    reply=Reply(text="Here:\n```python\nprint(9)\n```", input_tokens=5, output_tokens=7),
    program="print(9)",
    execution=Execution(Exit.OK, "9\n", "", 0.25, 0.05, 20.0, False),
    answer="9",
    answer_rule="last_line",
    runs_code=True,
)
CRASH = TURN.model_copy(
    update={
        "answer": None,
        "execution": Execution(Exit.CRASHED, "", "NameError: y", 0.1, 0.1, 9.0, False),
        "findings": (Finding(Level.WARN, "eval_used", 1, "calls eval"),),
    }
)
VERDICT = Verdict(5, "rules", "the same text", "equal", tier="string", rules="equal")
PROBLEMS = [
    Problem(id=f"test/algebra/{n}", question=f"What is ${n}^2$?", answer=str(n * n),
            domain="algebra" if n % 2 else "geometry", level=1 + n % 5)
    for n in range(4)
]  # fmt: skip


def write(folder, *, problems=PROBLEMS, modes=("code", "cot"), turns=(CRASH, TURN), **manifest):
    """A small finished run; its keys are `<mode>-<n>`."""
    store = Store.create_or_open(folder)
    store.add_problems(problems)
    config = {"model": [{"name": "scripted/x"}], "mode": list(modes), "problems": "mine"}
    store.write_manifest(**{"config": config, "trials": len(problems) * len(modes)} | manifest)
    store.end_session(store.begin_session())
    for mode in modes:
        for number, problem in enumerate(problems):
            add(store, f"{mode}-{number}", problem, mode=mode, turns=turns)
    store.close()
    return folder


def add(store, key, problem, *, mode="code", turns=(TURN,), verdict=VERDICT, **facts):
    for number, turn in enumerate(turns):
        store.add_turn(key, number, turn)
    fields = {"model": "scripted/x", "repeat": 0, "seed": 3, "started": 1.7e9, "seconds": 2.0}
    trial = Trial(problem_id=problem.id, mode=mode, turns=turns, verdict=verdict, **fields | facts)
    store.add_trial(key, trial, judge="j")


def client_of(folder):
    return TestClient(app(Library(folder)), base_url="http://localhost")


def page(client, address):
    """A page that must come, waiting while the run is read for the first time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        if "for the first time" not in answer.text:
            return answer.text
        time.sleep(0.02)
    raise AssertionError("the run was never read")


def listed(text):
    """Keys of the trials that a page lists."""
    return re.findall(r'href="/run/[^/"]+/trial/([^"?]+)[^"]*" data-row', text)


def snapshot_of(folder):
    snapshot = Index(folder).snapshot(patience=20)
    assert snapshot is not None
    return snapshot


ATTACK = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><a href=javascript:alert(1)>"
    "\x1b[31m\x9b2J\x00\u202e\u2028{{7*7}}{% x %} $\\text{<b>}$ ]]>-->"
)


def hostile_run(folder, attack):
    """A run with the attack in every field that can hold a text."""
    problem = Problem(id=f"p{attack}", question=attack, answer=attack, domain=attack, level=1)
    rest = f"\n```python\n{attack}\n```"
    reply = Reply(
        text=attack + rest,
        capped=True,
        tokens=(
            Token(text=attack, logprob=-3.0, alternatives=((attack, -1.0),)),
            Token(text=rest, logprob=-0.3),
        ),
        interventions=(Intervention(kind="unparsable", at=1, dropped=attack),) * 2,
    )
    turn = Turn(
        prompt=(Message(role="user", text=attack),),
        reply=reply,
        program=attack,
        findings=(Finding(Level.REFUSE, attack, 1, attack),),
        execution=Execution(Exit.OK, attack, attack, 0.1, 0.1, 1.0, True),
        answer=attack,
        answer_rule=attack,
        runs_code=True,
    )
    verdict = Verdict(
        5, "model", attack, attack, tier=attack, reference_form=attack, answer_form=attack,
        judge_model=attack, rules=attack, rules_reason=attack, flags=(attack,),
    )  # fmt: skip
    store = Store.create_or_open(folder)
    store.add_problems([problem])
    config = {"model": [{"name": attack}], "mode": [attack], "problems": attack}
    store.write_manifest(config=config, trials=2, warnings=[attack], **{attack: attack})
    facts = {"model": attack, "mode": attack}
    check = turn.model_copy(update={"verification": Verification.UNCERTAIN})
    add(store, "k1", problem, turns=(turn, check), verdict=verdict, **facts)
    add(store, "k2", problem, verdict=None, error=attack, repeat=1, **facts)
    store.close()
    return folder


class Seen(HTMLParser):
    """Every element of a page, with its attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.words = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, text):
        self.words.append(text)
