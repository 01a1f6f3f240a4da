"""The model servers that can be started by name: command, readiness, and who speaks to them."""

from dataclasses import dataclass, field
from typing import Literal

EngineName = Literal["vllm", "sglang", "ollama", "llama-server"]

HOST = "127.0.0.1"
"""Where a server listens: it is for the run alone."""


@dataclass(frozen=True)
class Engine:
    """All that the program knows about an engine before it starts one."""

    name: EngineName
    provider: str
    """The provider that speaks to it: it answers for models called `provider/…`."""
    option: str
    """The provider's option that holds the address."""
    path: str
    """What follows the address in that option."""
    command: tuple[str, ...]
    """What starts it, with {model}, {host} and {port} to be filled in."""
    ready: str
    """The path that answers once requests can be sent."""
    install: str
    """How to get it."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables that it gets besides ours, filled in like the command."""

    @property
    def finds_port(self) -> bool:
        """Tell whether it learns its port though the command does not name it."""
        return any("{port}" in value for value in self.environment.values())


_LISTEN = ("--host", "{host}", "--port", "{port}")

ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            name="vllm",
            provider="openai",
            option="base_url",
            path="/v1",
            command=("vllm", "serve", "{model}", *_LISTEN),
            ready="/health",
            install="pip install vllm, in an environment that is active here",
        ),
        Engine(
            name="sglang",
            provider="openai",
            option="base_url",
            path="/v1",
            command=("sglang", "serve", "--model-path", "{model}", *_LISTEN),
            ready="/health",
            install="pip install sglang, in an environment that is active here",
        ),
        Engine(
            name="ollama",
            provider="ollama",
            option="hosts",
            path="",
            command=("ollama", "serve"),
            ready="/api/version",
            install="https://ollama.com/download",
            environment={"OLLAMA_HOST": "{host}:{port}"},
        ),
        Engine(
            name="llama-server",
            provider="openai",
            option="base_url",
            path="/v1",
            command=("llama-server", "--model", "{model}", "--alias", "{model}", *_LISTEN),
            ready="/health",
            install="llama.cpp: `brew install llama.cpp`, or a release from its repository",
        ),
    )
}
