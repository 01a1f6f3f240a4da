"""How close a number is to the right one: Eq. 2 of arXiv 2507.10532."""

from fractions import Fraction


def closeness(found: Fraction | float, truth: Fraction | float) -> float:
    """Return 1 for the right number, less the farther away it is, and 0 for one far off.

    Half of it is lost by an absolute error of 1, the other half by a relative error of 1.
    """
    error = abs(float(found) - float(truth))
    relative = error / (abs(float(truth)) + 1e-6)
    return 1 - min(error, 1) / 2 - min(relative, 1) / 2
