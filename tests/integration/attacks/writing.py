"""What an attack is, and how its program is written.

A program that tries something forbidden prints `held` when it was refused and `ESCAPED` when it was
not. `HOST_CANARY` in a program becomes the path of a file on the host that nothing may read or
write, `HOST_SECRET` the name of an environment variable of the test process.
"""

from dataclasses import dataclass
from textwrap import dedent

from sandbox import Exit

OK, CRASHED, TIMEOUT = Exit.OK, Exit.CRASHED, Exit.TIMEOUT
OUT_OF_MEMORY, OUTPUT_LIMIT, KILLED = Exit.OUT_OF_MEMORY, Exit.OUTPUT_LIMIT, Exit.KILLED
ANY = tuple(Exit)


@dataclass(frozen=True)
class Attack:
    """One hostile program."""

    name: str
    exits: tuple[Exit, ...]
    """How it may end. More than one only where the machine decides which limit comes first."""
    program: str
    says: str = ""
    """Must be in its stdout: proof that the attack ran as far as it was meant to."""


PROBE = """
import os, sys
def probe(what, action):
    try:
        result = action()
    except Exception as failure:
        print("held", what, type(failure).__name__, failure)
    else:
        print("ESCAPED", what, result)
def put(path, text="x"):
    with open(path, "wb", buffering=0) as file:  # else a refusal would come after the proof
        return file.write(text.encode())
"""
"""For attacks that try an action which must fail. What is printed is the proof."""

SYSTEM_CALL = (
    PROBE
    + """
import ctypes, errno, platform
library = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    if platform.machine() != "x86_64":
        raise OSError(errno.ENOSYS, "numbers of another architecture")
    result = library.syscall(number, *arguments)
    code = ctypes.get_errno()
    if result == -1 and code in (errno.EPERM, errno.EACCES, errno.ENOSYS):
        raise OSError(code, os.strerror(code))
    return result, os.strerror(code)
"""
)
"""For attacks that try system calls. Any error but a refusal means that the kernel would do it."""


def attack(name: str, exits: Exit | tuple[Exit, ...], program: str, says: str = "") -> Attack:
    exits = exits if isinstance(exits, tuple) else (exits,)
    return Attack(name, exits, dedent(program).lstrip("\n"), says)


def probing(name: str, program: str, *, prelude: str = PROBE) -> Attack:
    return Attack(name, (OK,), prelude + dedent(program), says="held")


def system_call(name: str, number: int, arguments: str) -> Attack:
    program = f"probe({name!r}, lambda: call({number}, {arguments}))\n"
    return probing(f"system call {name}", program, prelude=SYSTEM_CALL)


def all_at_once(name: str, attacks: list[Attack]) -> Attack:
    rows = "".join(attack.program.removeprefix(SYSTEM_CALL) for attack in attacks)
    return probing(name, rows, prelude=SYSTEM_CALL)
