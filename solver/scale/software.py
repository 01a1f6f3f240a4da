"""Compare the software of the machines of a cluster: one run is one program."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import judge
import sandbox
import solver
from solver.errors import ConfigError
from solver.models import PROVIDERS, provider_of, provider_of_model
from solver.run.build import versions
from solver.store.alike import differences, joined


def software(models: Sequence[str]) -> dict[str, str]:
    """Return the versions of what could change a result of a run of `models` on this machine.

    `files` is a hash of the program's own files, since two clones may have one version.
    """
    used = {provider_of_model(name).library for name in models}
    unused = {provider_of(name).library for name in PROVIDERS} - used
    found = {k: v for k, v in versions(models).items() if k not in unused | {"platform"}}
    hashed = hashlib.sha256()
    for package in (judge, sandbox, solver):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            hashed.update(f"{path.relative_to(root.parent)}\0".encode())
            hashed.update(path.read_bytes())
    return {**found, "files": hashed.hexdigest()[:12]}


def require_same_software(name: str, here: dict[str, str], there: dict[str, str]) -> None:
    """Raise ConfigError with the difference where a node has other software than this machine."""
    if found := [*differences(here, there)]:
        raise ConfigError(
            f"node {name} has other software than this machine: {joined(found)};"
            " install the same on every node"
        )
