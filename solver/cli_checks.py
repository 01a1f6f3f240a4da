"""The commands that judge or audit a finished run, and those that check this machine."""

from pathlib import Path
from typing import Annotated

import typer

from solver.cli_options import SANDBOXES, JudgeOption, RunPath, given_of

checks = typer.Typer()
sandbox_app = typer.Typer(no_args_is_help=True, help="Build, check, clean and time the sandbox.")
judge_app = typer.Typer(no_args_is_help=True, help="Measure the judge's model.")


@checks.command()
def rejudge(
    run: RunPath,
    judge: JudgeOption = None,
    preset: Annotated[
        str | None, typer.Option(help="How to judge, e.g. rules-then-short: see judge/README.md.")
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(help="name=value, a convention of judge/README.md; may be given again."),
    ] = None,
    threshold: Annotated[int | None, typer.Option(help="The lowest score that is correct.")] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only replay stored judge replies.")
    ] = False,
    original: Annotated[
        bool, typer.Option("--original", help="Go back to the verdicts of the run's first judge.")
    ] = False,
) -> None:
    """Judge the stored answers again; no reply is requested."""
    from solver.checks.rejudge import rejudge as judge_again
    from solver.checks.rejudge import rejudge_as_first
    from solver.checks.shown import show_change
    from solver.errors import ConfigError, require_unix
    from solver.report.runs import stored_run
    from solver.report.show import show_run
    from solver.store import Store

    require_unix("solver rejudge")
    overrides = given_of(preset=preset, threshold=threshold)
    if judge is not None:
        overrides["model"] = None if judge == "rules" else judge
    if offline:
        overrides["offline"] = True
    if policy:
        overrides["policy"] = dict(_setting(text) for text in policy)
    if original and overrides:
        raise ConfigError(f"--original takes no other setting, but {', '.join(overrides)} is given")
    store = Store.create_or_open(_existing(run))
    change = rejudge_as_first(store) if original else judge_again(store, overrides)
    show_run(stored_run(store))
    show_change(change)
    store.close()


@checks.command("screen-audit")
def screen_audit(run: RunPath) -> None:
    """Show which programs the screen refused, and how many were right.

    The refused programs are run now, in the sandbox, and counted by the rule that refused them.
    """
    from solver.checks.screen_audit import audit_screen
    from solver.checks.shown import show_screen_audit
    from solver.errors import require_unix
    from solver.store import Store

    require_unix("solver screen-audit")
    show_screen_audit(audit_screen(Store.open(run)))


@judge_app.command("audit")
def judge_audit(
    run: Annotated[
        Path | None,
        typer.Argument(help="A run whose answers to use; by default those of the starter set."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="provider/name, instead of the run's judge.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="JSONL of labelled pairs: reference, answer, correct.")
    ] = None,
    sample: Annotated[int, typer.Option(help="At most so many pairs, drawn at random.")] = 400,
    label: Annotated[
        int | None,
        typer.Option(
            min=0, help="Label trials of RUN by hand instead, until so many are; no model is asked."
        ),
    ] = None,
) -> None:
    """Measure how often a judging model errs, or label answers by hand.

    Shown are its agreement with rules and labels, verdicts that change when it is asked again or
    with the sides swapped, and errors on altered answers, prompt injections and the canaries (fixed
    pairs with known verdicts). Exit code 1 if it errs on the canaries.

    With --label, trials drawn at random from what became of their answers are shown one by one,
    without the verdict: say whether each is right. The accuracy that follows, with its interval,
    is printed here and from then on by `solver show` and `report`. Stop at any time: labels are
    kept in the run's folder, and the same command goes on.
    """
    from solver.checks.judge_audit import audit_judge
    from solver.checks.shown import show_judge_audit
    from solver.errors import require_unix
    from solver.store import Store

    require_unix("solver judge audit")
    if label is not None:
        _label(run, label, given=model or pairs)
        return
    store = Store.open(run) if run is not None else None
    found = audit_judge(store, model=model, pairs=pairs, sample=sample)
    show_judge_audit(found)
    raise typer.Exit(1 if found.report.canaries.drifted else 0)


def _label(run: Path | None, number: int, *, given: object) -> None:
    from solver.analysis.arms import stored_rows
    from solver.analysis.labelled import audited_arms
    from solver.checks.labelling import label_run
    from solver.checks.shown import show_labelled
    from solver.errors import ConfigError
    from solver.store import Store
    from solver.store.labels import read_labels

    if run is None or given:
        raise ConfigError("--label needs a RUN, and takes neither --model nor --pairs")
    store = Store.open(run)
    label_run(store, number)
    show_labelled(audited_arms(stored_rows(store), read_labels(store.folder)))


@judge_app.callback()
def _judge_commands() -> None:
    """Measure the judge's model."""


@sandbox_app.command("build")
def sandbox_build(
    base: Annotated[
        str | None,
        typer.Option(help="Base image with Python 3.11 or later; by default $SOLVER_BASE_IMAGE."),
    ] = None,
) -> None:
    """Build the Docker image that programs run in. Needed once, and after an update."""
    from sandbox import build_image

    print(build_image(base))


@sandbox_app.command("check")
def sandbox_check() -> None:
    """Say which sandboxes work here; exit code 2 where `auto` would find none."""
    from solver.checks.doctor import print_findings, sandbox_findings

    raise typer.Exit(print_findings(sandbox_findings()))


@sandbox_app.command("bench")
def sandbox_bench(
    kind: Annotated[str, typer.Option(help=SANDBOXES)] = ("auto"),
) -> None:
    """Time programs in the sandbox, next to a bare Python."""
    from solver.checks.shown import show_timings
    from solver.checks.timing import time_sandbox
    from solver.errors import require_unix

    require_unix("solver sandbox bench")
    show_timings(*time_sandbox(kind))


@sandbox_app.command("gc")
def sandbox_gc() -> None:
    """Remove containers that a killed run left behind."""
    from sandbox import reap

    removed = reap()
    print(f"{len(removed)} containers removed")


@checks.command()
def doctor(
    config: Annotated[
        Path | None, typer.Argument(help="Check for this config; by default for all providers.")
    ] = None,
) -> None:
    """Check what a run needs, and say how to fix it."""
    from solver.checks.doctor import examine, print_findings

    raise typer.Exit(print_findings(examine(config)))


def _setting(text: str) -> tuple[str, str]:
    from solver.errors import ConfigError

    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--policy {text}: should be name=value, e.g. missing_unit=refuse")
    return name.strip(), value.strip()


def _existing(run: Path) -> Path:
    """Return the folder of a run; raise ConfigError if there is none, instead of creating one."""
    from solver.store import Store

    Store.open(run).close()
    return run
