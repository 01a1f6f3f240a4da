"""The library that runs a model in this process, replaced by what matters of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from solver.models._llama_cpp import LlamaCpp


class Server:
    """Has a loop of its own, which begins at the latest with the first request."""

    def __init__(self, params: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        SERVERS.append(self)

    def handle_completions(self, request: dict[str, Any], receive: Any) -> None:
        self.asked.append(request)
        receive({"choices": [{"text": "2"}]})


SERVERS: list[Server] = []


@pytest.fixture
def llama(monkeypatch: pytest.MonkeyPatch) -> LlamaCpp:
    """A model that is loaded, and was asked nothing."""
    parts = {name: SimpleNamespace() for name in ("model", "cpuparams", "cpuparams_batch")}
    library = SimpleNamespace(CommonParams=lambda: SimpleNamespace(**parts), Server=Server)
    monkeypatch.setattr("solver.models._llama_cpp.xllamacpp", lambda: library)
    SERVERS.clear()
    return LlamaCpp("local/any", Path("any.gguf"), context=8, parallel=1, threads=1, gpu_layers=0)


async def test_a_model_that_was_asked_nothing_is_asked_before_it_is_closed(llama: LlamaCpp) -> None:
    """Closed before its loop has begun, the library waits for ever for the loop's end."""
    await llama.close()
    assert [request["max_tokens"] for request in SERVERS[0].asked] == [1]


async def test_a_model_that_has_answered_is_closed_without_a_request(llama: LlamaCpp) -> None:
    assert [event async for event in llama.events({"prompt": "1 + 1 ="})]
    await llama.close()
    assert len(SERVERS[0].asked) == 1
