"""Set a run's accuracy against published scores: the difference, and what could explain it.

Each setting that differs, or may, is listed with what it is worth where the run can tell. What the
run cannot tell is said to be unknown; nothing is estimated from other models.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import sqrt
from typing import Any

from solver.analysis.accuracy import correct_by_problem
from solver.analysis.arms import typed_config
from solver.analysis.comparable import Run
from solver.analysis.failures import ArmFailures
from solver.analysis.published import Score, is_base, scores_of, set_word
from solver.analysis.wordings import Sensitivity, sensitivities
from solver.config import Config
from solver.errors import ConfigError
from solver.modes import identity, mode_of, stored_mode
from solver.problems.known import known
from solver.stats.metrics import Estimate, accuracy
from solver.store import Row


@dataclass(frozen=True)
class Setting:
    """A setting in which this run differs from a publication, or may."""

    name: str
    ours: str
    theirs: str
    worth: str
    """What it is worth, in words."""
    points: float | None = None
    """What accuracy would be without it, minus what it is; None where the run cannot tell."""


@dataclass(frozen=True)
class Against:
    """One arm on one problem set against one published score."""

    model: str
    mode: str
    set: str
    problems: int
    of_set: int | None
    """How many the whole set has, where that is known."""
    ours: Estimate
    score: Score
    settings: tuple[Setting, ...]
    at_most: float
    """Accuracy if every trial that was cut, overlooked or left without a verdict were right."""

    @property
    def difference(self) -> float:
        """Return our accuracy minus theirs."""
        return self.ours.value - self.score.score

    @property
    def inside(self) -> bool:
        """Tell whether the published score lies in our 95 % interval."""
        return self.ours.low <= self.score.score <= self.ours.high

    @property
    def their_noise(self) -> float | None:
        """Return half the 95 % interval of a score from one reply to each problem of the set."""
        if not self.of_set or not self.score.of_one_reply:
            return None
        return 1.96 * sqrt(self.score.score * (1 - self.score.score) / self.of_set)


@dataclass(frozen=True)
class Read(Run):
    """A stored run with a record of each trial."""

    rows: Sequence[Row] = ()


def with_rows(run: Run, rows: Sequence[Row]) -> Read:
    """Return a run with a record of each of its trials."""
    return Read(**vars(run), rows=rows)


def against_all(
    run: Read,
    failures: Sequence[ArmFailures],
    scores: Sequence[Score],
    published_as: str | None = None,
) -> list[Against]:
    """Set each arm of a run, on each of its sets, against the published scores of its model.

    `published_as` is the name under which the model was published, if the run's name is another.
    Raises ConfigError where none of these scores is of a model and set of the run.
    """
    failed = {(arm.model, arm.mode): arm for arm in failures}
    worded = {(each.model, each.mode): each for each in sensitivities(run.trials)}
    parts: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in run.rows:
        parts[row.model, row.mode, _set_of(run, row)].append(row)
    found = [
        against(
            run,
            rows,
            score,
            set_name=part,
            of_set=_size(part),
            failures=failed.get((model, mode)),
            wordings=worded.get((model, mode.partition("@")[0])),
        )
        for (model, mode, part), rows in parts.items()
        for score in scores_of(scores, published_as or model, part)
    ]
    kept = [each for each in found if each is not None]
    if not kept:
        raise ConfigError(f"{run.name}: {_nothing(parts, scores, published_as)}")
    return kept


def _set_of(run: Read, row: Row) -> str:
    """Return the set of a trial's problem; runs of earlier versions name it in the manifest."""
    return run.problems[row.problem_id].set or run.manifest.get("problems", {}).get("name", "")


def _size(part: str) -> int | None:
    return found.problems if (found := known(part)) else None


