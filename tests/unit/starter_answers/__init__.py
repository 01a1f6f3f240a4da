"""The answer of each starter problem, computed again from the words of the question.

Each entry counts, solves or simulates; none is told the answer. Numbers are exact: ints, Fractions
and sympy expressions. A list is a set of answers in any order; a tuple is an ordered one.
"""

from tests.unit.starter_answers import (
    algebra,
    counting_and_probability,
    geometry,
    intermediate_algebra,
    number_theory,
    prealgebra,
    precalculus,
)

ANSWERS = {
    **algebra.ANSWERS,
    **counting_and_probability.ANSWERS,
    **geometry.ANSWERS,
    **intermediate_algebra.ANSWERS,
    **number_theory.ANSWERS,
    **prealgebra.ANSWERS,
    **precalculus.ANSWERS,
}
