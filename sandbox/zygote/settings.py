"""What the host sends the fork server: the box once, then the limits with every program."""

from dataclasses import dataclass

MOST_FILES = 4096
"""How many files and folders the scratch folders may hold, each."""


@dataclass(frozen=True)
class Box:
    """The box as the host built it around this process."""

    site: tuple[str, ...]
    """Folders that libraries are imported from."""
    user: int | None
    """The user id programs run as. None: the fork server's own user."""
    scratch: str
    """The folder programs may write to; they run in a folder inside it."""
    other_scratch: tuple[str, ...]
    """Other folders that any process may write to; they are emptied too."""
    sockets: bool
    """Allow unix sockets. Only for a box without sockets of the host."""
    cgroup: bool
    """The kernel limits the memory and processes of the whole box."""
    landlock: bool
    """Restrict files with landlock, because the host's files are visible in the box."""
    readable: tuple[str, ...] = ()
    """With landlock: what programs may read."""
    namespaces: bool = False
    """The fork server first moves itself into new namespaces."""
    signals: bool = True
    """Programs may send signals. Only where they see no processes but their own."""
    scratch_mb: int = 64
    """With namespaces: the size of the scratch folders that are mounted then."""


@dataclass(frozen=True)
class Allowance:
    """What one program may use: the host's `Limits` with every value filled in."""

    seconds: float
    wall_seconds: float
    """When it is stopped even if other processes kept it from running."""
    cpu_seconds: float
    memory_mb: int
    processes: int
    output_kb: int
    file_mb: int
    scratch_mb: int
    open_files: int
