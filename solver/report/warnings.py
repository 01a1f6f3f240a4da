"""Find what makes the numbers of a run less reliable, and warn of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from solver.analysis.accuracy import Arm
from solver.analysis.comparable import mixtures, scoring
from solver.records import Outcome
from solver.report.parts import of
from solver.report.runs import Run
from solver.text import command, model_name, short

CAP_WARNING = 0.01
"""Share of replies at the cap above which the reader is warned."""
MOST_NAMED = 3
"""The most arms with such replies that are named; of more, only the one with the most is."""


@dataclass(frozen=True)
class Warn:
    """One warning about a run."""

    run: str
    text: str
    grave: bool = True
    """It may change the numbers; otherwise it is only a note."""


def warnings_of(run: Run) -> Iterator[Warn]:
    """Yield the warnings about a run, the most serious ones first."""
    found, name = run.accuracy, run.name
    if not found.trials:
        if run.contamination is None:
            yield Warn(name, "no trial has ended yet: there is nothing to report")
        return
    outcomes = sum((arm.outcomes for arm in found.arms), Counter[Outcome]())
    total = found.trials
    if total < found.planned:
        yield Warn(
            name,
            f"partial: {total:,} of {found.planned:,} trials have ended; the rest may be"
            " harder or easier than these, and the same command runs them",
        )
    if errors := outcomes[Outcome.ERROR]:
        whose = "of ours (endpoint, sandbox or judge) and are not scored; the same command runs"
        if "imported" in run.manifest:
            whose = "of the other tool and are not scored; only that tool can run"
        yield Warn(name, f"{of(errors, total)} trials ended in an error {whose} them again")
    if undecided := outcomes[Outcome.JUDGE_INVALID]:
        yield Warn(
            name,
            f"{of(undecided, total)} trials have an answer without a usable verdict and are not"
            " scored; they may be harder to judge because they are harder, so accuracy of scored"
            " trials can flatter",
        )
    if cut := sum(arm.prompt_cut for arm in found.arms):
        yield Warn(name, f"{cut:,} prompts were cut by the server: raise its context size")
    capped = [
        (
            arm.capped / arm.replies,
            f"{model_name(arm.model)} · {arm.mode} {of(arm.capped, arm.replies)}{_thinking(arm)}",
        )
        for arm in found.arms
        if arm.capped > CAP_WARNING * arm.replies
    ]
    if capped:
        where = ": " + ", ".join(arm for _, arm in capped)
        if len(capped) > MOST_NAMED:
            every = command("failures", run.store.folder)
            where = f" in {len(capped)} of {len(found.arms)} arms (`{every}` has all of them), most"
            where += f" in {max(capped)[1]}"
        yield Warn(
            name,
            f"replies were truncated at sampling.max_tokens{where}; a trial that ends so counts as"
            " not solved: raise it",
        )
    yield from _settings_of(run)


def _settings_of(run: Run) -> Iterator[Warn]:
    """Yield what of the sandbox, the judge and other settings a reader must know."""
    found, name = run.accuracy, run.name
    kind = run.manifest.get("sandbox", {}).get("kind", "")
    if kind in ("native", "reduced"):
        yield Warn(name, f"programs ran in the sandbox {kind!r}, which is weaker than Docker's")
    if found.judges > 1:
        again = command("rejudge", run.store.folder)
        yield Warn(name, f"verdicts of {found.judges} judges are mixed: run `{again}`")
    for text in (*scoring(run.manifest, run.store.folder), *mixtures(run.compared)):
        yield Warn(name, text)
    ends = Counter[str](run.manifest.get("reply_ends", {}))
    for end, count in ends.most_common():
        text = f"{count} replies ended neither by a stop nor at the cap: {end}"
        yield Warn(name, short(text, 600), grave=False)
    if until := run.manifest.get("until"):
        yield Warn(
            name,
            f"ended after {until['problems']:,} of {until['of']:,} problems, as every difference"
            f" between its arms was known to ± {100 * until['points']:g} points (--until)",
            grave=False,
        )
    for warning in run.manifest.get("warnings", []):
        yield Warn(name, short(str(warning), 600), grave=False)


def _thinking(arm: Arm) -> str:
    """Say how many capped replies were cut before the model had done thinking."""
    return f" ({arm.cut_thinking:,} of them while thinking)" if arm.cut_thinking else ""