def _nothing(
    parts: Iterable[tuple[str, str, str]], scores: Sequence[Score], published_as: str | None
) -> str:
    """Say that no score is known, and what is."""
    models = {published_as} if published_as else {model for model, _, _ in parts}
    sets = sorted({part for _, _, part in parts})
    there = sorted({s.model for s in scores if set_word(s.set) in map(set_word, sets)})
    if not there:
        return f"no published score on {', '.join(sets)} is known; add some: --scores FILE.csv"
    close = get_close_matches(next(iter(models)).rpartition("/")[2], there, n=3, cutoff=0.3)
    hint = f" ({', '.join(close)}, …)" if close else ""
    return (
        f"no published score of {', '.join(sorted(models))} on {', '.join(sets)} is known;"
        f" --model names one of the {len(there)} models that have one{hint}, or add it:"
        " --scores FILE.csv"
    )


def against(
    run: Read,
    rows: Sequence[Row],
    score: Score,
    *,
    set_name: str,
    of_set: int | None,
    failures: ArmFailures | None = None,
    wordings: Sensitivity | None = None,
) -> Against | None:
    """Set the rows of one arm on one set against a score; None where none of them is scored.

    `failures` are the arm's, `wordings` those of its mode, where they ran.
    """
    scored = [row for row in rows if row.outcome.scored]
    if not scored:
        return None
    ours = accuracy(correct_by_problem(scored))
    config = typed_config(run.manifest.get("config", {}))
    looks_right = _overlooked(rows, failures)
    worth = [*_measured(rows, ours.value, looks_right, score, _judge(run.manifest))]
    settings = [*_stated(run, rows[0], score, config, wordings), *worth]
    doubtful = {row.key for row in rows if _cut(row) or not row.outcome.scored} | looks_right
    best = accuracy(correct_by_problem(rows, lambda row: row.correct or row.key in doubtful))
    return Against(
        model=rows[0].model,
        mode=rows[0].mode,
        set=set_name,
        problems=len({row.problem_id for row in rows}),
        of_set=of_set,
        ours=ours,
        score=score,
        settings=tuple(settings),
        at_most=best.value,
    )


def _cut(row: Row) -> bool:
    """Tell whether a trial did not end right and a reply or prompt of it was cut."""
    return not row.correct and bool(row.capped or row.prompt_cut)


def _overlooked(rows: Sequence[Row], failures: ArmFailures | None) -> set[str]:
    """Return the keys of trials that hold an answer that looks right and was not extracted."""
    keys = {row.key for row in rows}
    found = failures.overlooked.examples if failures else ()
    return {example.place.key for example in found} & keys


def _measured(
    rows: Sequence[Row], now: float, looks_right: set[str], score: Score, judge: str
) -> Iterator[Setting]:
    """Yield what the run itself can tell: cuts, extraction, verdicts, errors."""

    def gain(keys: set[str]) -> float:
        scored = [row for row in rows if row.outcome.scored or row.key in keys]
        right = correct_by_problem(scored, lambda row: row.correct or row.key in keys)
        return accuracy(right).value - now

    replies, capped = sum(row.turns for row in rows), sum(row.capped for row in rows)
    cut = {row.key for row in rows if _cut(row)}
    yield Setting(
        "cap hits",
        f"{capped} of {replies} replies reached the cap",
        "",
        f"{_points(gain(cut))} at most, if all trials that were cut ({len(cut)}) were right"
        if cut
        else "nothing: no trial ended wrong and cut",
        gain(cut),
    )
    yield Setting(
        "extraction",
        f"{len(looks_right)} trials hold an answer that looks right and was not taken",
        "",
        f"{_points(gain(looks_right))} if they were right" if looks_right else "nothing",
        gain(looks_right),
    )
    undecided = {r.key for r in rows if not r.outcome.scored and r.verdict is not None}
    by_model = sum(row.verdict is not None and row.verdict.by == "model" for row in rows)
    rules = accuracy(correct_by_problem(rows, _right_by_rules)).value
    final = accuracy(correct_by_problem(rows)).value
    yield Setting(
        "judge",
        f"{judge}: {by_model} verdicts by a model, {len(undecided)} answers without a verdict",
        score.judge,
        (f"the model {_points(final - rules)} over the rules alone; " if by_model else "")
        + (f"{_points(gain(undecided))} if all those were right" if undecided else "nothing more"),
        gain(undecided),
    )
    if errors := sum(row.error is not None for row in rows):
        yield Setting("errors of ours", f"{errors} trials", "", "not scored; run them again")


