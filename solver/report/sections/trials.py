"""Put whole trials on the page: those in which arms disagree, and an example of each failure."""

from collections.abc import Iterator, Sequence

from solver.analysis.compare import Comparison
from solver.analysis.failures import ArmFailures
from solver.report.parts import Section
from solver.report.runs import Named, names_by_arm
from solver.report.trial import whole_trial
from solver.text import plain, plain_name, short

MOST_TRIALS = 60
LONGEST = 30_000
"""The most characters of one trial; the viewer and the export have all of it."""
_Place = tuple[str, str]
"""A run's name and a trial's key."""


def whole_trials(
    arms: Sequence[Named],
    comparisons: Sequence[Comparison],
    failures: Sequence[tuple[str, ArmFailures]],
) -> Section | None:
    """Show whole trials: first an example of each kind of failure, then problems in dispute."""
    names, runs = names_by_arm(arms), {arm.run.name: arm.run for arm in arms}
    run_of = {arm.name: arm.run.name for arm in arms}
    examples = [(run_of[name], key) for name, key in _examples(failures)]
    places = list(dict.fromkeys((*examples, *_disputed(comparisons))))
    rows = {(name, row.key): row for name, run in runs.items() for row in run.rows}
    texts = []
    for place in places[:MOST_TRIALS]:
        row = rows[place]
        title = f"{short(row.problem_id, 60)} · {names[place[0], row.model, row.mode]}"
        text = plain(whole_trial(runs[place[0]].store, place[1])[:LONGEST])
        texts.append((f"{title} · repeat {row.repeat}: {plain_name(row.outcome)}", text))
    if not texts:
        return None
    words = f"The first {MOST_TRIALS} of {len(places):,}." if len(places) > MOST_TRIALS else ""
    return Section("trials", "Whole trials", (words,) * bool(words), texts=tuple(texts))


def _examples(failures: Sequence[tuple[str, ArmFailures]]) -> Iterator[_Place]:
    """Yield an arm's name and the key of an example, for each kind of wrong answer and crash."""
    for name, arm in failures:
        yield from ((name, kind.examples[0].place.key) for kind in arm.wrong)
        yield from ((name, crash.example.key) for crash in arm.crashes)


def _disputed(comparisons: Sequence[Comparison]) -> Iterator[_Place]:
    """Yield the two trials of each problem that one arm solved more often than the other."""
    for each in comparisons:
        for flip in each.flips:
            yield each.a.run, flip.a_key
            yield each.b.run, flip.b_key
