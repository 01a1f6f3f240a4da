"""What the exports to other tools share: arms, conversations, and what is kept of a trial.

What a tool's log has no place for is kept under the key `solver`, so that `solver import` gives
back the same trials with the same outcomes.
"""

import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from solver.analysis.arms import stored_rows
from solver.errors import ConfigError
from solver.records import Problem, Trial, Turn
from solver.store import Row, Store
from solver.store.reading import VERDICT


@dataclass(frozen=True)
class Arm:
    """One model in one mode: the trials that make one log."""

    model: str
    mode: str
    rows: tuple[Row, ...]
    """By problem, in the run's order, and by repeat."""

    @property
    def repeats(self) -> int:
        """Count the repeats, missing ones among them."""
        return 1 + max(row.repeat for row in self.rows)

    @property
    def accuracy(self) -> float | None:
        """Return the mean over problems of the mean over scored repeats; None without any."""
        scored: dict[str, list[bool]] = defaultdict(list)
        for row in self.rows:
            if row.outcome.scored:
                scored[row.problem_id].append(row.correct)
        means = [sum(each) / len(each) for each in scored.values()]
        return sum(means) / len(means) if means else None


def arms_of(store: Store, problems: dict[str, Problem]) -> list[Arm]:
    """Return the arms of a run. Raises ConfigError where no trial has ended."""
    place = {problem_id: number for number, problem_id in enumerate(problems)}
    arms: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in stored_rows(store):
        arms[row.model, row.mode].append(row)
    if not arms:
        raise ConfigError(f"{store.folder}: no trial has ended yet, so there is nothing to export")
    return [
        Arm(model, mode, tuple(sorted(rows, key=lambda r: (place[r.problem_id], r.repeat))))
        for (model, mode), rows in arms.items()
    ]


def kept_of(trial: Trial, turns: Sequence[Turn], *, thoughts: bool) -> dict[str, Any]:
    """Return what the log of another tool has no place for.

    Of these turns that is all but the texts of prompt and reply, and the tokens' probabilities.
    Their thoughts are kept where `thoughts`.
    """
    lost = {"text", "tokens", "interventions"} | (set() if thoughts else {"thoughts"})
    facts: dict[str, Any] = {"prompt": True, "reply": lost}
    verdict = trial.verdict
    return {
        "mode": trial.mode,
        "repeat": trial.repeat,
        "seed": trial.seed,
        "seconds": trial.seconds,
        "error": trial.error,
        "outcome": str(trial.outcome),
        "verdict": verdict and VERDICT.dump_python(verdict, mode="json"),
        "turns": [
            turn.model_dump(mode="json", exclude_defaults=True, exclude=facts) for turn in turns
        ],
    }


def last_conversation(trial: Trial) -> tuple[Turn, ...]:
    """Return the turns since the trial's last new conversation began."""
    first = max((n for n, turn in enumerate(trial.turns) if turn.fresh), default=0)
    return trial.turns[first:]


def task_name(store: Store, mode: str) -> str:
    """Return the name of an arm's task: the problem set and the mode."""
    found = store.manifest().get("problems", {}).get("name") or store.folder.resolve().name
    return f"{slug(str(found))}_{slug(mode)}"


def slug(text: str) -> str:
    """Return a text as part of a file's name."""
    return re.sub(r"[^\w.-]+", "-", text)[:80].strip("-.") or "x"


def made_at(store: Store) -> float:
    """Return when the run was first started, as Unix time; of an imported one, now."""
    sessions = store.sessions()
    return float(sessions[0]["started"]) if sessions else time.time()
