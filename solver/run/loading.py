"""Load each model before its first trial, and record what its server then says of it."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from solver.errors import ModelError, Scope
from solver.run.schedule import Endpoint, Stopped
from solver.run.sink import Sink
from solver.run.watch import Watch
from solver.text import say_wrapped

logger = logging.getLogger(__name__)


async def load_first(endpoint: Endpoint, sink: Sink, watch: Watch) -> None:
    """Have a model loaded, and add to the manifest what its server says of it, and its warnings.

    Does nothing where it is loaded already. A failure that may pass is left to the requests of the
    trials, which are patient; one that no request could survive ends the run.
    """
    try:
        facts = await endpoint.load()
    except Stopped:
        return
    except ModelError as failure:
        logger.warning("not loaded yet: %s", failure)
        if failure.scope is Scope.RUN:
            watch.end_by(failure)
        return
    if not facts:
        return
    notes = facts.pop("notes", [])
    loaded = {**sink.manifest().get("loaded", {}), endpoint.model.name: facts}
    keep_loaded(sink, loaded, notes)


def keep_loaded(
    sink: Sink, loaded: Mapping[str, Any], notes: Sequence[str], where: str = ""
) -> None:
    """Put what is said of loaded models into the manifest, and tell the notes that are new.

    Each is told after `where`, such as the name of a node.
    """
    known = sink.manifest().get("warnings", [])
    new = [note for note in notes if note not in known]
    for note in new:
        say_wrapped(f"note: {where}{note}", error=True)
        logger.warning("%s%s", where, note)
    sink.write_manifest(loaded=loaded, warnings=[*known, *new])
