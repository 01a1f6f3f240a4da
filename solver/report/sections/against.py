"""Show published scores beside the run's, and what could explain the difference."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from solver.analysis.against import Against
from solver.report.parts import Rows, Section
from solver.report.tables import Column, Kind, Table, text_of
from solver.text import short

_UNSAID = "not said"

_Found = Sequence[tuple[str, Against]]


def against_published(found: _Found) -> Iterator[Section]:
    """Show all differences in one table, then the settings of each arm on each set."""
    sources = _sources(found)
    yield Section(
        "against",
        "Against published scores",
        tables=(_table(found, sources),),
        facts=tuple((f"[{number}]", source) for source, number in sources.items()),
    )
    compared = [(name, each) for name, each in found if each.score.of_one_reply]
    groups = groupby(compared, key=lambda pair: (pair[0], pair[1].set))
    for number, ((name, set_name), pairs) in enumerate(groups, start=1):
        yield _settings(name, set_name, [each for _, each in pairs], sources, number)


def _sources(found: _Found) -> dict[str, int]:
    """Give each source, with its date, a number."""
    names = dict.fromkeys(_source(each) for _, each in found)
    return {name: number for number, name in enumerate(names, start=1)}


def _source(each: Against) -> str:
    dated = f", {each.score.date}" if each.score.date else ""
    return short(f"{each.score.source or 'no source given'}{dated}", 160)


def _table(found: _Found, sources: Mapping[str, int]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("set", Kind.TEXT),
        Column("problems"),
        Column("accuracy", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("published", Kind.SHARE),
        Column("source", Kind.TEXT),
        Column("metric", Kind.TEXT, minor=True),
        Column("difference", Kind.POINTS),
        Column("inside", Kind.TEXT),
        Column("its interval", Kind.POINTS_INTERVAL, minor=True),
        Column("published as", Kind.TEXT, minor=True),
    )
    rows: Rows = []
    for name, each in found:
        apart = (each.ours.low - each.score.score, each.ours.high - each.score.score)
        inside = "yes" if each.inside else "no"
        single = each.score.of_one_reply
        rows.append(
            (
                *(name, each.set, each.problems, each.ours.value, (each.ours.low, each.ours.high)),
                *(each.score.score, f"[{sources[_source(each)]}]", short(each.score.metric, 40)),
                *((each.difference, inside, apart) if single else (None, None, None)),
                short(each.score.model, 60),
            )
        )
    note = (
        "The intervals are of our accuracy alone. “Inside”: the published score lies in it. A vote"
        " or a best of k is listed, and not compared with an accuracy of single replies."
    )
    return Table("against", "", columns, tuple(rows), note)


def _settings(
    name: str, set_name: str, found: Sequence[Against], sources: Mapping[str, int], number: int
) -> Section:
    """Show the settings of one arm on one set beside those of all sources."""
    columns = (
        Column("setting", Kind.TEXT),
        Column("this run", Kind.TEXT),
        Column("published", Kind.TEXT),
        Column("worth", Kind.TEXT),
    )
    theirs: dict[str, dict[str, list[int]]] = {}
    first = {setting.name: setting for each in reversed(found) for setting in each.settings}
    for each in found:
        for setting in each.settings:
            if setting.theirs:
                places = theirs.setdefault(setting.name, {}).setdefault(setting.theirs, [])
                places.append(sources[_source(each)])
    rows: Rows = [
        (
            *(setting.name, short(setting.ours, 160)),
            " · ".join(
                f"[{', '.join(map(str, sorted(set(places))))}] {short(text, 120)}"
                for text, places in theirs.get(setting.name, {}).items()
            )
            or _UNSAID,
            short(setting.worth, 160),
        )
        for setting in first.values()
    ]
    table = Table(f"against-{number}", "Settings", columns, tuple(rows))
    words = tuple(dict.fromkeys(line for each in found for line in _words(each)))
    return Section("settings", f"{name} on {set_name}", words, tables=(table,))


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
    if each.score.score <= each.ours.high:
        return
    gap = 100 * (each.score.score - each.at_most)
    if each.at_most <= each.ours.value:
        yield "No trial was cut, overlooked or left without a verdict: none of that explains it."
    else:
        yield (
            "If every trial that was cut, overlooked or left without a verdict were right, the run"
            f" would have {text_of(each.at_most, Kind.SHARE)}: "
            + (
                f"{gap:.1f} points below the published score still, so these do not explain it."
                if gap > 0
                else "these could explain the difference."
            )
        )
