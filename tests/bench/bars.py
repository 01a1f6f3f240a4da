"""A bar: a ratio that a benchmark measured, and the limit it should keep."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """One bar of the project, and how far this machine is from it."""

    what: str
    ratio: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Tell whether the ratio keeps the limit."""
        low = self.at_least is None or self.ratio >= self.at_least
        return low and (self.at_most is None or self.ratio <= self.at_most)

    def __str__(self) -> str:
        wanted = f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
        verdict = "met" if self.met else "MISSED"
        return f"| {self.what} | {self.ratio:.2f} | {wanted} | {verdict} |"
