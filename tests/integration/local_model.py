"""The real model of 135 million parameters that tests run in this process."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from solver.models import connect
from solver.models.local import Local
from solver.records import Message, Sampling

T = TypeVar("T")

GREEDY = Sampling(temperature=0, max_tokens=24)
CHAT = (Message(role="user", text="Write a Python program that prints 2 + 3."),)


async def used(
    work: Callable[[Local], Awaitable[T]], sampling: Sampling = GREEDY, **options: Any
) -> T:
    """Return what `work` makes of a loaded model."""
    model = connect("local/smollm2", sampling, {"context": 1024, "parallel": 2, **options})
    assert isinstance(model, Local)
    try:
        return await work(model)
    finally:
        await model.close()
