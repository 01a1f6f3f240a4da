"""A run's correct trials as training data: rejection sampling, one chat a line of JSONL.

`sft` is the conversation as it happened, feedback and tool outputs included; each reply carries
`weight`, 1 where it is to be trained on and 0 where its program failed or it was taken back. `rft`
is the question and the one reply that was right. A correct trial is left out where the program
behind its answer did not end well, where another trial of its problem has the same program, or
where its problem has enough; `Made` counts each.

Not covered: whether a right answer was reached for the right reason, and whether a problem is also
in a test set that the trained model will be measured on.
"""

import ast
import json
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import Exit
from solver.errors import ConfigError
from solver.modes.tir import FORMATS as TIR_FORMATS
from solver.modes.tir import Format, read
from solver.records import Message, Outcome, Problem, Trial, Turn, Verification, digest
from solver.store import Store

FORMATS = ("sft", "rft")


@dataclass(frozen=True)
class Made:
    """What was written, and what was left out, filter by filter."""

    path: Path
    kept: int
    problems: int
    """With at least one line."""
    dropped: dict[str, int]
    """Trials that each filter dropped, in the order of the filters."""

    def __str__(self) -> str:
        dropped = " · ".join(f"{name} {count}" for name, count in self.dropped.items())
        return f"kept {self.kept} trials of {self.problems} problems · dropped: {dropped}"


@dataclass(frozen=True)
class Candidate:
    """A correct trial that may become a line."""

    key: str
    number: int
    """Its place in the run."""
    turns: int
    form: str
    """What makes it the same as another: its program, or its words, without what does not count."""


def write_training(
    store: Store, form: str, output: Path | None = None, *, per_problem: int = 4
) -> Made:
    """Write the trials worth training on, by default beside the run's database.

    Raises ConfigError for an unknown format, where nothing is left to write, or where the file
    cannot be written.
    """
    if form not in FORMATS:
        raise ConfigError(f"--format: {form!r} is unknown; choices: {', '.join(FORMATS)}")
    if per_problem < 1:
        raise ConfigError(f"--per-problem: {per_problem} is too small, it must be at least 1")
    dropped = Counter[str]()
    candidates = _candidates(store, form, dropped)
    chosen = [
        (problem_id, one)
        for problem_id, of_problem in candidates.items()
        for one in _different(of_problem, per_problem, dropped)
    ]
    filters = {name: dropped[name] for name in _FILTERS if dropped[name] or name != NOT_ONE_REPLY}
    path = output or store.folder / f"{form}.jsonl"
    made = Made(path, len(chosen), len({problem_id for problem_id, _ in chosen}), filters)
    if not chosen:
        raise ConfigError(f"{store.folder}: no trial to train on ({made})")
    try:
        with path.open("w", encoding="utf-8") as file:
            for line in _lines(store, form, chosen):
                file.write(json.dumps(line) + "\n")
    except OSError as failure:
        raise ConfigError(f"{path}: cannot be written: {failure.strerror or failure}") from failure
    return made


# --- filters -----------------------------------------------------------------------------------

FAILED, NOT_CORRECT = "error of ours", "not correct"
PROGRAM_FAILED, NOT_ONE_REPLY = "program did not end well", "took several replies"
SAME, ENOUGH = "same program", "enough for its problem"
_FILTERS = (FAILED, NOT_CORRECT, PROGRAM_FAILED, NOT_ONE_REPLY, SAME, ENOUGH)


def _candidates(store: Store, form: str, dropped: Counter[str]) -> dict[str, list[Candidate]]:
    """The correct trials by problem, one for each different program."""
    candidates: dict[str, dict[str, Candidate]] = defaultdict(dict)
    for number, row in enumerate(store.rows()):
        if row.outcome is Outcome.ERROR:
            dropped[FAILED] += 1
        elif not row.correct:
            dropped[NOT_CORRECT] += 1
        else:
            turns = store.turns(row.key)
            solving = [turn for turn in turns if turn.verification is None]
            programs = [turn for turn in solving if turn.program is not None]
            if programs and not _ran(programs[-1]):
                dropped[PROGRAM_FAILED] += 1
                continue
            if form == "rft" and not _stands_alone(solving):
                dropped[NOT_ONE_REPLY] += 1
                continue
            text = programs[-1].program if programs else None
            normal = normal_form(text) if text is not None else _squeezed(solving[-1].reply.text)
            same = candidates[row.problem_id]
            if normal in same:
                dropped[SAME] += 1
                continue
            same[normal] = Candidate(row.key, number, row.turns, normal)
    return {problem_id: list(by_form.values()) for problem_id, by_form in candidates.items()}


def _ran(turn: Turn) -> bool:
    return turn.execution is not None and turn.execution.exit is Exit.OK


def _stands_alone(solving: Sequence[Turn]) -> bool:
    """Whether the last reply is the whole solution, and not the end of one with tool outputs."""
    last = solving[-1]
    return last.runs_code or len(solving) == 1


def _different(
    candidates: Sequence[Candidate], most: int, dropped: Counter[str]
) -> list[Candidate]:
    """At most so many, unlike one another, in the order of the run.

    First the one that took the fewest turns, then again and again the one farthest from those
    chosen, by summed distance as in RFT (https://arxiv.org/abs/2308.01825). There the distance is
    the edit distance of equations; here it is the share of word triples that two forms do not have
    in common, which takes linear time.
    """
    left = sorted(candidates, key=lambda one: (one.turns, one.number))
    chosen = left[:1]
    del left[:1]
    triples = {one.key: _triples(one.form) for one in candidates}
    distance = defaultdict[str, float](float)
    while left and len(chosen) < most:
        for one in left:
            distance[one.key] += _distance(triples[one.key], triples[chosen[-1].key])
        farthest = max(left, key=lambda one: distance[one.key])  # of equals the first
        left.remove(farthest)
        chosen.append(farthest)
    dropped[ENOUGH] += len(left)
    return sorted(chosen, key=lambda one: one.number)


