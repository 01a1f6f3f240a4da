"""Numbers from outside, made such that a run's file can hold them."""

import math
from typing import Annotated, Any

from pydantic import BeforeValidator

MOST = 10**9
"""More than any reply's count of tokens or seconds; a file takes the sum of a thousand of them."""
_NEVER = -9999.0
"""The logarithm that servers write for no probability at all, which JSON has no number for."""


def within(number: Any) -> Any:
    """Return a number that a server told, or 0 where no reply can have it."""
    if isinstance(number, int | float) and not 0 <= number <= MOST:
        return 0
    return number


def _finite(logprob: Any) -> Any:
    return _NEVER if isinstance(logprob, float) and not math.isfinite(logprob) else logprob


Count = Annotated[int, BeforeValidator(within)]
Seconds = Annotated[float, BeforeValidator(within)]
Logprob = Annotated[float, BeforeValidator(_finite)]
