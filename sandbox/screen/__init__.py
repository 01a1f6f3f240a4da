"""The safety screen: judges a program by its syntax tree, before it runs.

It is a lint, **not the protection**: that is the sandbox. The screen gives a model a readable
reason early, and lets a run count programs that tried something odd. Whoever wants to get past it
can. It misses the following, as tests in `tests/unit/test_sandbox_screen.py` show:

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
