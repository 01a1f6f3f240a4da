"""Say which models of a config a server is started for, and what command starts it."""

import os
import random
import shlex
import shutil
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from solver.errors import ConfigError
from solver.serve.engines import ENGINES, HOST, Engine
from solver.serve.options import ServeOptions, filled

PORTS = range(20_000, 32_000)
"""Where a free port is looked for: below those that systems give to outgoing connections, so that
none of these takes the port while the server is started again."""


@dataclass(frozen=True)
class Plan:
    """What to start, and the models it answers for."""

    options: ServeOptions
    engine: Engine
    models: tuple[str, ...]
    """As in the config: `provider/name`."""
    model: str
    """What {model} stands for; empty where there are several and the command names none."""

    def command(self, port: int | str) -> list[str]:
        """Return the command, with its placeholders filled in."""
        return [filled(word, self._values(port)) for word in self.options.words]

    def environment(self, port: int) -> dict[str, str]:
        """Return the variables that the server gets."""
        own = self.engine.environment.items()
        return {**os.environ, **{name: filled(text, self._values(port)) for name, text in own}}

    def ready(self, port: int | str) -> str:
        """Return the address that answers once requests can be sent."""
        wanted = filled(self.options.ready or self.engine.ready, self._values(port))
        return f"http://{HOST}:{port}{wanted}" if wanted.startswith("/") else wanted

    def address(self, port: int) -> Any:
        """Return the value of the provider's option that holds the address."""
        url = f"http://{HOST}:{port}{self.engine.path}"
        return (url,) if self.engine.option == "hosts" else url

    def shown(self, port: int | str | None = None) -> str:
        """Return the command as one would type it; an automatic port is PORT unless given."""
        known = "PORT" if self.options.port == "auto" else self.options.port
        return shlex.join(self.command(known if port is None else port))

    def missing(self) -> str | None:
        """Say how to get the program that the command names, or return None where it is there."""
        program = self.command(0)[0]
        if shutil.which(program) is not None:
            return None
        known = program == self.engine.command[0]
        how = f": {self.engine.install}; or" if known else ";"
        return f"serve: no program {program!r} on the PATH{how} give its path in serve.command"

    def covers(self, name: str, options: Mapping[str, Any]) -> bool:
        """Tell whether the server also answers for a model that is not under test, as a judge.

        Ollama does for any model; the other engines serve one.
        """
        mine = name.partition("/")[0] == self.engine.provider and not options.get(
            self.engine.option
        )
        return mine and (self.engine.name == "ollama" or name in self.models)

    def _values(self, port: int | str) -> dict[str, str]:
        values = {"host": HOST, "port": str(port), "model": self.model}
        return {name: value for name, value in values.items() if value}


def plan_of(options: ServeOptions, models: Iterable[tuple[str, Mapping[str, Any]]]) -> Plan | None:
    """Return what to start for these models, each with its provider's options; None for nothing.

    Raises ConfigError where the engine fits none of them, or has to serve several.
    """
    if options.engine is None:
        return None
    engine, listed = ENGINES[options.engine], list(models)
    own = [pair for pair in listed if pair[0].partition("/")[0] == engine.provider]
    if not own:
        raise ConfigError(
            f"serve.engine: {engine.name} answers for {engine.provider}/… models, and the config"
            f" has {', '.join(name for name, _ in listed)}; name the model {engine.provider}/NAME,"
            " or choose another engine"
        )
    served = tuple(name for name, given in own if not given.get(engine.option))
    if not served:
        raise ConfigError(
            f"serve.engine: {engine.name} has no model to serve, as {own[0][0]} has an address of"
            f" its own; remove {engine.option}, or serve"
        )
    needs_one = engine.name != "ollama" or any("{model}" in word for word in options.words)
    if len(served) > 1 and needs_one:
        raise ConfigError(
            f"serve.engine: {engine.name} serves one model, and {' and '.join(served)} have no"
            f" address of their own; give the others the option {engine.option}, or a config of"
            " their own"
        )
    return Plan(options, engine, served, served[0].partition("/")[2] if needs_one else "")


def choose_port(wanted: int | str) -> int:
    """Return the wanted port, or a free one for `auto`. Raises ConfigError where it is in use."""
    if isinstance(wanted, int):
        if not is_free(wanted):
            raise ConfigError(
                f"serve.port: {wanted} is in use on this machine; end what listens there, or set"
                " serve.port to another or to auto"
            )
        return wanted
    for port in random.sample(PORTS, 200):
        if is_free(port):
            return port
    raise ConfigError("serve.port: no free port was found on this machine; set serve.port to one")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port of this machine now."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True
