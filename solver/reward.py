"""Give the reward functions a short address, also as a file: trainers load it by its path."""

from solver.bridges.reward import (
    close,
    code_reward,
    compute_code_score,
    compute_score,
    configure,
    reward,
    reward_func,
)

__all__ = [
    "close",
    "code_reward",
    "compute_code_score",
    "compute_score",
    "configure",
    "reward",
    "reward_func",
]
