"""Read what a server answers, whose form nobody vouches for."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

_T = TypeVar("_T")


@contextmanager
def reading() -> Iterator[None]:
    """Raise ValueError where an answer has another form than its reader expects.

    It is for functions, or blocks, that only read an answer: a mistake elsewhere should show.
    """
    try:
        yield
    except (TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as unlike:
        raise ValueError(f"{type(unlike).__name__}: {unlike}") from unlike


async def readable(events: AsyncIterator[_T]) -> AsyncGenerator[_T, None]:
    """Yield a stream's events. Raises ValueError where its client cannot read one."""
    stream: Any = events
    async with aclosing(stream):
        while True:
            with reading():
                event: _T | None = await anext(stream, None)
            if event is None:
                return
            yield event


def positive(value: object) -> int | None:
    """Return a whole number above zero; None for anything else."""
    return value if isinstance(value, int) and value is not True and value > 0 else None
