"""The rules of the screen, read from a YAML file such as `policy.yaml`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sandbox.execution import Level

_PATTERNS = {"names", "attributes", "strings", "through"}


@dataclass(frozen=True)
class Rule:
    """One rule of a policy, without its patterns."""

    name: str
    level: Level
    reason: str


@dataclass(frozen=True)
class Policy:
    """The rules of the screen, by pattern."""

    names: Mapping[str, Rule]
    attributes: Mapping[str, Rule]
    strings: tuple[tuple[re.Pattern[str], Rule], ...]
    through: Mapping[str, Rule]
    evaluators: frozenset[str]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a policy file; None means `policy.yaml`. Raises ValueError with one line."""
        path = path or Path(__file__).with_name("policy.yaml")
        try:
            return cls(**_read_policy(path))
        except OSError as failure:
            raise ValueError(f"screen policy {path}: {failure.strerror}") from failure
        except (ValueError, TypeError, LookupError, re.error) as failure:
            raise ValueError(f"screen policy {path}: {_one_line(failure)}") from failure

    def rule_for(self, name: str) -> Rule | None:
        """Return the rule with the longest pattern that covers a dotted name."""
        if rule := self.names.get(name):
            return rule
        while (end := name.rfind(".")) > 0:
            name = name[:end]
            if rule := self.names.get(name + ".*") or self.names.get(name):
                return rule
        return None

    def watched_in(self, module: str) -> Iterator[tuple[str, str]]:
        """Yield the names that `from module import *` may define and that a rule knows.

        Each comes as the local name and the full dotted name.
        """
        for name in (*self.names, *self.evaluators):
            parent, _, last = name.rpartition(".")
            if parent == module and last != "*":
                yield last, name


def _read_policy(path: Path) -> dict[str, Any]:
    """Read the fields of a `Policy`.

    A mistake in the file raises ValueError, TypeError, LookupError or re.error.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as failure:
        raise ValueError(str(failure)) from failure
    _check_keys(content, {"rules", "evaluators"}, "the file")
    names: dict[str, Rule] = {}
    attributes: dict[str, Rule] = {}
    through: dict[str, Rule] = {}
    strings: list[tuple[re.Pattern[str], Rule]] = []
    for title, entry in content["rules"].items():
        _check_keys(entry, {"level", "reason", *_PATTERNS}, f"rule {title!r}")
        rule = Rule(title, Level(entry["level"]), entry["reason"])
        for kind, index in (("names", names), ("attributes", attributes), ("through", through)):
            for pattern in entry.get(kind, ()):
                if pattern in index:
                    other = index[pattern].name
                    raise ValueError(f"{pattern!r} is in rule {other!r} and in rule {title!r}")
                index[pattern] = rule
        strings += [(re.compile(pattern), rule) for pattern in entry.get("strings", ())]
    return {
        "names": names,
        "attributes": attributes,
        "through": through,
        "strings": tuple(strings),
        "evaluators": frozenset(content.get("evaluators", ())),
    }


def _check_keys(value: object, known: set[str], where: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a mapping")
    if unknown := value.keys() - known:
        raise ValueError(f"{where}: unknown {sorted(unknown)}, known are {sorted(known)}")


def _one_line(failure: Exception) -> str:
    text = f"{failure.args[0]!r} is missing" if isinstance(failure, KeyError) else str(failure)
    return " ".join(text.split())
