"""Collect the content of a report: warnings, headlines, sections, and how to repeat the runs.

The sections come from `sections`, which has a file for each analysis. `render` draws the content.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import yaml

from solver.analysis.comparable import counted
from solver.analysis.compare import Comparison
from solver.analysis.cost import costs, load_prices
from solver.analysis.wordings import sensitivities
from solver.report.figures import Figure
from solver.report.parts import Section, by_arm, listed, value_and_range
from solver.report.runs import Named, Run, named_arms
from solver.report.sections.accuracy import by_part, judged, outcomes, overall, unsolved
from solver.report.sections.budget import budgeted
from solver.report.sections.checks import checks
from solver.report.sections.compare import Compared, compared, comparisons_of
from solver.report.sections.comparison_words import pair_name, span
from solver.report.sections.contamination import remembered
from solver.report.sections.cost import cost
from solver.report.sections.failures import failed, solved_in
from solver.report.sections.labelled import audited_in, by_labels, labelled
from solver.report.sections.modes import defined
from solver.report.sections.other_judge import changed_by_the_judge
from solver.report.sections.overlooked import overlooked
from solver.report.sections.regeneration import regenerated
from solver.report.sections.repeats import repeated, repeats_in
from solver.report.sections.retries import retried
from solver.report.sections.rounds import rounds
from solver.report.sections.trials import whole_trials
from solver.report.sections.wordings import wordings
from solver.report.tables import Kind, Table, text_of
from solver.report.warnings import Warn, warnings_of
from solver.secrets import without_secrets
from solver.text import model_name, short

MOST_CHARACTERS = 4_000
"""The most characters of one text in a manifest that are shown."""


@dataclass(frozen=True)
class Headline:
    """One accuracy, or the one difference that there is, shown in large type at the top."""

    name: str
    value: str
    interval: str
    n: str
    also: str
    """The accuracy over all trials, where some are not scored, and by labels, where there are."""


@dataclass(frozen=True)
class Recipe:
    """What someone needs to repeat a run."""

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
        """Return every figure, in order."""
        return [figure for section in self.sections for figure in section.figures]

    def tables(self) -> list[Table]:
        """Return every table, in order."""
        return [t for section in self.sections for t in (*section.tables, *section.folded)]


def content_of(runs: Sequence[Run], *, with_trials: bool = False) -> Content:
    """Return the whole content of the report on some runs, with whole trials where asked."""
    arms = named_arms(runs)
    comparisons = comparisons_of(runs)
    sections = _sections(runs, arms, comparisons)
    if with_trials:
        failures = by_arm(arms, lambda run: run.failures.arms)
        sections.append(whole_trials(arms, comparisons.found, failures))
    warnings = [warning for run in runs for warning in warnings_of(run)]
    return Content(
        title=" and ".join(short(run.name, 60) for run in runs),
        subtitle=tuple(_about(run) for run in runs),
        warnings=(*warnings, *(Warn("", short(note, 600)) for note in comparisons.notes)),
        headlines=(*map(_headline, arms), *_only_difference(comparisons.found, arms)),
        sections=tuple(section for section in sections if section is not None),
        recipes=tuple(_recipe(run) for run in runs),
        made=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )


def _sections(
    runs: Sequence[Run], arms: Sequence[Named], comparisons: Compared
) -> list[Section | None]:
    failures = by_arm(arms, lambda run: run.failures.arms)
    prices = load_prices()
    return [
        overall(arms),
        labelled(by_arm(arms, lambda run: run.audited)),
        changed_by_the_judge(
            by_arm(arms, lambda run: run.other_judge),
            {name: problem for run in runs for name, problem in run.problems.items()},
        ),
        defined(arms),
        compared(comparisons.found, comparisons.apart),
        wordings(by_arm(arms, lambda run: sensitivities(run.trials))),
        regenerated(by_arm(arms, lambda run: chain.from_iterable(run.regeneration))),
        rounds(by_arm(arms, lambda run: run.rounds)),
        checks(by_arm(arms, lambda run: run.checks)),
        by_part(arms),
        outcomes(arms),
        retried(failures),
        failed(failures, solved_in(runs, arms)),
        overlooked(failures),
        repeated(repeats_in(arms)),
        remembered([run.contamination for run in runs]),
        cost(
            by_arm(arms, lambda run: costs(run.trials, prices)),
            {arm.name: arm.arm.overall.of_scored for arm in arms},
        ),
        budgeted(arms),
        judged(arms),
        unsolved(runs),
    ]


def _about(run: Run) -> str:
    manifest, found = run.manifest, run.accuracy
    config = manifest.get("config", {})
    models = ", ".join(model_name(name) for name in _models(run)) or "no model"
    started = run.sessions[0]["started"] if run.sessions else None
    day = time.strftime(", %Y-%m-%d", time.gmtime(started)) if started else ""
    modes = list(dict.fromkeys(arm.mode for arm in found.arms)) or config.get("mode") or ["none"]
    problem_set = manifest.get("problems", {}).get("name") or config.get("problems", "problems")
    repeats = config.get("repeats", 1)
    return (
        f"{models} on {found.problems:,} problems of {short(str(problem_set), 60)},"
        f" mode{'s' * (len(modes) > 1)} {listed([short(str(mode), 24) for mode in modes])},"
        f" {repeats} repeat{'s' * (repeats != 1)},"
        f" {found.trials:,} trials{day}"
    )


def _models(run: Run) -> list[str]:
    return sorted({arm.model for arm in run.accuracy.arms})


def _headline(named: Named) -> Headline:
    cell = named.arm.overall
    value, span = value_and_range(cell.of_scored)
    also = [by_labels(each) for each in audited_in(named)]
    if cell.unscored and cell.of_all:
        also.insert(0, f"{text_of(cell.of_all.value, Kind.SHARE)} of all {cell.trials:,} trials")
    return Headline(
        name=named.name,
        value=text_of(value, Kind.SHARE),
        interval=text_of(span, Kind.INTERVAL),
        n=f"{cell.problems:,} problems, {cell.trials - cell.unscored:,} scored trials",
        also="; ".join(also),
    )


def _only_difference(found: Sequence[Comparison], arms: Sequence[Named]) -> Iterator[Headline]:
    """Yield the difference of two arms where these are all there are."""
    if len(found) != 1 or len(arms) != 2:
        return
    (each,) = found
    names = {arm.key: arm.name for arm in arms}
    yield Headline(
        name=pair_name(each.a, each.b, names),
        value=f"{text_of(each.difference.value, Kind.POINTS)} points",
        interval=span(each.difference),
        n=f"{counted(each.difference.n_problems, 'problem')} scored on both sides",
        also=f"p {text_of(each.adjusted, Kind.CHANCE)}",
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
    """Return those of the provider's facts about a model that identify it."""
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
    started = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(session["started"]))
    if not session["ended"]:
        return f"{started} (no end recorded)"
    return f"{started}, {(session['ended'] - session['started']) / 60:,.1f} min"


def _readable(value: Any) -> str:
    """Write YAML that reads back as the same value, without keys that an earlier version stored."""
    text = yaml.safe_dump(_cut(value), sort_keys=False, allow_unicode=True, width=100)
    return without_secrets(text)


def _cut(value: Any) -> Any:
    """Return the value with its longest texts cut."""
    if isinstance(value, dict):
        return {str(key): _cut(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return short(value, MOST_CHARACTERS) if isinstance(value, str) else value
