"""Several servers with the same model: which of them is asked next, or all at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from solver.errors import ModelError
from solver.models._templates import REMEMBERED

DOWN_SECONDS = 30.0
"""How long a host that could not be reached is avoided while there is another."""


class Host(Protocol):
    """One of the servers."""

    place: str
    """Its address, as it may be shown."""
    busy: int
    """Its requests in flight."""
    down_until: float
    """Until when it is avoided, on the monotonic clock."""

    async def close(self) -> None:
        """Close the connections."""


_Host = TypeVar("_Host", bound=Host)


async def ask_all(
    hosts: Sequence[_Host], ask: Callable[[_Host], Awaitable[dict[str, Any]]]
) -> tuple[dict[_Host, dict[str, Any]], list[ModelError]]:
    """Ask every host the same; return the answers by host, and the failures of the others.

    Raises the first failure where no host answers.
    """
    told = await asyncio.gather(*map(ask, hosts), return_exceptions=True)
    failures = [answer for answer in told if isinstance(answer, ModelError)]
    for answer in told:
        if isinstance(answer, BaseException) and (
            len(failures) == len(hosts) or answer not in failures
        ):
            raise answer
    pairs = zip(hosts, told, strict=True)
    return {host: answer for host, answer in pairs if isinstance(answer, dict)}, failures


class Hosts(Generic[_Host]):
    """The servers of one model, each of which may be asked for any reply."""

    def __init__(self, hosts: Iterable[_Host]) -> None:
        self.all = [*hosts]
        self._host_of: dict[str, _Host] = {}

    def least_busy(self) -> _Host:
        """Choose the host with the fewest requests, among those that are up if any is."""
        now = time.monotonic()
        return min(self.all, key=lambda host: (host.down_until > now, host.busy))

    def of(self, rendered: str) -> _Host:
        """Choose the host that continued this chat's reply last, if it is up."""
        host = self._host_of.pop(rendered, None)
        if host is None or host.down_until > time.monotonic():
            host = self.least_busy()
        while len(self._host_of) >= REMEMBERED:
            self._host_of.pop(next(iter(self._host_of)))
        self._host_of[rendered] = host
        return host

    async def keep(self, answering: Container[_Host]) -> None:
        """Leave out the hosts that do not answer."""
        for host in self.all:
            if host not in answering:
                await host.close()
        self.all = [host for host in self.all if host in answering]

    async def close(self) -> None:
        """Close the connections."""
        for host in self.all:
            await host.close()
