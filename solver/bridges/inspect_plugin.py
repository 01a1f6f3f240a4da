"""What the entry point of inspect_ai loads: scorer, sandbox and task, registered by importing."""

from solver.bridges.inspect_sandbox import SolverSandbox
from solver.bridges.inspect_scorer import solver_judge
from solver.bridges.inspect_task import code, math_code

__all__ = ["SolverSandbox", "code", "math_code", "solver_judge"]
