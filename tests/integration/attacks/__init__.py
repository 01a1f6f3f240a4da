"""Hostile programs, and how each must end."""

from tests.integration.attacks.endings import DYING, SOURCE, STALLING
from tests.integration.attacks.files import FILES
from tests.integration.attacks.fork_server import CHANNEL, NEXT_PROGRAM, PROCESS_ONE
from tests.integration.attacks.kernel import NETWORK, PRIVILEGES, SYSTEM_CALLS
from tests.integration.attacks.ordinary import ORDINARY
from tests.integration.attacks.resources import MEMORY, OUTPUT, PROCESSES
from tests.integration.attacks.writing import Attack, all_at_once

__all__ = ["ATTACKS", "ATTACKS_IN_STRICT_MODE", "ORDINARY", "PROCESSES", "STALLING", "Attack"]

ATTACKS = [
    *PROCESSES,
    *STALLING,
    *DYING,
    *MEMORY,
    *OUTPUT,
    *FILES,
    *PROCESS_ONE,
    *CHANNEL,
    *PRIVILEGES,
    *SYSTEM_CALLS,
    all_at_once("forbidden system calls one after another", SYSTEM_CALLS),
    *NETWORK,
    *NEXT_PROGRAM,
    *SOURCE,
]

# Strict mode needs a second for each program, so calls that differ in a number go there together.
ATTACKS_IN_STRICT_MODE = [attack for attack in ATTACKS if attack not in SYSTEM_CALLS]
