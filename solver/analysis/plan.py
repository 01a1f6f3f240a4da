"""Estimate, before a run starts, what it will cost and how small a difference it can detect.

Not estimated: what the judge's model will cost, and the run's time if no earlier run is given.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from solver.analysis.comparable import Run
from solver.analysis.compare import Comparison, compare_runs
from solver.analysis.cost import Price, Prices, Usage, usage
from solver.analysis.repeats import usual_ks
from solver.config import Config, ModelOptions
from solver.errors import ConfigError
from solver.modes import Mode
from solver.records import Problem
from solver.stats.metrics import clopper_pearson
from solver.stats.noise import Noise, detectable, smallest_detectable
from solver.stats.power import detectable_g_pass, problems_needed

CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English and LaTeX, which is right within a third."""
REPORT_TOKENS = 1_100
"""The most tokens that an error message adds to a retry; tracebacks are shortened to fit."""
DISCORDANCES = (0.5, 0.25, 0.1)
"""Assumed shares of problems that exactly one of two arms solves: for unrelated, similar and nearly
identical arms."""
REPEATS = (1, 4, 16, 48)
"""The numbers of repeats for which the needed problems are counted."""
MOST_K, TAUS = 16, ("0.5", "1")
"""The k and thresholds of G-Pass@k whose detectable difference is simulated."""


@dataclass(frozen=True)
class Range:
    """Bounds of a count; `likely` is estimated from an earlier run, and None without one."""

    least: float
    likely: float | None
    most: float


@dataclass(frozen=True)
class ArmPlan:
    """What one model in one mode is expected to use."""

    model: str
    mode: str
    trials: int
    calls: Range
    """Requests without those that fail. A reply takes several where a controller makes it."""
    input_tokens: Range
    output_tokens: Range
    thought_tokens: float | None
    """Of those, what thoughts will take, as estimated from the earlier run; None without one."""
    money: Range | None
    """In `currency`; None where the price is not known."""
    currency: str
    model_seconds: float | None
    """Seconds of waiting for replies, added up, as estimated from the earlier run."""


@dataclass(frozen=True)
class Detectable:
    """The smallest difference between two arms that a run would detect."""

    discordance: float
    """The share of problems that exactly one of the two arms solves."""
    difference: float | None
    """Smallest true difference found 4 times in 5; None where the problems are too few."""
    free: float | None = None
    """The same if repeats of a problem differ as freely as other problems; None where one number
    says it all."""
    observed: bool = False
    """The discordance is the earlier run's, and where that has repeats, so is their noise."""


@dataclass(frozen=True)
class Stability:
    """The smallest difference in G-Pass@k that would be detected, by simulation."""

    k: int
    tau: str
    difference: float | None
    """None where no difference would show."""


@dataclass(frozen=True)
class Needed:
    """How many problems it takes to see a difference."""

    repeats: int
    problems: int | None
    """None for more than a million."""


@dataclass(frozen=True)
class Plan:
    """A run that has not been started."""

    problems: int
    repeats: int
    arms: tuple[ArmPlan, ...]
    pilot: str | None
    """The earlier run's name."""
    seconds: float | None
    """Wall time at the earlier run's pace; None without one, or where it was killed."""
    widest: float
    """Half the width of the 95 % interval at an accuracy of 50 %, if repeats always agree."""
    narrowest: float
    """The same if repeats were independent, like more problems."""
    detectable: tuple[Detectable, ...]
    stability: tuple[Stability, ...]
    """Empty without repeats in this run and in the earlier one."""
    points: float
    """A difference, from 0 to 1, and what it takes to see it, by repeats; `needed` is empty without
    repeats in the earlier run."""
    needed: tuple[Needed, ...]


def plan_run(
    config: Config,
    problems: Sequence[Problem],
    prices: Prices,
    *,
    pilot: Run | None = None,
    pilot_sessions: Sequence[Mapping[str, Any]] = (),
    points: float = 0.05,
) -> Plan:
    """Compute what a run of this config may use, and estimate it from an earlier run if given.

    An arm is estimated from the earlier run's trials of the same model and mode, or else from those
    of the same mode. `points` is the difference in accuracy for which the needed problems are
    counted.
    """
    arms = [
        _arm(config, model, mode, problems, prices, pilot)
        for model in config.model
        for mode in config.running
    ]
    n, first = len(problems), _first_pair(pilot)
    return Plan(
        problems=n,
        repeats=config.repeats,
        arms=tuple(arms),
        pilot=pilot.name if pilot else None,
        seconds=_wall_time(arms, pilot, pilot_sessions) if pilot else None,
        widest=_half_width(n),
        narrowest=_half_width(n * config.repeats),
        detectable=tuple(_detectable(n, config.repeats, first)),
        stability=tuple(_stability(n, config.repeats, first)),
        points=points,
        needed=tuple(_needed(points, first)),
    )


