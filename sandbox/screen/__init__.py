"""The safety screen: judges a program by its syntax tree, before it runs.

It is a lint and a statistic, **not the boundary**: the sandbox is the boundary. The screen gives a
model a readable reason early, and gives a run a count of programs that tried something odd. Anyone
who wants to get past it can. It misses the following; the list is held by tests in
`tests/unit/test_sandbox_screen.py`:

- names computed at run time: `"".join`, `chr`, slices, `.format`, f-strings, `.replace`
- strings that sympy, numpy or pandas evaluate, unless they are constants
- objects passed on through a list, a dictionary, a parameter, an attribute of an instance, `map` or
  a decorator; a module reached under a name that the policy does not list
- methods of objects (`Path("x").unlink()`): the screen knows imports and names, not types
- files read by paths computed at run time, or by a module the policy does not list
"""

from sandbox.screen.findings import MAX_CHARACTERS, screen
from sandbox.screen.policy import Policy

__all__ = ["MAX_CHARACTERS", "Policy", "screen"]
