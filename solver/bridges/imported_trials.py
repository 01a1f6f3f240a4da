"""Turn a reply in another tool's log into a problem and a trial of ours."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import ValidationError

from judge import Extracted
from judge.logs import LogError, Logged, Step, answer_of
from sandbox import Execution, Exit, Finding, Level
from solver.problems import ProblemSet
from solver.problems.files import UnusableError, domain_name, level_of
from solver.records import Message, Problem, Reply, Trial, Turn
from solver.store.reading import VERDICT
from solver.surrogates import without_surrogates

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "developer": "system",
    "assistant": "assistant",
}
_EXITS = {"": Exit.OK, "timeout": Exit.TIMEOUT}


class Questions:
    """The problems of an import: those of a set that was named, or what the logs hold."""

    def __init__(self, known: ProblemSet | None) -> None:
        self.problems: dict[str, Problem] = {}
        self._known = known
        self._by_id = {problem.id: problem for problem in known.problems} if known else {}
        self._asked: dict[str, Problem | None] = {}

    def problem_of(self, logged: Logged) -> Problem:
        """Return the problem of a reply, and remember it.

        Raises LogError where the named set does not hold it, or where another reply with its id
        has another question or reference.
        """
        if self._known is None:
            problem = _problem(logged)
        else:
            found = self._by_id.get(logged.id) or self._standing_in(logged.question)
            if found is None:
                raise LogError(
                    f"{logged.place}: {self._known.name} holds no problem with the id"
                    f" {logged.id!r}, and none whose question stands in this prompt"
                )
            problem = found
        before = self.problems.setdefault(problem.id, problem)
        if before.hash != problem.hash:
            raise LogError(
                f"{logged.place}: {problem.id!r} has another question or reference than before;"
                " --problems SET takes both from a set"
            )
        return before

    def _standing_in(self, prompt: str) -> Problem | None:
        """Return the set's problem whose question stands in a prompt, the longest of several."""
        if prompt not in self._asked:
            words = " ".join(prompt.split())
            problems = self._known.problems if self._known else ()
            found = [one for one in problems if one.words in words]
            self._asked[prompt] = max(found, key=lambda one: len(one.question), default=None)
        return self._asked[prompt]


def _problem(logged: Logged) -> Problem:
    try:
        level = level_of(logged.level)
    except UnusableError:
        level = 0
    return Problem(
        id=logged.id,
        question=logged.question,
        answer=logged.references[0],
        other_answers=logged.references[1:],
        domain=domain_name(logged.domain) or "unknown",
        level=level,
    )


def trial_of(logged: Logged, problem: Problem, model: str) -> Trial:
    """Return the trial, without a verdict unless an export of ours kept it. Raises LogError."""
    kept = logged.kept
    answer = answer_of(logged)
    try:
        return Trial(
            problem_id=problem.id,
            model=model,
            mode=str(kept.get("mode") or f"{logged.tool}:{logged.task}"),
            repeat=int(kept.get("repeat", logged.repeat)),
            seed=int(kept.get("seed", 0)),
            turns=_kept_turns(logged, kept) if kept else _turns(logged.steps, answer),
            verdict=VERDICT.validate_python(kept["verdict"]) if kept.get("verdict") else None,
            error=kept.get("error") if kept else logged.error,
            seconds=float(kept.get("seconds", 0)) or sum(step.seconds for step in logged.steps),
        )
    except (ValidationError, TypeError, ValueError) as wrong:
        message = " ".join(str(wrong).split())[:200]
        raise LogError(
            f"{logged.place}: not a trial that this version exports: {message}"
        ) from wrong


def _kept_turns(logged: Logged, kept: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Return the turns that an export of ours kept, with the texts that the log holds of them."""
    facts = kept.get("turns") or []
    steps = logged.steps[len(logged.steps) - len(facts) :] if facts else ()
    return tuple(
        Turn.model_validate(
            {
                **fact,
                "prompt": _messages(step),
                "reply": {
                    "thoughts": step.thoughts, **fact.get("reply", {}), "text": step.text,
                },
            }
        )
        for fact, step in zip(facts, steps, strict=True)
    )  # fmt: skip


def _turns(steps: Sequence[Step], answer: Extracted) -> tuple[Turn, ...]:
    """Return a turn for each reply; the last one gives the answer."""
    return tuple(
        _turn(step, number, answer if number == len(steps) - 1 else None)
        for number, step in enumerate(steps)
    )


def _turn(step: Step, number: int, answer: Extracted | None) -> Turn:
    refused = step.program is not None and step.failure == "refused"
    found = answer is not None and answer.answer is not None
    return Turn(
        prompt=_messages(step),
        fresh=number == 0,
        reply=Reply(
            text=step.text,
            thoughts=step.thoughts,
            input_tokens=step.input_tokens,
            output_tokens=step.output_tokens,
            thought_tokens=step.thought_tokens,
            thoughts_counted=None if step.thought_tokens is None else "reported",
            seconds=step.seconds,
            capped=step.capped,
            ended=step.ended,
        ),
        program=step.program,
        findings=(Finding(Level.REFUSE, "the other tool", 0, step.output),) if refused else (),
        execution=None if step.program is None or refused else _execution(step),
        answer=answer.answer if answer and found else None,
        answer_rule=answer.rule if answer and found else None,
        runs_code=step.program is not None and step.answers,
    )


def _execution(step: Step) -> Execution:
    """Return what the log tells of a program's run: how it ended and what it wrote."""
    ended = _EXITS.get(step.failure, Exit.CRASHED)
    text = without_surrogates(step.output)
    stdout, stderr = (text, "") if ended is Exit.OK else ("", text)
    return Execution(ended, stdout, stderr, 0.0, 0.0, 0.0, False)


def _messages(step: Step) -> tuple[Message, ...]:
    return tuple(Message(role=_ROLES.get(role, "user"), text=text) for role, text in step.prompt)
