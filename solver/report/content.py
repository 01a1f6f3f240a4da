"""What the report says about some runs, as sections of sentences, figures and tables.

The numbers come from `summary`, `failures`, `stability` and `cost`; here they get names, an order
and words. How they look is left to `page.py`, `plot.py` and `tables.py`.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from solver.records import Outcome
from solver.report.figures import Figure
from solver.report.parts import Section, listed, of, value_and_range
from solver.report.runs import Named, Run, model_name, named_arms
from solver.report.sections.accuracy import by_part, judged, outcomes, overall, unsolved
from solver.report.sections.compare import compared, comparisons_of
from solver.report.sections.failures import failed, retried
from solver.report.sections.repeats import cost, stable
from solver.report.sections.ways import ways
from solver.report.tables import Kind, Table, short, text_of

MOST_CHARACTERS = 4_000
"""Of one text in a manifest."""
CAP_WARNING = 0.01
"""Share of replies at the cap above which the reader is warned."""


@dataclass(frozen=True)
class Warn:
    """Something to know before any number is believed."""

    run: str
    text: str
    grave: bool = True


@dataclass(frozen=True)
class Headline:
    """One accuracy in large type."""

    name: str
    value: str
    interval: str
    n: str
    also: str
    """The other reading, where it differs."""


@dataclass(frozen=True)
class Recipe:
    """What lets someone repeat a run."""

    run: str
    config: str
    """YAML for `solver run`."""
    facts: tuple[tuple[str, str], ...]
    manifest: str


@dataclass(frozen=True)
class Content:
    """The whole report."""

    title: str
    subtitle: tuple[str, ...]
    warnings: tuple[Warn, ...]
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]
    recipes: tuple[Recipe, ...]
    made: str

    def figures(self) -> list[Figure]:
        """Every figure, in order."""
        return [figure for section in self.sections for figure in section.figures]

    def tables(self) -> list[Table]:
        """Every table, in order."""
        return [t for section in self.sections for t in (*section.tables, *section.folded)]


def content_of(runs: Sequence[Run]) -> Content:
    """All that the report says."""
    arms = named_arms(runs)
    comparisons, refused = comparisons_of(runs)
    sections = [
        overall(arms),
        compared(comparisons, arms),
        ways(runs, arms),
        by_part(arms),
        outcomes(arms),
        retried(runs, arms),
        failed(runs, arms),
        stable(runs, arms),
        cost(runs, arms),
        judged(arms),
        unsolved(runs),
    ]
    warnings = [warning for run in runs for warning in warnings_of(run)]
    return Content(
        title=" and ".join(short(run.name, 60) for run in runs),
        subtitle=tuple(_about(run) for run in runs),
        warnings=(*warnings, *(Warn("", reason) for reason in refused)),
        headlines=tuple(_headline(arm) for arm in arms),
        sections=tuple(section for section in sections if section is not None),
        recipes=tuple(_recipe(run) for run in runs),
        made=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )


def warnings_of(run: Run) -> Iterator[Warn]:
    """What a reader must know before the numbers, the gravest first."""
    summary, name = run.summary, run.name
    if not summary.trials:
        yield Warn(name, "no trial has ended yet: there is nothing to report")
        return
    outcomes = sum((arm.outcomes for arm in summary.arms), Counter[Outcome]())
    total = summary.trials
    if total < summary.planned:
        yield Warn(
            name,
            f"partial: {total:,} of {summary.planned:,} trials have ended; the rest may be"
            " harder or easier than these",
        )
    if errors := outcomes[Outcome.ERROR]:
        yield Warn(
            name,
            f"{of(errors, total)} trials ended in an error of ours (endpoint, sandbox or judge)"
            " and are not scored; the same command runs them again",
        )
    if undecided := outcomes[Outcome.JUDGE_INVALID]:
        yield Warn(
            name,
            f"{of(undecided, total)} trials have an answer without a usable verdict and are not"
            " scored; they may be harder to judge because they are harder, so accuracy of scored"
            " trials can flatter",
        )
    if cut := sum(arm.prompt_cut for arm in summary.arms):
        yield Warn(name, f"{cut:,} prompts were cut by the server: raise its context size")
    capped = [
        f"{model_name(arm.model)} · {arm.mode} {of(arm.capped, arm.replies)}"
        for arm in summary.arms
        if arm.capped > CAP_WARNING * arm.replies
    ]
    if capped:
        yield Warn(
            name,
            "replies were truncated at sampling.max_tokens: "
            + ", ".join(capped)
            + "; a trial that ends so counts as not solved",
        )
    kind = run.manifest.get("sandbox", {}).get("kind", "")
    if kind in ("native", "reduced"):
        yield Warn(name, f"programs ran in the fallback sandbox {kind!r}, not in Docker")
    if summary.judges > 1:
        yield Warn(name, f"verdicts of {summary.judges} judges are mixed: run `solver rejudge`")
    for warning in run.manifest.get("warnings", []):
        yield Warn(name, short(str(warning), 600), grave=False)


def _about(run: Run) -> str:
    manifest, summary = run.manifest, run.summary
    config = manifest.get("config", {})
    models = ", ".join(model_name(name) for name in _models(run)) or "no model"
    begun = run.sessions[0]["started"] if run.sessions else None
    day = time.strftime(", %Y-%m-%d", time.gmtime(begun)) if begun else ""
    modes = list(dict.fromkeys(arm.mode for arm in summary.arms)) or config.get("mode") or ["none"]
    problem_set = manifest.get("problems", {}).get("name") or config.get("problems", "problems")
    repeats = config.get("repeats", 1)
    return (
        f"{models} on {summary.problems:,} problems of {short(str(problem_set), 60)},"
        f" mode{'s' * (len(modes) > 1)} {listed([short(str(mode), 24) for mode in modes])},"
        f" {repeats} repeat{'s' * (repeats != 1)},"
        f" {summary.trials:,} trials{day}"
    )


def _models(run: Run) -> list[str]:
    return sorted({arm.model for arm in run.summary.arms})


def _headline(named: Named) -> Headline:
    cell = named.arm.overall
    value, span = value_and_range(cell.of_scored)
    both = cell.unscored and cell.of_all is not None
    return Headline(
        name=named.name,
        value=text_of(value, Kind.SHARE),
        interval=text_of(span, Kind.INTERVAL),
        n=f"{cell.problems:,} problems, {cell.trials - cell.unscored:,} scored trials",
        also=f"{text_of(cell.of_all.value, Kind.SHARE)} of all {cell.trials:,} trials"
        if both and cell.of_all
        else "",
    )


def _recipe(run: Run) -> Recipe:
    manifest = run.manifest
    config = {key: value for key, value in manifest.get("config", {}).items() if value is not None}
    box, judge = manifest.get("sandbox", {}), manifest.get("judge", {})
    problems, versions = manifest.get("problems", {}), manifest.get("versions", {})
    facts = [
        ("problems", _line(problems.get("name"), problems.get("hash"))),
        *(
            (model_name(name), _line(*_identity(f)))
            for name, f in manifest.get("models", {}).items()
        ),
        ("judge", _line(judge.get("model") or "rules alone", judge.get("preset"))),
        ("sandbox", _line(box.get("kind"), box.get("image_id"))),
        ("seed", str(config.get("seed", ""))),
        ("solver", _line(versions.get("solver"), f"Python {versions.get('python')}")),
        ("started", " · ".join(_moment(session) for session in run.sessions[:5])),
    ]
    return Recipe(
        run=run.name,
        config=_readable(config),
        facts=tuple((name, short(text, 300)) for name, text in facts if text),
        manifest=_readable({key: manifest[key] for key in sorted(manifest) if key != "identity"}),
    )


def _identity(facts: Any) -> list[Any]:
    """What pins a model down, of all that its provider told."""
    if not isinstance(facts, dict):
        return []
    keys = (
        "digest",
        "sha256",
        "model",
        "quantisation",
        "parameters",
        "version",
        "system_fingerprint",
    )
    return [facts[key] for key in keys if facts.get(key)]


def _line(*values: Any) -> str:
    return " · ".join(str(value) for value in values if value)


def _moment(session: dict[str, Any]) -> str:
    begun = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(session["started"]))
    if not session["ended"]:
        return f"{begun} (no end recorded)"
    return f"{begun}, {(session['ended'] - session['started']) / 60:,.1f} min"


def _readable(value: Any) -> str:
    """YAML that reads back as the same value, without the credentials a URL may hold."""
    text = yaml.safe_dump(_cut(value), sort_keys=False, allow_unicode=True, width=100)
    return re.sub(r"(?<=://)[^/@\s'\"]+@", "", text)


def _cut(value: Any) -> Any:
    """The value with texts beyond all reason cut."""
    if isinstance(value, dict):
        return {str(key): _cut(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return short(value, MOST_CHARACTERS) if isinstance(value, str) else value
