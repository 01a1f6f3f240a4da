"""Show the signs that models remember problems, each number beside its floor."""

from collections import Counter
from collections.abc import Iterator, Sequence

from solver.analysis.completion import Completion
from solver.analysis.contamination import Contamination, Sign, Verdict
from solver.analysis.recited import Recited, Standing
from solver.report.figures import Figure, Stack
from solver.report.parts import Rows, Section, table_or_none, value_and_range
from solver.report.tables import Column, Kind, Table, Value, text_of
from solver.text import model_name, short

_TEXT = Kind.TEXT
_RANGE = "95 % interval"


def remembered(found: Sequence[Contamination | None]) -> Section | None:
    """Show the verdicts and what they rest on; None where no run was probed."""
    probed = [each for each in found if each is not None]
    if not probed:
        return None
    shown = (_verdicts, _completions, _drops, _calculated, _dated)
    return Section(
        "contamination",
        "Memory or reasoning",
        tuple(_words(probed)),
        tuple(_figures(probed)),
        tuple(table for make in shown for table in table_or_none(make(probed))),
        table_or_none(_by_problem(probed)),
    )


def _words(found: Sequence[Contamination]) -> Iterator[str]:
    yield (
        "Exact completion: the model is shown the beginning of a question and its first words match"
        " the rest (arXiv 2507.10532; ROUGE-L 1, where signs and punctuation do not count; “strict”"
        " counts them). The floor is the same on text that it cannot have seen, and only the excess"
        " over it speaks for memory. ROUGE-L differs by style alone, so no verdict rests on it."
    )
    if any(each.drops for each in found):
        yield (
            "Drop: how much more often originals are answered than variants of them with other"
            " numbers, paired by problem (McNemar’s exact test with single repeats)."
        )
    for each in found:
        for model, modes in each.cannot.items():
            for reason in dict.fromkeys(modes.values()):
                left = ", ".join(mode for mode, why in modes.items() if why == reason)
                yield f"{model_name(model)}: {left}: N/A, {short(reason, 200)}."


def _verdicts(found: Sequence[Contamination]) -> Table:
    columns = (
        Column("model", _TEXT),
        Column("set", _TEXT),
        Column("verdict", _TEXT),
        Column("tests"),
    )
    rows: Rows = [
        (
            model_name(each.model),
            short(each.set, 40),
            verdict_words(each),
            len(each.tests),
        )
        for one in found
        for each in one.verdicts
    ]
    note = (
        "A sign has p < 0.05 after Holm over the tests of its model and set. None is never a proof"
        " that a model has not seen a set: in brackets is the least effect that the most sensitive"
        " test would see 4 times in 5."
    )
    return Table("memory", "Verdicts", columns, tuple(rows), note)


def verdict_words(found: Verdict) -> str:
    """Say what the probes of one model and set amount to."""
    if found.missing:
        return f"cannot be asked here: {found.missing}"
    if found.signs:
        return f"signs of memory: {'; '.join(map(_sign, found.signs))}"
    seen = [test.detectable for test in found.tests if test.detectable is not None]
    least = f"would see ≥ {100 * min(seen):.0f} points" if seen else "too few to see any"
    return f"no sign at this n ({least})"


def _sign(sign: Sign) -> str:
    return f"{sign.what} {text_of(sign.size, Kind.POINTS)} points"


def _completions(found: Sequence[Contamination]) -> Table:
    columns = (
        Column("model", _TEXT),
        Column("set", _TEXT),
        Column("shown", _TEXT),
        Column("problems"),
        Column("ROUGE-L", Kind.NUMBER),
        Column("exact", Kind.SHARE),
        Column(_RANGE, Kind.INTERVAL, minor=True),
        Column("strict", Kind.SHARE, minor=True),
        Column("answer right", Kind.SHARE),
        Column("floor", _TEXT),
        Column("its problems", minor=True),
        Column("its ROUGE-L", Kind.NUMBER, minor=True),
        Column("its exact", Kind.SHARE),
        Column("excess, points", Kind.POINTS),
        Column("exact interval", Kind.POINTS_INTERVAL),
    )
    rows: Rows = [
        row for one in found for each in one.completions for row in _completion_rows(each)
    ]
    note = (
        "One line for each floor. Problems without words after the cut are left out. The interval"
        " of an excess is exact, for independent floors (Chan and Zhang 1999); a floor on variants"
        " of the same problems is scored against the rest of the original."
    )
    return Table("completions", "Completion of questions", columns, tuple(rows), note)


def _completion_rows(each: Completion) -> Iterator[tuple[Value, ...]]:
    start: tuple[Value, ...] = (
        model_name(each.model),
        short(each.set, 40),
        f"{100 * each.shown:.0f} % {'raw' if each.raw else 'in a chat'}",
        each.problems,
        each.rouge.value,
        *value_and_range(each.exact),
        each.strict.value,
        each.accuracy.value if each.accuracy else None,
    )
    if not each.floors:
        yield (*start, "none", *(None,) * 5)
    for floor in each.floors:
        over = floor.excess
        yield (
            *start,
            short(floor.name, 40),
            floor.problems,
            floor.rouge,
            floor.hits / floor.problems,
            floor.difference,
            (over.low, over.high) if over else None,
        )


