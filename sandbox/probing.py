"""Checks which kinds of box work on this machine, and says how to fix the others."""

import sys
from dataclasses import dataclass

from sandbox.boxes.engine import connect
from sandbox.boxes.image import image_status
from sandbox.execution import SandboxError


@dataclass(frozen=True)
class Fact:
    """The result of one check."""

    what: str
    works: bool
    note: str
    """What was found, or how to fix it."""


def probe() -> list[Fact]:
    """Check everything a box may need. Blocks for a second or two and never raises."""
    engine = _engine()
    image = _image() if engine.works else Fact("sandbox image", False, "needs a Docker engine")
    return [engine, image, _native(), _reduced()]


def _engine() -> Fact:
    try:
        with connect() as client:
            version = client.version()
    except SandboxError as error:
        return Fact("Docker engine", False, str(error))
    return Fact("Docker engine", True, f"version {version['Version']}")


def _image() -> Fact:
    try:
        status = image_status()
    except SandboxError as error:
        return Fact("sandbox image", False, str(error))
    return Fact("sandbox image", status.present, status.note)


def _native() -> Fact:
    if not sys.platform.startswith("linux"):
        return Fact("bubblewrap", False, f"Linux only: on {sys.platform} use Docker")
    from sandbox.boxes.interpreter import this_interpreter
    from sandbox.boxes.native import find_bwrap, working_flags

    try:
        path = find_bwrap()
        working_flags(path)
        this_interpreter()
    except SandboxError as error:
        return Fact("bubblewrap", False, str(error))
    return Fact("bubblewrap", True, path)


def _reduced() -> Fact:
    if not sys.platform.startswith("linux"):
        return Fact("landlock", False, f"Linux only: on {sys.platform} use Docker")
    from sandbox.zygote import landlock

    version = landlock.version()
    if version == 0:
        return Fact("landlock", False, "Linux 5.13 or later has it, unless it is switched off")
    return Fact("landlock", True, f"version {version}")
