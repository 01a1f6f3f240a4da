"""Divide a reply at its code fences into words, programs and outputs of tools."""

import re

WORDS, PROGRAM, OUTPUT = "words", "program", "output"
# Models forget the line ends around fences: "Solution:```python", "``````python", "```So it is".
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[`~]*[ \t]*([\w+#.-]*)(.*)$")
_FENCE_BEHIND_WORDS = re.compile(
    r"(?<=[^\s`~])[ \t]{0,9}(?:```|~~~)(?=(?:python3?|py|output)[ \t]*$)", re.MULTILINE
)
_WRITING = frozenset({"", "text", "txt", "plaintext", "latex", "tex", "math", "markdown", "md"})
_PROGRAMS = frozenset({"python", "py", "python3"})
_PRINTED = frozenset({"output", "stdout", "result", "console"})
_STATEMENT = re.compile(r"^(?:import |from \w+ import |def |print\()", re.MULTILINE)


def _kind_of_block(language: str) -> str:
    if language in _PRINTED:
        return OUTPUT
    return WORDS if language in _WRITING else PROGRAM


def parts_of(text: str) -> list[tuple[str, str]]:
    """Return (kind, text) of each part in order. A fence left open reaches to the end."""
    parts: list[tuple[str, str]] = []
    kind, fenced, lines = WORDS, False, list[str]()

    def close() -> None:
        block = "\n".join(lines)
        code = fenced and kind == WORDS and _STATEMENT.search(block)
        parts.append((PROGRAM if code else kind, block))
        lines.clear()

    for line in _FENCE_BEHIND_WORDS.sub("\n```", text).split("\n"):
        marker = _FENCE.match(line)
        if marker is None or marker.group(2).rstrip().endswith(
            "```"
        ):  # no fence, or both in one line
            lines.append(line)
            continue
        close()
        language = marker.group(1).lower()
        fenced = not fenced or language in _PRINTED | _PROGRAMS
        kind = _kind_of_block(language) if fenced else WORDS
        if not fenced:
            lines.append(marker.group(1) + marker.group(2))
    close()
    return [(kind, block) for kind, block in parts if block.strip()]