def _right_by_rules(row: Row) -> bool:
    return row.failure is None and row.verdict is not None and row.verdict.rules == "equal"


def _stated(
    run: Read, row: Row, score: Score, config: Config | None, wordings: Sensitivity | None
) -> Iterator[Setting]:
    """Yield the settings that the config and the publication state."""
    unknown = "unknown"
    mode = stored_mode(row.mode)
    if is_base(score.model) != is_base(row.model):
        words = {True: "a base model", False: "no base model by its name"}
        yield Setting(
            "kind of model", words[is_base(row.model)], words[is_base(score.model)], unknown
        )
    if mode.runs_code:
        yield Setting(
            "mode", f"{row.mode}: runs programs", "not said to run programs", _mode(run, row)
        )
    spread = (
        f"{len(wordings.wordings)} wordings lie {100 * wordings.spread.width:.1f} points apart"
        if wordings
        else "unknown; `wordings: 5` measures it"
    )
    prompt, shots = _prompt(row.mode, config)
    yield Setting("prompt", prompt, score.prompt, spread)
    yield Setting("shots", shots, score.shots, unknown if shots != score.shots else "the same")
    model = (
        next((each for each in config.model if each.name == row.model), None) if config else None
    )
    if model is not None:
        own = model.template == "default"
        template = "the model's own" if own else model.template
        yield Setting("chat template", template, "", unknown)
    if model is not None and config is not None:
        sampling = config.sampling_of(model)
        top = f", top-p {sampling.top_p:g}" if sampling.top_p is not None else ""
        yield Setting(
            "sampling",
            f"temperature {sampling.temperature:g}{top}, up to {sampling.max_tokens:,} tokens",
            score.sampling,
            unknown,
        )
        if model.thinking != "default":
            yield Setting("thinking", str(model.thinking), "", unknown)
    yield from _served(run.manifest.get("models", {}).get(row.model, {}))


def _mode(run: Read, row: Row) -> str:
    """Say what the mode is worth against words, where the run has both."""
    words = [r for r in run.rows if r.model == row.model and r.mode == "cot" and r.outcome.scored]
    mine = [r for r in run.rows if (r.model, r.mode) == (row.model, row.mode) and r.outcome.scored]
    ours, theirs = correct_by_problem(mine), correct_by_problem(words)
    shared = ours.keys() & theirs.keys()
    if not shared:
        return "unknown; `mode: code,cot` measures it"
    apart = accuracy([theirs[p] for p in shared]).value - accuracy([ours[p] for p in shared]).value
    return f"mode cot of this run: {_points(apart)}"


def _prompt(arm: str, config: Config | None) -> tuple[str, str]:
    """Return the name of an arm's prompt, and the number of its worked examples."""
    if config is None:
        return "unknown", "unknown"
    mode = mode_of(arm)
    under = config.under(arm)
    prompt = under.prompt_of(arm.partition("@")[0], *mode.obeys)
    own = mode.settings(under).get("examples", 0)
    if prompt is None:
        return f"ours ({identity(mode, config)[:8]})", str(own)
    return f"{prompt.name} ({identity(mode, config)[:8]})", str(len(prompt.shots) or own)


def _judge(manifest: Mapping[str, Any]) -> str:
    judge = manifest.get("judge", {})
    return f"{judge.get('preset', 'unknown')}, {judge.get('model') or 'rules alone'}"


def _served(facts: Mapping[str, Any]) -> Iterator[Setting]:
    """Yield what the server says of the model that can change its replies."""
    if quantisation := facts.get("quantisation"):
        worth = "unknown; `solver compare` with a run in another quantisation measures it"
        yield Setting("quantisation", str(quantisation), "", worth)
    context = facts.get("num_ctx") or facts.get("context")
    if context:
        yield Setting("context", f"{context:,} tokens", "", "see cap hits")


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"
