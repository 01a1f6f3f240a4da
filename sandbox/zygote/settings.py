"""What the host tells the fork server: once about the box, then with every program its limits."""

from dataclasses import dataclass

LONGEST = 3
"""So many times its seconds a program may take, when others keep the processors from it."""


@dataclass(frozen=True)
class Box:
    """The box as the host built it around this process."""

    site: tuple[str, ...]
    """Folders the libraries are imported from."""
    user: int | None
    """The user programs run as. None: the fork server's own, in a box that has no other."""
    scratch: str
    """The folder programs may write to; they run in a folder inside it."""
    other_scratch: tuple[str, ...]
    """Further folders that any process may write to, emptied as well."""
    sockets: bool
    """Unix sockets are allowed. Only in a box that holds no socket of the host."""
    cgroup: bool
    """The kernel counts the memory and processes of the whole box."""
    landlock: bool
    """The host's files are in sight and have to be closed to the program."""
    readable: tuple[str, ...] = ()
    """With landlock: what programs may read."""
    namespaces: bool = False
    """The fork server has to take itself into namespaces first."""
    signals: bool = True
    """Programs may send signals. Only where they can see no process but their own."""
    scratch_mb: int = 64
    """With namespaces: the size of the folders it then mounts."""


@dataclass(frozen=True)
class Allowance:
    """What one program may use; the host's `Limits`, spelt out."""

    seconds: float
    cpu_seconds: float
    memory_mb: int
    processes: int
    output_kb: int
    file_mb: int
    scratch_mb: int
    open_files: int