def _drops(found: Sequence[Contamination]) -> Table:
    columns = (
        Column("model", _TEXT),
        Column("set", _TEXT),
        Column("mode", _TEXT),
        Column("problems"),
        Column("originals", Kind.SHARE),
        Column("variants", Kind.SHARE),
        Column("drop, points", Kind.POINTS),
        Column(_RANGE, Kind.POINTS_INTERVAL),
        Column("p", Kind.CHANCE),
        Column("detectable, points", Kind.POINTS, minor=True),
    )
    rows: Rows = [
        (
            *(model_name(each.model), short(each.set, 40), short(each.mode, 24)),
            each.originals.n_problems,
            each.originals.value,
            each.variants.value,
            each.difference.value,
            (each.difference.low, each.difference.high),
            each.difference.p_value,
            each.difference.detectable,
        )
        for one in found
        for each in one.drops
    ]
    return Table("drops", "From originals to variants", columns, tuple(rows))


def _calculated(found: Sequence[Contamination]) -> Table:
    columns = (
        Column("model", _TEXT),
        Column("mode", _TEXT),
        Column("steps", _TEXT),
        Column("problems"),
        Column("right", Kind.SHARE),
        Column(_RANGE, Kind.INTERVAL),
        Column("closeness", Kind.NUMBER),
        Column("not a number"),
    )
    rows: Rows = [
        (
            *(
                model_name(each.model),
                short(each.mode, 24),
                short(each.steps, 10),
                each.problems,
            ),
            *value_and_range(each.accuracy),
            *(each.closeness, each.unread),
        )
        for one in found
        for each in one.calculated
    ]
    note = (
        "Expressions of so many operations, which no model has seen. Right: within a relative error"
        " of 0.001. Closeness: Eq. 2 of arXiv 2507.10532, 1 for the right value; an answer that is"
        " no number has 0."
    )
    return Table("calculation", "Generated arithmetic", columns, tuple(rows), note)


def _dated(found: Sequence[Contamination]) -> Table:
    columns = (
        Column("model", _TEXT),
        Column("mode", _TEXT),
        Column("published", _TEXT),
        Column("problems"),
        Column("accuracy", Kind.SHARE),
        Column(_RANGE, Kind.INTERVAL),
        Column("before minus after, points", Kind.POINTS),
        Column("exact interval", Kind.POINTS_INTERVAL),
    )
    rows: Rows = [
        (
            *(model_name(each.model), short(each.mode, 24), short(each.when, 20)),
            each.accuracy.n_problems,
            *value_and_range(each.accuracy),
            *((each.drop.value, (each.drop.low, each.drop.high)) if each.drop else (None, None)),
        )
        for one in found
        for each in one.dated
    ]
    note = "Sets differ in difficulty, too, so a fall after a date is a hint and no sign."
    return Table("dates", "By date of publication", columns, tuple(rows), note)


def _by_problem(found: Sequence[Contamination]) -> Table:
    columns = (
        Column("problem", _TEXT),
        Column("model", _TEXT),
        Column("mode", _TEXT),
        Column("standing", _TEXT),
        Column("right of repeats", _TEXT),
        Column("right on variants", _TEXT),
        Column("ROUGE-L", Kind.NUMBER),
        Column("completed", _TEXT),
        Column("known at once", _TEXT),
    )
    rows: Rows = [
        (
            *(short(each.problem_id, 60), model_name(each.model), short(each.mode, 24)),
            str(each.standing),
            f"{each.right} of {each.repeats}",
            f"{each.variants_right} of {each.variants}" if each.variants else None,
            each.rouge,
            _said(each.completed),
            _said(each.at_once),
        )
        for one in found
        for each in one.recited
    ]
    note = (
        "Mastered: right in every repeat and on every variant. Solved: right in every repeat, but"
        " not shown on variants. Recited: right, completed word for word or known at once, and"
        " wrong on every variant. Unstable: right in some repeats. All repeats right is G-Pass at"
        " τ = 1."
    )
    return Table("memory-by-problem", "Problem by problem", columns, tuple(rows), note)


def _figures(found: Sequence[Contamination]) -> Iterator[Figure]:
    counts: dict[str, Counter[Standing]] = {}
    for each in (line for one in found for line in one.recited):
        counts.setdefault(_arm(each), Counter())[each.standing] += 1
    parts = [s for s in Standing if any(count[s] for count in counts.values())]
    if counts:
        bars = tuple((name, tuple(count[s] for s in parts)) for name, count in counts.items())
        title = "Which solved problems are recited, and which are mastered"
        yield Stack("standing", title, tuple(map(str, parts)), bars)


def _arm(each: Recited) -> str:
    return f"{model_name(each.model)} · {short(each.set, 40)} · {short(each.mode, 24)}"


def _said(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"
