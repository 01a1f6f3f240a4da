"""Ask a run's judge about fixed pairs before its verdicts are used."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from judge import Ask, JudgeError
from judge.audit import canaries
from judge.grade import protocols_of
from judge.model.canaries import CANARIES
from solver.config import JudgeOptions
from solver.records import digest
from solver.run.progress import show_progress
from solver.run.schedule import Endpoint
from solver.run.watch import Watch


async def pass_canaries(
    ask: Ask, endpoint: Endpoint, options: JudgeOptions, described: Mapping[str, Any], watch: Watch
) -> None:
    """Raise JudgeError where the judge's model errs too often on the fixed pairs.

    Progress is shown, since a local model may take minutes. Weights that are known by a digest are
    asked once on this machine: that they passed is kept under SOLVER_CACHE or ~/.cache/solver.
    """
    name = endpoint.model.name
    passed = _passed(name, options, described)
    if passed is not None and passed.exists():
        return
    phase, watch.phase = watch.phase, f"asking {name} about {len(CANARIES)} canaries"
    async with show_progress(watch):
        found = await canaries(
            ask,
            model_name=name,
            preset=options.preset,
            at_once=endpoint.gate.limit,
            give_up=True,
        )
    watch.phase = phase
    if found.drifted:
        raise JudgeError(
            f"{name}: {found}; name another judge.model, or accept this one with"
            " judge.canaries: false (`solver judge audit` shows how it errs)"
        )
    if passed is not None:
        with suppress(OSError):  # then the next run asks again
            passed.parent.mkdir(parents=True, exist_ok=True)
            passed.write_text(f"{name}: {found}\n", encoding="utf-8")


def _passed(name: str, options: JudgeOptions, described: Mapping[str, Any]) -> Path | None:
    """Return the file that exists once these weights have passed; None for a hosted model.

    The weights of a hosted model may change under the same name, so it is asked in every run.
    """
    if not (described.get("digest") or described.get("sha256")):
        return None
    pairs = [(probe.question, probe.reference, probe.answer) for probe in CANARIES]
    settings = options.model_dump(mode="json", include={"options", "max_tokens"})
    key = digest([name, dict(described), settings, pairs, protocols_of(options.preset)])
    root = os.environ.get("SOLVER_CACHE")
    folder = Path(root) if root else Path.home() / ".cache" / "solver"
    return folder / "canaries" / key