def _triples(form: str) -> frozenset[tuple[str, ...]]:
    words = ["", *_WORD.findall(form), ""]
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def _distance(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    """From 0, the same triples, to 1, none in common."""
    together = len(one | other)
    return 1 - len(one & other) / together if together else 0.0


_WORD = re.compile(r"\w+|[^\w\s]")


# --- normal forms ------------------------------------------------------------------------------


def normal_form(program: str) -> str:
    """A program without what does not change what it does.

    Comments, formatting and bare strings are gone, and the names that it gives itself are numbered
    as they come. Two programs with one form do the same; two that do the same may well have two.
    What does not parse is told apart by its words.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a string is not our business
            tree = ast.parse(program)
        return ast.unparse(_Normal(_own_names(tree)).visit(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _squeezed(program)


def _squeezed(text: str) -> str:
    return " ".join(text.casefold().split())


def _own_names(tree: ast.AST) -> dict[str, str]:
    """The names that a program binds, numbered as they come; no program can hold such a number."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case (
                ast.FunctionDef(name=str(name))
                | ast.AsyncFunctionDef(name=str(name))
                | ast.ClassDef(name=str(name))
                | ast.ExceptHandler(name=str(name))
                | ast.alias(asname=str(name))
                | ast.arg(arg=str(name))
                | ast.Name(id=str(name), ctx=ast.Store())
            ):
                names.setdefault(name, f"@{len(names)}")
    return names


class _Normal(ast.NodeTransformer):
    """Puts the new names in, and bare strings out."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for field in ("id", "arg", "name", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str) and not isinstance(node, ast.keyword | ast.alias):
                setattr(node, field, self._names.get(name, name))
        if isinstance(node, ast.alias) and node.asname is not None:
            node.asname = self._names[node.asname]
        return super().generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)


# --- lines -------------------------------------------------------------------------------------


def _lines(
    store: Store, form: str, chosen: Sequence[tuple[str, Candidate]]
) -> Iterator[dict[str, Any]]:
    problems = store.problems()
    rounds = store.manifest().get("config", {}).get("tir", {}).get("format", "tora")
    for problem_id, one in chosen:
        trial = store.trial(one.key)
        tir = TIR_FORMATS[rounds] if trial.mode == "tir" else None
        messages = _conversation(trial, tir) if form == "sft" else _question_and_reply(trial, tir)
        judge = store.verdicts(one.key)[-1][0]
        yield {
            "messages": messages,
            "metadata": _provenance(store, trial, problems[problem_id], judge),
        }


def _conversation(trial: Trial, tir: Format | None) -> list[dict[str, Any]]:
    """Every message since the conversation last began anew."""
    began = max((n for n, turn in enumerate(trial.turns) if turn.fresh), default=0)
    messages: list[dict[str, Any]] = []
    for turn in trial.turns[began:]:
        messages += [_message(message) for message in turn.prompt]
        teaches = int(_teaches(turn, trial))
        messages.append({"role": "assistant", "content": _said(turn, tir), "weight": teaches})
    return messages


def _question_and_reply(trial: Trial, tir: Format | None) -> list[dict[str, Any]]:
    """The system message, the question without worked examples, and the reply that was right."""
    opening = trial.turns[0].prompt
    question = [message for message in opening if message.role == "system"]
    question += [message for message in opening if message.role == "user"][-1:]
    right = [turn for turn in trial.turns if turn.verification is None][-1]
    reply = Message(role="assistant", text=_said(right, tir))
    return [{"role": message.role, "content": message.text} for message in (*question, reply)]


def _message(message: Message) -> dict[str, Any]:
    content = {"role": message.role, "content": message.text}
    return {**content, "weight": 0} if message.role == "assistant" else content


def _said(turn: Turn, tir: Format | None) -> str:
    """The reply as it stood in the conversation: `tir` drops what follows its program."""
    return turn.reply.text if tir is None else read(turn.reply, tir).text


def _teaches(turn: Turn, trial: Trial) -> bool:
    """Whether a reply is worth learning: its program ran, and it did not lead away."""
    if turn.verification not in (None, Verification.TRUE):
        return False
    if turn.program is not None and not _ran(turn):
        return False
    if turn.answer is None:
        return turn.program is not None and not turn.runs_code  # a step of tool use
    return turn.answer == trial.answer


def _provenance(store: Store, trial: Trial, problem: Problem, judge: str) -> dict[str, Any]:
    verdict = trial.verdict
    return {
        "run": store.folder.resolve().name,
        "model": trial.model,
        "mode": trial.mode,
        "problem_id": problem.id,
        "problem_hash": problem.hash,
        "repeat": trial.repeat,
        "seed": trial.seed,
        "answer": trial.answer,
        "score": verdict.score if verdict else None,
        "judged_by": verdict.by if verdict else None,
        "judge": judge,
        "turns": len(trial.turns),
        "prompt_hash": digest([[one.role, one.text] for one in trial.turns[0].prompt]),
    }
