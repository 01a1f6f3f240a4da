"""Shortens tracebacks to what helps to fix a program: its own frames with their source lines.

A note replaces what was left out; all other lines stay unchanged.
"""

import re
from collections.abc import Iterator

_FRAME = re.compile(r'^( *(?:[|+] *)?)  File "([^"]*)", line \d+')
_OWN = re.compile(r"(?:^|/)(?:solution|program_\d+)\.py$|^<(?:string|stdin)>$")
_MOST_CHARACTERS = 4000
_HEAD_CHARACTERS = 1000


def shorten(stderr: str) -> str:
    """Leave out frames of libraries, then the middle of a text that is still too long."""
    return _cap("".join(_without_library_frames(stderr.splitlines(keepends=True))))


def _without_library_frames(lines: list[str]) -> Iterator[str]:
    skipped: list[str] = []
    margin = ""
    position = 0
    while position < len(lines):
        frame = _FRAME.match(lines[position])
        if frame is None:
            yield from _note(skipped, margin)
            skipped = []
            yield lines[position]
            position += 1
            continue
        end = _end_of_frame(lines, position + 1, frame[1])
        if _OWN.search(frame[2]):
            yield from _note(skipped, margin)
            skipped = []
            yield from lines[position:end]
        else:
            skipped.append(frame[2])
            margin = frame[1]
        position = end
    yield from _note(skipped, margin)


def _end_of_frame(lines: list[str], position: int, margin: str) -> int:
    """Return the position after a frame's source line and its row of carets."""
    while position < len(lines) and lines[position].startswith(margin + "    "):
        position += 1
    return position


def _note(skipped: list[str], margin: str) -> Iterator[str]:
    if skipped:
        packages = dict.fromkeys(_package(path) for path in skipped)
        count = "1 frame" if len(skipped) == 1 else f"{len(skipped)} frames"
        yield f"{margin}  ... {count} in {', '.join(packages)}\n"


def _package(path: str) -> str:
    """Return the name of the library that a file belongs to, without folders of the machine."""
    for marker in ("site-packages/", "dist-packages/", "/opt/site/"):
        if marker in path:
            return path.rpartition(marker)[2].partition("/")[0].removesuffix(".py")
    if re.search(r"/python3[\d.]*/", path):
        return re.split(r"/python3[\d.]*/", path)[-1].partition("/")[0].removesuffix(".py")
    return "the interpreter"


def _cap(text: str) -> str:
    if len(text) <= _MOST_CHARACTERS:
        return text
    tail = _MOST_CHARACTERS - _HEAD_CHARACTERS
    left_out = len(text) - _MOST_CHARACTERS
    return f"{text[:_HEAD_CHARACTERS]}\n... {left_out} characters left out ...\n{text[-tail:]}"
