"""Runs programs nobody has read, each in a fresh process inside a locked box.

`open_sandbox` is the way in. What the boxes keep out, and what they do not, is in README.md.
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
    "SandboxError",
    "Session",
    "build_image",
    "image_status",
    "open_sandbox",
    "probe",
    "reap",
    "screen",
]
