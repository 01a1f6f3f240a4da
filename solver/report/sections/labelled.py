"""Show accuracy corrected by a person's labels, and how often the judge was wrong by them."""

from collections.abc import Iterator, Sequence

from solver.analysis.comparable import counted
from solver.analysis.labelled import Audited, Stratum
from solver.report.parts import Rows, Section, share, value_and_range
from solver.report.runs import Named
from solver.report.tables import Column, Kind, Table, text_of


def labelled(found: Sequence[tuple[str, Audited]]) -> Section | None:
    """Show the corrected accuracy of every arm, and what was labelled in each stratum."""
    if not any(each.labelled or each.untold for _, each in found):
        return None
    words = [
        "A person has labelled trials drawn at random from what became of the answers, without"
        " seeing the verdict. The accuracy by labels counts every trial that ended without an error"
        " of ours, undecided ones too, by the share of its kind that was labelled right.",
        *(
            f"{name}: not known yet, because no trial is labelled that is"
            f" {' or '.join(each.missing)}."
            for name, each in found
            if each.missing
        ),
    ]
    tables = (_accuracies(found), _strata(found))
    return Section("labelled", "By a person's labels", tuple(words), tables=tables)


def audited_in(named: Named) -> Iterator[Audited]:
    """Yield what labels say of an arm: one record, or none where nothing is labelled."""
    for each in named.run.audited:
        if (each.model, each.mode) == (named.arm.model, named.arm.mode):
            yield each


def by_labels(each: Audited) -> str:
    """Write the corrected accuracy with its interval and the number of labels on one line."""
    if each.accuracy is None:
        return f"accuracy not known yet: no label of {', '.join(each.missing)}"
    value, span = value_and_range(each.accuracy)
    return (
        f"accuracy {text_of(value, Kind.SHARE)} ({text_of(span, Kind.INTERVAL)}) over all"
        f" {each.accuracy.n_trials:,} trials, by {counted(each.labelled, 'label')}"
    )


def _accuracies(found: Sequence[tuple[str, Audited]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("by labels", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("problems"),
        Column("trials"),
        Column("labels"),
        Column("cannot tell"),
    )
    rows: Rows = [
        (
            *(name, *value_and_range(each.accuracy)),
            each.accuracy.n_problems if each.accuracy else None,
            each.accuracy.n_trials if each.accuracy else None,
            *(each.labelled, each.untold),
        )
        for name, each in found
    ]
    note = "A label by which the person cannot tell counts as not drawn."
    return Table("labelled", "Accuracy by labels", columns, tuple(rows), note)


def _strata(found: Sequence[tuple[str, Audited]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("trials that are", Kind.TEXT),
        Column("trials"),
        Column("labelled"),
        Column("right"),
        Column("%", Kind.SHARE),
    )
    rows: Rows = [
        (
            *(name, one.stratum.value, one.trials, one.labelled, one.right),
            share(one.right, one.labelled),
        )
        for name, each in found
        for one in each.strata
        if one.stratum is not Stratum.FAILED
    ]
    return Table("labels", "What was labelled", columns, tuple(rows))
