"""Templates of the starter set's problems in number theory."""

from collections.abc import Iterator
from itertools import count
from math import gcd, isqrt, lcm

from solver.problems.templates import Template
from solver.problems.templates.tex import is_square


def _factors(n: int) -> dict[int, int]:
    """Return the prime factors with their powers."""
    found: dict[int, int] = {}
    for prime in range(2, n + 1):
        while n % prime == 0:
            found[prime] = found.get(prime, 0) + 1
            n //= prime
    return found


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _in_base(n: int, b: int) -> int:
    """Return the digits in a base, read as if they were decimal."""
    return n and 10 * _in_base(n // b, b) + n % b


def _remainders(r: int, m: int, s: int, n: int, t: int, p: int) -> int:
    return next(x for x in count(1) if (x % m, x % n, x % p) == (r, s, t))


def _coprime(r: int, m: int, s: int, n: int, t: int, p: int) -> bool:
    pairs = gcd(m, n) == gcd(m, p) == gcd(n, p) == 1
    return pairs and 0 < r < m and 0 < s < n and 0 < t < p and r < s < t


def _whole_at(a: int, b: int, c: int, d: int) -> list[int]:
    """Return every n for which (an + b) / (cn + d) is whole; c must divide a."""
    rest = abs(b - a // c * d)
    return [
        (divisor - d) // c
        for size in _divisors(rest)
        for divisor in (size, -size)
        if (divisor - d) % c == 0
    ]


def _set(values: list[int]) -> str:
    return rf"\{{{', '.join(map(str, sorted(values)))}\}}"


def _zeros(n: int, b: int) -> int:
    """Count the zeros at the end of n! in base b, by Legendre's formula."""

    def power(prime: int) -> int:
        return sum(n // prime**k for k in range(1, n.bit_length() + 1))

    return min(power(prime) // times for prime, times in _factors(b).items())


def _sums_divisible(s: int) -> int:
    """Return the least n such that s divides the digit sums of n and n + 1.

    It ends in k nines with s | 9k - 1, the fewest that do, after a beginning that ends in no nine.
    """
    nines = next(k for k in count(1) if (9 * k - 1) % s == 0)
    wanted = -9 * nines % s
    start = next(n for n in count(1) if n % 10 != 9 and sum(map(int, str(n))) % s == wanted)
    return int(str(start) + "9" * nines)


def _hyperbola(a: int, b: int, n: int) -> list[tuple[int, int]]:
    """Return the positive (x, y) with x² - axy + by² = n, by the two linear factors."""
    root = isqrt(a * a - 4 * b)
    p, q = (a - root) // 2, (a + root) // 2

    def solutions() -> Iterator[tuple[int, int]]:
        for d in _divisors(n):
            for first, second in ((d, n // d), (-d, -n // d)):
                y, rest = divmod(first - second, q - p)
                if rest == 0 and y > 0 and first + p * y > 0:
                    yield first + p * y, y

    return sorted(solutions())


TEMPLATES = {
    "1/1": Template("a b", lambda a, b: gcd(a, b), lambda a, b: 5 < gcd(a, b) < min(a, b)),
    "1/2": Template("a b", lambda a, b: a % b, lambda a, b: a % b > 1 and b > 9),
    "1/3": Template("n", lambda n: len(_divisors(n)), lambda n: len(_divisors(n)) > 8),
    "2/1": Template("n b", _in_base, ranges={"b": (3, 9)}),
    "2/2": Template(
        "a m b n",
        lambda a, m, b, n: (pow(a, m, 10) + pow(b, n, 10)) % 10,
        lambda a, m, b, n: a != b,
        ranges={"a": (2, 9), "b": (2, 9), "m": (1001, 3000), "n": (1001, 3000)},
    ),
    "2/3": Template(
        "a b c",
        lambda a, b, c: lcm(a, b, c) // 60,
        lambda a, b, c: len({a, b, c}) == 3 and lcm(a, b, c) % 60 == 0 and lcm(a, b, c) < 12_000,
    ),
    "3/1": Template(
        "r m s n t p",
        lambda r, m, s, n, t, p: _remainders(r, m, s, n, t, p),
        _coprime,
    ),
    "3/2": Template(
        "a b c d",
        lambda a, b, c, d: _set(_whole_at(a, b, c, d)),
        lambda a, b, c, d: (
            a % c == 0 and a != c and b != a // c * d and 3 <= len(_whole_at(a, b, c, d)) <= 8
        ),
        ranges={"c": (2, 4), "a": (4, 12)},
    ),
    "3/3": Template(
        "_ m a _ m",
        lambda m, a: pow(a, -1, m),
        lambda m, a: a < m and gcd(a, m) == 1 and a > 3,
    ),
    "4/1": Template(
        "_ n a b c",
        lambda n, a, b, c: sum(
            (k % a == 0) + (k % b == 0) + (k % c == 0) == 1 for k in range(1, n + 1)
        ),
        lambda n, a, b, c: a < b < c and b % a and c % a and c % b,
    ),
    "4/2": Template("n b", _zeros, lambda n, b: len(_factors(b)) > 1, ranges={"b": (6, 30)}),
    "4/3": Template(
        "a n m",
        lambda a, n, m: pow(a, n, m),
        lambda a, n, m: gcd(a, m) == 1 and pow(a, n, m) > 1,
    ),
    "5/1": Template(
        "p q _ n",
        lambda p, q, n: len(_divisors(p * q * n * n)),
        ranges={"p": (2, 5), "q": (2, 7), "n": (4, 20)},
    ),
    "5/2": Template("_ s", _sums_divisible, lambda s: s % 3 != 0, ranges={"s": (7, 20)}),
    "5/3": Template(
        "_ a b _ n",
        lambda a, b, n: ", ".join(f"({x}, {y})" for x, y in _hyperbola(a, b, n)),
        lambda a, b, n: (
            a * a > 4 * b and is_square(a * a - 4 * b) and 2 <= len(_hyperbola(a, b, n)) <= 6
        ),
        ranges={"n": (12, 90)},
    ),
}
