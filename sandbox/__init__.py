"""Runs untrusted programs, each in a new process inside an isolated box.

Start with `open_sandbox`. README.md says what the boxes protect against and what they do not.
"""

from sandbox.boxes.docker import reap
from sandbox.boxes.image import ImageStatus, build_image, image_status
from sandbox.execution import (
    Execution,
    Exit,
    Finding,
    Level,
    Limits,
    Sandbox,
    SandboxClosed,
    SandboxError,
    Session,
)
from sandbox.opening import open_sandbox
from sandbox.probing import Fact, probe
from sandbox.screen import Policy, screen

__all__ = [
    "Execution",
    "Exit",
    "Fact",
    "Finding",
    "ImageStatus",
    "Level",
    "Limits",
    "Policy",
    "Sandbox",
    "SandboxClosed",
    "SandboxError",
    "Session",
    "build_image",
    "image_status",
    "open_sandbox",
    "probe",
    "reap",
    "screen",
]
