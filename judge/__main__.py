r"""Compare answers from the command line.

    python -m judge "\frac12" 0.5              one pair; exit code 0 equal, 1 different, 3 undecided
    python -m judge --explain "\frac12" 0.5    with both readings and every rule that was tried
    python -m judge --file pairs.jsonl         many pairs; exit code 0
    python -m judge --file samples_T_D.jsonl   a log of lm-eval, inspect (.eval, .json), lighteval,
                                               OpenCompass, NeMo-Skills, or JSONL with question,
                                               reference and reply: our verdicts beside its own
    python -m judge --policy missing_unit=refuse -- "5 cm" -5

Only the rules compare, in worker processes; no model is asked. Wrong use exits with code 2.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from itertools import groupby
from pathlib import Path
from typing import Any

from judge.compare import compare
from judge.logs import LogError, is_log
from judge.logs.judged import print_log
from judge.model.agreement import confusion
from judge.model.probes import rows_of
from judge.policy import Choice, Policy, rules_version
from judge.reading.clean import clean
from judge.reading.grammar import parse
from judge.reading.show import show
from judge.reading.tree import Unreadable
from judge.reading.wrappers import strip_wording
from judge.relation import Comparison, Finding, Relation, followed
from judge.rules.prose import is_words
from judge.verdict import JudgeError
from judge.workers.pool import Pool

EXIT_CODES = {Relation.EQUAL: 0, Relation.DIFFERENT: 1, Relation.UNDECIDED: 3}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments, compare, print. Return the exit code."""
    options = _parse(arguments)
    if options.explain:
        for line in explain(options.reference, options.answer, options.policy):
            print(_printable(line))
        return EXIT_CODES[compare(options.reference, options.answer, options.policy).relation]
    with Pool(options.workers, seconds=options.seconds) as pool:
        if options.file is None:
            return _compare_one(pool, options.reference, options.answer, options.policy)
        try:
            if is_log(options.file):
                for line in print_log(options.file, pool, options.policy):
                    print(_printable(line))
                return 0
        except (LogError, JudgeError) as failure:
            print(f"python -m judge: {failure}", file=sys.stderr)
            return 2
        return _compare_many(pool, options.file, options.policy)


def explain(reference: str, answer: str, policy: Policy) -> Iterator[str]:
    """Yield lines: the two readings, the rules in the order they were tried in, the result."""
    for side, text in (("reference", reference), ("answer", answer)):
        yield f"{side:9}  {_reading(text)}"
    with followed() as tried:
        result = compare(reference, answer, policy)
    for finding, same in groupby(tried):
        count = len(list(same))
        times = f"  ({count} times)" if count > 1 else ""
        yield f"tried      {_shown(finding)}{times}"
    yield f"result     {_shown(result)}"
    yield f"rules      {rules_version()}"


def _reading(text: str) -> str:
    """Say how a text is read: as words, as which kind of mathematics, or why not."""
    stripped = strip_wording(text.strip())
    if is_words(stripped):
        return f"words: {stripped}"
    try:
        node = parse(clean(stripped))
    except Unreadable as error:
        return f"unreadable, {error}: {stripped}"
    return f"{type(node).__name__.lower()}: {show(node)}"


def _shown(finding: Finding) -> str:
    return f"{finding.relation.value:10}{finding.tier:12}{finding.reason}"


def _compare_one(pool: Pool, reference: str, answer: str, policy: Policy) -> int:
    comparison = pool.compare(reference, answer, policy)
    for name, value in asdict(comparison).items():
        print(f"{name.replace('_', ' ').ljust(14)}  {_printable(str(value))}")
    return EXIT_CODES[comparison.relation]


def _compare_many(pool: Pool, path: Path, policy: Policy) -> int:
    try:
        rows = list(rows_of(path))
    except (OSError, ValueError) as problem:
        print(f"python -m judge: {problem}", file=sys.stderr)
        return 2
    started = time.perf_counter()
    futures = [pool.submit(reference, answer, policy) for _, _, reference, answer in rows]
    compared = [future.result() for future in futures]
    seconds = time.perf_counter() - started
    labels = [row.get("correct", row.get("label")) for _, row, _, _ in rows]
    for (_, _, reference, answer), label, comparison in zip(rows, labels, compared, strict=True):
        known = {"reference": reference, "answer": answer, "correct": label}
        print(json.dumps(known | asdict(comparison)))
    print(_summary(labels, compared, seconds), file=sys.stderr)
    return 0


def _summary(labels: Sequence[Any], compared: Sequence[Comparison], seconds: float) -> str:
    counts = Counter(comparison.relation for comparison in compared)
    parts = [f"{len(compared)} pairs in {seconds:.1f} s"]
    parts += [f"{relation.value} {counts[relation]}" for relation in Relation]
    labelled = [
        (comparison.is_equal, bool(label))
        for label, comparison in zip(labels, compared, strict=True)
        if label is not None
    ]
    if labelled:
        found = confusion(labelled)
        parts.append(f"accuracy {found.accuracy}")
        parts.append(f"false accepts {found.false_accepts}")
        parts.append(f"false rejects {found.false_rejects}")
    return " · ".join(parts)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    summary, _, details = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m judge",
        description=summary,
        epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("reference", nargs="?", help="the answer known to be right")
    parser.add_argument("answer", nargs="?", help="the answer to compare with it")
    parser.add_argument("--file", type=Path, help="JSONL of pairs, or a log; see below")
    parser.add_argument("--explain", action="store_true", help="print how the pair was decided")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0, help="time limit for one pair")
    parser.add_argument(
        "--policy",
        action="append",
        default=[],
        metavar="NAME=CHOICE",
        help=f"set a convention: {', '.join(field.name for field in fields(Policy))}",
    )
    options = parser.parse_args(arguments)
    if (options.file is None) == (options.answer is None):
        parser.error("give a reference and an answer, or --file")
    if options.explain and options.file is not None:
        parser.error("--explain takes one pair, not --file")
    if options.workers < 1:
        parser.error(f"--workers: {options.workers} is too small, it must be at least 1")
    try:
        options.policy = _policy(options.policy)
    except ValueError as problem:
        parser.error(f"--policy: {problem}")
    return options


def _policy(settings: Iterable[str]) -> Policy:
    chosen: dict[str, Any] = {}
    defaults = asdict(Policy())
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in defaults:
            raise ValueError(f"no policy called {name!r}")
        if isinstance(defaults[name], Choice):
            if value not in list(Choice):
                raise ValueError(f"{name} must be one of {', '.join(Choice)}")
            chosen[name] = Choice(value)
        elif value.isdecimal():
            chosen[name] = int(value)
        else:
            raise ValueError(f"{name} must be a whole number")
    return Policy(**chosen)


def _printable(text: str) -> str:
    """Escape control characters: a hostile answer could use them to change the terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


if __name__ == "__main__":
    sys.exit(main())
