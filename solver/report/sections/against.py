"""Show published scores beside the run's, and what could explain the difference."""

from collections.abc import Iterator, Sequence

from solver.analysis.against import Against
from solver.report.parts import Rows, Section
from solver.report.tables import Column, Kind, Table, short, text_of

_UNSAID = "not said"


def against_published(found: Sequence[tuple[str, Against]]) -> Iterator[Section]:
    """Show all differences in one table, then the settings behind each of them."""
    columns = (
        Column("arm", Kind.TEXT),
        Column("set", Kind.TEXT),
        Column("problems"),
        Column("accuracy", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("published", Kind.SHARE),
        Column("metric", Kind.TEXT, minor=True),
        Column("difference", Kind.POINTS),
        Column("its interval", Kind.POINTS_INTERVAL),
        Column("inside", Kind.TEXT),
        Column("published as", Kind.TEXT, minor=True),
        Column("source", Kind.TEXT, minor=True),
        Column("date", Kind.TEXT, minor=True),
    )
    rows: Rows = [
        (
            *(name, each.set, each.problems, each.ours.value, (each.ours.low, each.ours.high)),
            *(each.score.score, short(each.score.metric, 40)),
            *(
                (
                    each.difference,
                    (each.ours.low - each.score.score, each.ours.high - each.score.score),
                    "yes" if each.inside else "no",
                )
                if each.score.of_one_reply
                else (None, None, None)
            ),
            *(short(each.score.model, 60), short(each.score.source, 120), each.score.date or None),
        )
        for name, each in found
    ]
    note = (
        "The interval is ours alone. “Inside”: the published score lies in it. A vote or a best of"
        " k is listed, and not compared with an accuracy of single replies."
    )
    title = "Published scores beside this run's"
    table = Table("against", title, columns, tuple(rows), note)
    yield Section("against", "Against published scores", tables=(table,))
    for number, (name, each) in enumerate(found, start=1):
        if each.score.of_one_reply:
            yield _settings(name, each, number)


def _settings(name: str, each: Against, number: int) -> Section:
    columns = (
        Column("setting", Kind.TEXT),
        Column("this run", Kind.TEXT),
        Column("published", Kind.TEXT),
        Column("worth", Kind.TEXT),
    )
    rows: Rows = [
        (
            *(setting.name, short(setting.ours, 80), short(setting.theirs, 160) or _UNSAID),
            short(setting.worth, 160),
        )
        for setting in each.settings
    ]
    table = Table(f"against-{number}", "Settings", columns, tuple(rows))
    title = f"{name} on {each.set}: {short(each.score.source, 80) or 'no source given'}"
    return Section("settings", title, tuple(_words(each)), tables=(table,))


def _words(each: Against) -> Iterator[str]:
    ours, theirs = (text_of(v, Kind.SHARE) for v in (each.ours.value, each.score.score))
    low, high = (text_of(v, Kind.SHARE) for v in (each.ours.low, each.ours.high))
    place = "inside" if each.inside else "outside"
    yield f"{ours} here, {theirs} published, which lies {place} our interval ({low} to {high})."
    if each.of_set and each.problems < each.of_set:
        yield (
            f"Only {each.problems:,} of {each.of_set:,} problems were run; the interval allows for"
            " that."
        )
    if each.their_noise is not None:
        yield (
            f"A score from one reply to each of {each.of_set:,} problems has an interval of"
            f" ±{100 * each.their_noise:.1f} points of its own, which is not in the table."
        )
    best = text_of(each.at_most, Kind.SHARE)
    if each.score.score > each.ours.high:
        gap = 100 * (each.score.score - each.at_most)
        yield (
            f"If every trial that was cut, overlooked or left without a verdict were right, the run"
            f" would have {best}: "
            + (
                f"{gap:.1f} points below the published score still, so these do not explain it."
                if gap > 0
                else "these could explain the difference."
            )
        )
