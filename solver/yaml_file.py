"""Read a YAML file that may be wrong, or hostile: bounded, and with every mistake as one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from solver.errors import ConfigError

MOST_BYTES = 2**20
MOST_NODES = 100_000
"""How many values a file may hold, each counted as often as an alias repeats it, a long text as
one value for each 50 characters."""
DEEPEST = 100


def read_yaml(path: Path, missing: Callable[[], str] = str) -> Any:
    """Return what a YAML file holds. Raises ConfigError, with `missing()` where there is no file.

    A repeated key is refused, of which PyYAML would silently keep the last.
    """
    text = _text(path, missing)
    try:
        return parse_yaml(text)
    except ConfigError as failure:
        raise ConfigError(f"{path}: {failure}") from failure


def parse_yaml(text: str) -> Any:
    """Return what a YAML text holds. Raises ConfigError, which names no file."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {}, ())
        return loader.construct_document(node)
    except RecursionError as failure:
        raise ConfigError("not YAML that can be read: nested too deep") from failure
    except (
        yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, OverflowError,
    ) as failure:  # fmt: skip
        # the last five come of a value that is not what its tag says, such as the date 2001-13-45
        raise ConfigError(f"not YAML: {_told(failure)}") from failure


def _told(failure: Exception) -> str:
    """Say in one line what is wrong with a text, and where in it."""
    if not isinstance(failure, yaml.MarkedYAMLError) or failure.problem_mark is None:
        return " ".join(str(failure).replace('in "<unicode string>", ', "at ").split())
    mark = failure.problem_mark
    what = " ".join(f"{failure.context or ''} {failure.problem or ''}".split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}"


def _text(path: Path, missing: Callable[[], str]) -> str:
    """Read the file. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError as failure:
        raise ConfigError(f"{path}: no such file{missing()}") from failure
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        raise ConfigError(f"{path}: cannot be read: {reason}") from failure
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{path}: cannot be read: it has more than {MOST_BYTES // 2**20} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise ConfigError(f"{path}: cannot be read: not UTF-8 ({failure.reason})") from failure


def _size(node: yaml.Node, known: dict[int, int], above: tuple[int, ...]) -> int:
    """Count the values of a node, those of aliases each time. Raises YAMLError for too many."""
    if isinstance(node, yaml.ScalarNode):
        return 1 + len(node.value) // 50
    if (size := known.get(id(node))) is not None:
        return size
    line = node.start_mark.line + 1
    if id(node) in above:
        raise yaml.YAMLError(f"line {line}: an alias that holds itself")
    if len(above) >= DEEPEST:
        raise yaml.YAMLError(f"line {line}: nested more than {DEEPEST} deep")
    inside = (*above, id(node))
    pairs = isinstance(node, yaml.MappingNode)
    parts = [part for pair in node.value for part in pair] if pairs else node.value
    size = 1 + sum(_size(part, known, inside) for part in parts)
    if size > MOST_NODES:
        raise yaml.YAMLError(f"line {line}: more than {MOST_NODES:,} values, with all its aliases")
    known[id(node)] = size
    return size


class _Loader(yaml.SafeLoader):
    """A SafeLoader that refuses a repeated key and numbers that nothing here can use."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue  # keys that `<<` brings in may be written again
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: key {key!r} is written twice")
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_whole(self, node: yaml.ScalarNode) -> int:
        """Return a whole number that fits in 64 bits."""
        line = node.start_mark.line + 1
        if len(node.value) > 100 or abs(number := self.construct_yaml_int(node)) >= 2**63:
            raise yaml.YAMLError(f"line {line}: the number {node.value:.20}… is too large")
        return number


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_whole)