def _arm(
    config: Config,
    model: ModelOptions,
    mode: Mode,
    problems: Sequence[Problem],
    prices: Prices,
    pilot: Run | None,
) -> ArmPlan:
    cap = config.sampling_of(model).max_tokens
    trials = len(problems) * config.repeats
    replies, requests = mode.most_turns(config), mode.most_requests(config, cap)
    first = config.repeats * sum(_prompt_tokens(config, mode, problem) for problem in problems)
    kept = mode.most_kept(config) * (cap + REPORT_TOKENS)
    prompts = first + (replies - 1) * (first + trials * kept)
    partial = trials * replies * (requests - 1) * cap
    one = _mean_trial(model.name, mode.name, pilot)
    sent = _within(first, trials * one.input_tokens if one else None, requests * prompts + partial)
    received = _within(0, trials * one.output_tokens if one else None, trials * replies * cap)
    price = prices.get(model.name)
    return ArmPlan(
        model=model.name,
        mode=mode.name,
        trials=trials,
        calls=_within(trials, trials * one.requests if one else None, trials * replies * requests),
        input_tokens=sent,
        output_tokens=received,
        thought_tokens=trials * one.thought_tokens if one else None,
        money=_money(price, sent, received) if price else None,
        currency=price.currency if price else "",
        model_seconds=trials * one.model_seconds if one else None,
    )


def _within(least: float, likely: float | None, most: float) -> Range:
    """Return a range that holds what is likely, since its ends are estimated from characters."""
    if likely is None:
        return Range(least, None, most)
    return Range(min(least, likely), likely, max(most, likely))


def _prompt_tokens(config: Config, mode: Mode, problem: Problem) -> float:
    chat = mode.opening(problem, config)
    return sum(len(message.text) for message in chat) / CHARACTERS_PER_TOKEN


def _mean_trial(model: str, mode: str, pilot: Run | None) -> Usage | None:
    """Return what a trial of the earlier run used; None where it has none in this mode."""
    if pilot is None:
        return None
    arms = pilot.trials.arms
    same_mode = np.array([name == mode for _, name in arms], dtype=bool)
    same = np.array([arm == (model, mode) for arm in arms], dtype=bool)
    of_arm = pilot.trials.arm
    chosen = same[of_arm] if same[of_arm].any() else same_mode[of_arm]
    return usage(pilot.trials[chosen]).per_trial()


def _money(price: Price, sent: Range, received: Range) -> Range:
    likely = None
    if sent.likely is not None and received.likely is not None:
        likely = price.of(sent.likely, received.likely)
    return Range(price.of(sent.least, received.least), likely, price.of(sent.most, received.most))


def _wall_time(
    arms: Sequence[ArmPlan], pilot: Run, sessions: Sequence[Mapping[str, Any]]
) -> float | None:
    """Estimate the wall time, if as many requests run at the same time as in the earlier run."""
    took = pilot.trials.total("model_seconds")
    if not took or not sessions or any(session["ended"] is None for session in sessions):
        return None
    wall = sum(session["ended"] - session["started"] for session in sessions)
    if any(arm.model_seconds is None for arm in arms):
        return None
    return float(sum(arm.model_seconds or 0 for arm in arms) * wall / took)


def _half_width(n: int) -> float:
    low, high = clopper_pearson(n / 2, n)
    return (high - low) / 2


def _first_pair(pilot: Run | None) -> Comparison | None:
    try:
        return compare_runs([pilot])[0] if pilot else None
    except ConfigError:
        return None  # one arm alone


def _detectable(n: int, repeats: int, first: Comparison | None) -> Iterator[Detectable]:
    for discordance in DISCORDANCES:
        yield _between_bounds(n, repeats, discordance)
    if first is None:
        return
    counts = first.difference.counts
    # Half a problem won by each, as in `paired`: none seen does not mean none possible.
    observed = (counts.only_a + counts.only_b + 1) / (first.difference.n_problems + 1)
    if first.noise and repeats > 1:
        noise = first.noise.cautious(first.difference.n_problems)
        difference = detectable(n, repeats, noise)
        yield Detectable(observed, difference, observed=True)
    else:
        yield replace(_between_bounds(n, repeats, observed), observed=True)


def _stability(n: int, repeats: int, first: Comparison | None) -> Iterator[Stability]:
    if first is None or first.noise is None or repeats < 2:
        return
    k = max(k for k in usual_ks(repeats) if k <= MOST_K)
    noise = first.noise.cautious(first.difference.n_problems)
    for tau in TAUS:
        yield Stability(k, tau, detectable_g_pass(first.tallies, noise, n, repeats, k, tau))


def _needed(points: float, first: Comparison | None) -> Iterator[Needed]:
    if first is not None and first.noise is not None:
        noise = first.noise.cautious(first.difference.n_problems)
        for repeats in REPEATS:
            yield Needed(repeats, problems_needed(points, repeats, noise))


def _between_bounds(n: int, repeats: int, discordance: float) -> Detectable:
    """Return what shows if repeats of a problem always agree, and if they differ freely."""
    if repeats == 1:
        return Detectable(discordance, smallest_detectable(n, discordance))
    return Detectable(
        discordance,
        detectable(n, repeats, Noise(between=discordance, within=0.0)),
        detectable(n, repeats, Noise(between=0.0, within=discordance)),
    )
