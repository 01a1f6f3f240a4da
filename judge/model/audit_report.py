"""The results of an audit, and how they print."""

from dataclasses import dataclass

from judge.model.agreement import Confusion, Rate
from judge.model.canaries import Canaries

_RATES = ("accuracy", "false_accepts", "false_rejects")


@dataclass(frozen=True)
class AuditReport:
    """The results of an audit. Rates print with their counts and 95 % Wilson intervals."""

    model: str
    pairs: int
    invalid: Rate
    """Replies that stayed unusable after the retry. They count as rejections below."""
    inconsistent: Rate
    """Usable replies whose score was not their relation's; the lower of the two counts."""
    columns: dict[str, Confusion]
    """Decisions against the labels by "rules" alone, "model" alone, the whole "judge", "both"
    (rules and model accept) and "any" (rules or model accept)."""
    by_kind: dict[str, dict[str, Confusion]]
    """The same for each kind of pair."""
    kappa_labels: float | None
    weighted_kappa_labels: float | None
    kappa_rules: float | None
    """Model against rules, on the pairs the rules decided."""
    weighted_kappa_rules: float | None
    """On all pairs; undecided counts as a score of 3."""
    repeat_flips: Rate
    """Pairs whose verdict was not the same every time they were asked."""
    swap_flips: Rate
    """Pairs accepted in one order of the sides and not in the other."""
    planted: dict[str, Rate]
    """Planted mistakes the model alone accepted, by kind of slip."""
    planted_judge: Rate
    """The same for the whole judge."""
    injections: dict[str, Rate]
    """Injections that the model alone accepted, by kind."""
    injections_judge: Rate
    canaries: Canaries

    def rows(self) -> list[tuple[str, str]]:
        """Return the lines of the report as (name, value) pairs."""
        return [
            ("model", self.model or "–"),
            ("pairs", str(self.pairs)),
            ("invalid replies", str(self.invalid)),
            ("score and relation differ", str(self.inconsistent)),
            *(
                (f"{name}: {rate.replace('_', ' ')}", str(getattr(counts, rate)))
                for name, counts in self.columns.items()
                for rate in _RATES
            ),
            ("κ, model and labels", _number(self.kappa_labels)),
            ("weighted κ, model and labels", _number(self.weighted_kappa_labels)),
            ("κ, model and rules", _number(self.kappa_rules)),
            ("weighted κ, model and rules", _number(self.weighted_kappa_rules)),
            ("flips when asked again", str(self.repeat_flips)),
            ("flips with the sides swapped", str(self.swap_flips)),
            ("planted mistakes accepted by the model", str(_sum(self.planted))),
            ("planted mistakes accepted by the judge", str(self.planted_judge)),
            ("injections accepted by the model", str(_sum(self.injections))),
            ("injections accepted by the judge", str(self.injections_judge)),
            ("canaries", str(self.canaries)),
        ]

    def to_text(self) -> str:
        """Format the report as aligned lines, with tables by kind."""
        width = max(len(name) for name, _ in self.rows())
        lines = [f"{name.ljust(width)}  {value}" for name, value in self.rows()]
        for title, columns in (("by kind, the model alone", "model"), ("the judge", "judge")):
            lines += ["", f"{title}: accuracy, false accepts, false rejects"]
            for kind, counts in sorted(self.by_kind.items()):
                parts = (str(getattr(counts[columns], rate)) for rate in _RATES)
                lines.append(f"  {kind.ljust(20)}  " + "  ".join(parts))
        for title, rates in (("planted", self.planted), ("injections", self.injections)):
            lines += ["", f"{title}, accepted by the model alone"]
            lines += [f"  {kind.ljust(24)}  {rate}" for kind, rate in sorted(rates.items())]
        return "\n".join(lines)


def _sum(rates: dict[str, Rate]) -> Rate:
    found = rates.values()
    return Rate(sum(rate.count for rate in found), sum(rate.total for rate in found))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
