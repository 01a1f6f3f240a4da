"""Show the sections of the report that each command prints, in a terminal or drawn otherwise."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from solver.analysis.against import against_all, with_rows
from solver.analysis.compare import Apart, Comparison
from solver.analysis.cost import ArmCost
from solver.analysis.failures import Failures
from solver.analysis.ladder import Ladder
from solver.analysis.plan import Plan
from solver.analysis.published import published_scores
from solver.analysis.wordings import sensitivities
from solver.collector import no_garbage_collection
from solver.errors import ConfigError
from solver.report.parts import Section, by_arm, value_and_range
from solver.report.render.terminal import print_sections
from solver.report.runs import Named, Run, named_arms, names_by_arm, short_names
from solver.report.sections.accuracy import never_solved, of_arm, overall
from solver.report.sections.against import against_published
from solver.report.sections.budget import budgeted
from solver.report.sections.checks import checks
from solver.report.sections.compare import compared, comparisons_of
from solver.report.sections.contamination import remembered
from solver.report.sections.cost import cost
from solver.report.sections.failures import failed, outcomes_by_cell
from solver.report.sections.ladder import ladder
from solver.report.sections.other_judge import changed_by_the_judge
from solver.report.sections.overlooked import overlooked
from solver.report.sections.plan import planned
from solver.report.sections.regeneration import regenerated
from solver.report.sections.repeats import repeated, repeats_in
from solver.report.sections.retries import retried
from solver.report.sections.rounds import rounds
from solver.report.sections.wordings import wordings
from solver.report.tables import Kind, text_of
from solver.report.warnings import warnings_of
from solver.text import share_of

Draw: TypeAlias = Callable[[Iterable[Section | None]], None]
"""Prints sections: `print_sections` for people, `print_data` for programs."""

MOST_ONE_BY_ONE = 3
"""The most arms that are shown one by one from the start; of more, all are compared first."""
MOST_ARMS = 12
"""The most arms whose accuracies are repeated in one line at the end."""
MOST_CHANGED = 20
"""The most trials that are listed where our judge changes another tool's verdict; the report lists
all."""


@no_garbage_collection()
def show_run(
    run: Run,
    *,
    greedy: Run | None = None,
    every_k: bool = False,
    draw: Draw = print_sections,
) -> None:
    """Print all tables of a run. With repeats, print the metrics over repeats too.

    `greedy` is a run at temperature 0 to show next to them.
    """
    arms = named_arms([run])
    probed = remembered([run.contamination])
    if not arms and probed is None:
        draw([_nothing_yet(run.store.folder)])
        return
    found = comparisons_of([run])
    in_full = compared(found.found, found.apart)
    side_by_side = in_full and replace(in_full, folded=())
    together = len(arms) > MOST_ONE_BY_ONE
    other_judge = changed_by_the_judge(
        by_arm(arms, lambda run: run.other_judge), run.problems, most=MOST_CHANGED
    )
    sections = [
        *([overall(arms), side_by_side] if together else []),
        *(of_arm(arm) for arm in arms),
        other_judge,
        None if together else side_by_side,
        budgeted(arms),
        wordings(by_arm(arms, lambda run: sensitivities(run.trials))),
        regenerated(by_arm(arms, lambda run: chain.from_iterable(run.regeneration))),
        rounds(by_arm(arms, lambda run: run.rounds)),
        checks(by_arm(arms, lambda run: run.checks)),
    ]
    if (repeats := run.manifest.get("config", {}).get("repeats", 1)) > 1:
        ks = range(1, repeats + 1) if every_k else None
        once = [greedy.trials] if greedy else []
        sections.append(repeated(repeats_in(arms, greedy=once, ks=ks)))
    sections.append(probed and replace(probed, folded=()))
    draw([*sections, Section("run", "", facts=tuple(_whole_run(run, arms)))])


def _nothing_yet(folder: Path) -> Section:
    return Section("run", "", facts=(("run", f"{folder}: no trial has ended yet"),))


def _whole_run(run: Run, arms: Sequence[Named]) -> Iterator[tuple[str, str]]:
    found, manifest = run.accuracy, run.manifest
    if 1 < len(arms) <= MOST_ARMS:  # once more, since their tables may have left the screen
        yield "accuracy", " · ".join(map(_in_short, arms))
    share = share_of(len(found.unsolved), found.scored)
    yield "unsolved", f"{share} of problems solved by no model in any mode"
    kind = manifest.get("sandbox", {}).get("kind", "none")
    judge = manifest.get("judge", {}).get("model") or "rules alone"
    yield "sandbox", f"{kind} · judge {judge}"
    for warning in warnings_of(run):
        yield "WARNING" if warning.grave else "note", warning.text
    yield "run", str(run.store.folder)


def _in_short(named: Named) -> str:
    value, interval = value_and_range(named.arm.overall.of_scored)
    return f"{named.name} {text_of(value, Kind.SHARE)} [{text_of(interval, Kind.INTERVAL)}]"


def show_contamination(run: Run, *, draw: Draw = print_sections) -> None:
    """Print the signs of memory that the probes of a run found, problem by problem at the end.

    Raises ConfigError for a run that was not probed.
    """
    section = remembered([run.contamination])
    if section is None:
        raise ConfigError(
            f"{run.store.folder}: holds no probe; `solver probe CONFIG` makes one, with the keys"
            " probes and control"
        )
    draw([replace(section, tables=(*section.tables, *section.folded), folded=())])


def show_comparisons(
    found: Sequence[Comparison],
    notes: Iterable[str] = (),
    *,
    missing: Sequence[Apart] = (),
    folders: Mapping[str, Path] | None = None,
    rungs: Sequence[Ladder] = (),
    draw: Draw = print_sections,
) -> None:
    """Print comparisons in full, and why those of `missing` are not made.

    `notes` name other differences between the runs, `folders` where the runs lie, `rungs` models
    that were compared in several quantisations or on several servers.
    """
    section = compared(found, missing, every=True, folders=folders)
    facts = tuple(("note", note) for note in notes)
    shown = section and replace(section, facts=(*section.facts, *facts))
    draw([ladder(rungs), shown])


def show_failures(
    found: Failures, *, folder: Path | None = None, draw: Draw = print_sections
) -> None:
    """Print what went wrong in every arm, then the problems that none of them solved."""
    names = short_names([("", arm.model, arm.mode) for arm in found.arms])
    arms = [(names["", arm.model, arm.mode], arm) for arm in found.arms]
    solved = [
        (names["", each.model, each.mode], names["", each.model, each.never], each)
        for each in found.solved_by
    ]
    draw(
        [
            outcomes_by_cell(arms),
            retried(arms),
            failed(arms, solved, folder=folder),
            overlooked(arms),
            never_solved([("these trials", found.unsolved, found.tried)]),
        ]
    )


def show_costs(
    found: Sequence[ArmCost], *, folder: Path | None = None, draw: Draw = print_sections
) -> None:
    """Print what each arm used: in all, per trial, and per correct answer."""
    names = short_names([("", each.model, each.mode) for each in found])
    named = [(names["", each.model, each.mode], each) for each in found]
    draw([cost(named, {}, folder=folder) if found or not folder else _nothing_yet(folder)])


def show_plan(plan: Plan, *, draw: Draw = print_sections) -> None:
    """Print the plan of a run: its cost, and the differences that it could detect."""
    draw([planned(plan)])


def show_against(
    run: Run,
    *,
    scores: Path | None = None,
    model: str | None = None,
    draw: Draw = print_sections,
) -> None:
    """Print published scores beside the run's; `scores` are more of them, in a CSV file.

    `model` is the published name of the run's model. Raises ConfigError where no score is known.
    """
    names = names_by_arm(named_arms([run]))
    whole = with_rows(run.compared, run.rows)
    found = against_all(whole, run.failures.arms, published_scores(scores), model)
    draw(against_published([(names[run.name, e.model, e.mode], e) for e in found]))
