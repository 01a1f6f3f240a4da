"""Write a run's correct trials as training data (rejection sampling), one chat a line of JSONL.

`sft` is the conversation as it happened, with feedback and tool outputs. Each reply has a `weight`:
1 to train on it, 0 where its program failed or its answer was given up. `rft` is the question and
the one reply that was right. A correct trial is left out if its last program failed, if another
trial of its problem has the same program, or if its problem has enough trials already. `Made`
counts the trials that each of these filters dropped.

Not checked: whether a right answer was reached by sound reasoning, and whether a problem is also in
a test set that the trained model will be measured on.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import Exit
from solver.bridges.exported import last_conversation
from solver.bridges.normal_form import distance, normal_form, squeezed, triples
from solver.errors import ConfigError
from solver.modes import stored_mode
from solver.outputs import replacing
from solver.records import Message, Outcome, Problem, Trial, Turn, digest
from solver.store import Store

FORMATS = ("sft", "rft")


@dataclass(frozen=True)
class Made:
    """How many trials were written, and how many each filter dropped."""

    path: Path
    kept: int
    problems: int
    """Problems with at least one trial written."""
    dropped: dict[str, int]
    """Trials that each filter dropped, in the order of the filters."""

    def __str__(self) -> str:
        dropped = " · ".join(f"{name} {count}" for name, count in self.dropped.items())
        return f"kept {self.kept} trials of {self.problems} problems · dropped: {dropped}"


@dataclass(frozen=True)
class Candidate:
    """A correct trial that may be written."""

    key: str
    number: int
    """Its position in the run."""
    turns: int
    form: str
    """The normal form of its program, or of its words where it has no program."""


def write_training(
    store: Store, form: str, output: Path | None = None, *, per_problem: int = 4
) -> Made:
    """Write the trials worth training on, by default next to the run's database.

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
    rare = (NOT_ONE_REPLY, PROBE)
    filters = {name: dropped[name] for name in _FILTERS if dropped[name] or name not in rare}
    path = output or store.folder / f"{form}.jsonl"
    made = Made(path, len(chosen), len({problem_id for problem_id, _ in chosen}), filters)
    if not chosen:
        raise ConfigError(f"{store.folder}: no trial to train on ({made})")
    with replacing(path) as part, part.open("w", encoding="utf-8") as file:
        for line in _lines(store, form, chosen):
            file.write(json.dumps(line) + "\n")
    return made


# --- filters -----------------------------------------------------------------------------------

FAILED, NOT_CORRECT = "error of ours", "not correct"
PROBE = "answered without reasoning"
PROGRAM_FAILED, NOT_ONE_REPLY = "program did not end well", "took several replies"
SAME, ENOUGH = "same program", "enough for its problem"
_FILTERS = (FAILED, NOT_CORRECT, PROBE, PROGRAM_FAILED, NOT_ONE_REPLY, SAME, ENOUGH)


def _candidates(store: Store, form: str, dropped: Counter[str]) -> dict[str, list[Candidate]]:
    """Return the correct trials by problem, one for each different program.

    The trials left out are counted in `dropped`.
    """
    candidates: dict[str, dict[str, Candidate]] = defaultdict(dict)
    for number, row in enumerate(store.rows()):
        if row.outcome is Outcome.ERROR:
            dropped[FAILED] += 1
        elif not row.correct:
            dropped[NOT_CORRECT] += 1
        elif stored_mode(row.mode).shown is not None or stored_mode(row.mode).at_once:
            dropped[PROBE] += 1
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
            normal = normal_form(text) if text is not None else squeezed(solving[-1].reply.text)
            same = candidates[row.problem_id]
            if normal in same:
                dropped[SAME] += 1
                continue
            same[normal] = Candidate(row.key, number, row.turns, normal)
    return {problem_id: list(by_form.values()) for problem_id, by_form in candidates.items()}


def _ran(turn: Turn) -> bool:
    """Tell whether the turn's program ran and ended well."""
    return turn.execution is not None and turn.execution.exit is Exit.OK


def _stands_alone(solving: Sequence[Turn]) -> bool:
    """Tell whether the last reply is the whole solution, not the end of one in several steps."""
    return len(solving) == 1 or all(turn.runs_code for turn in solving)


def _different(
    candidates: Sequence[Candidate], most: int, dropped: Counter[str]
) -> list[Candidate]:
    """Choose at most `most` candidates that differ as much as possible; return in the run's order.

    The first choice is the one with the fewest turns. Each further choice has the largest sum of
    distances to those chosen before, as in RFT (https://arxiv.org/abs/2308.01825). RFT uses the
    edit distance of equations; here the distance is the share of word triples that two forms do not
    have in common, which takes linear time.
    """
    left = sorted(candidates, key=lambda one: (one.turns, one.number))
    chosen = left[:1]
    del left[:1]
    parts = {one.key: triples(one.form) for one in candidates}
    summed = defaultdict[str, float](float)
    while left and len(chosen) < most:
        for one in left:
            summed[one.key] += distance(parts[one.key], parts[chosen[-1].key])
        farthest = max(left, key=lambda one: summed[one.key])  # the first of several
        left.remove(farthest)
        chosen.append(farthest)
    dropped[ENOUGH] += len(left)
    return sorted(chosen, key=lambda one: one.number)


# --- lines -------------------------------------------------------------------------------------


def _lines(
    store: Store, form: str, chosen: Sequence[tuple[str, Candidate]]
) -> Iterator[dict[str, Any]]:
    """Yield one line of the file for each chosen trial."""
    problems = store.problems()
    config = store.manifest().get("config", {})
    build = _conversation if form == "sft" else _question_and_reply
    for problem_id, one in chosen:
        trial = store.trial(one.key)
        judge = store.verdicts(one.key)[-1][0]
        yield {
            "messages": build(trial, config),
            "metadata": _provenance(store, trial, problems[problem_id], judge),
        }


def _conversation(trial: Trial, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return all messages of the trial's last conversation, each reply with its weight."""
    mode = stored_mode(trial.mode)
    messages: list[dict[str, Any]] = []
    for turn in last_conversation(trial):
        messages += [_message(message) for message in turn.prompt]
        text = mode.kept_text(turn, config)
        weight = int(mode.teaches(turn, trial))
        messages.append({"role": "assistant", "content": text, "weight": weight})
    return messages


def _question_and_reply(trial: Trial, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the system message, the question without worked examples, and the right reply."""
    opening = trial.turns[0].prompt
    question = [message for message in opening if message.role == "system"]
    question += [message for message in opening if message.role == "user"][-1:]
    right = [turn for turn in trial.turns if turn.verification is None][-1]
    reply = Message(role="assistant", text=stored_mode(trial.mode).kept_text(right, config))
    return [{"role": message.role, "content": message.text} for message in (*question, reply)]


def _message(message: Message) -> dict[str, Any]:
    """Return a prompt's message; a reply in it is a worked example, with weight 0."""
    content = {"role": message.role, "content": message.text}
    return {**content, "weight": 0} if message.role == "assistant" else content


def _provenance(store: Store, trial: Trial, problem: Problem, judge: str) -> dict[str, Any]:
    """Return where a line comes from: its run, trial, verdict and prompt."""
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
