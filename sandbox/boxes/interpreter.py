"""Finds the files that a box without an image needs: this Python, its libraries, the C library.

Nothing else of the host is made visible. Packages are found where they are imported from, so a
virtual environment, conda, pyenv and uv all work.
"""

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox.execution import SandboxError

LIBRARIES = ("numpy", "scipy", "sympy", "mpmath", "networkx", "pandas", "dateutil", "six")
_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives")
"""Files of the dynamic loader, and Debian's links to its linear algebra libraries."""
_BOX_S_OWN = ("/tmp/", "/dev/", "/proc/")
"""Folders of which a box has its own."""
_ELSEWHERE = "/opt/host"
ZYGOTE = Path(__file__).parents[1] / "zygote"


@dataclass(frozen=True)
class Interpreter:
    """A Python and the folders it needs."""

    executable: str
    prefix: str
    site: tuple[str, ...]
    """Folders that libraries are imported from."""

    def folders(self) -> tuple[str, ...]:
        """List the folders to make readable in addition to the system's, without nested ones."""
        wanted = {self.prefix, *self.site}
        inside_another = {
            path
            for path in wanted
            if any(_is_inside(path, other) for other in (*(wanted - {path}), *_SYSTEM))
        }
        return tuple(sorted(wanted - inside_another))

    def hidden(self) -> bool:
        """Tell whether a box that has a /tmp of its own would hide some of its files."""
        return any(path.startswith(_BOX_S_OWN) for path in (*self.folders(), str(ZYGOTE)))


def this_interpreter() -> Interpreter:
    """Describe the Python that runs this. Raises SandboxError when a library is missing."""
    site: dict[str, None] = {}
    missing = []
    for name in LIBRARIES:
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            depth = 2 if found.submodule_search_locations else 1
            site[str(Path(found.origin).resolve().parents[depth - 1])] = None
        elif name not in ("dateutil", "six"):
            missing.append(name)
    if missing:
        raise SandboxError(
            f"this Python lacks {', '.join(missing)}, which programs need: pip install them"
        )
    base = Path(sys.base_prefix).resolve()
    executable = Path(sys.executable).resolve()
    return Interpreter(str(executable), str(base), tuple(site))


def in_box(path: str) -> str:
    """Return where a box shows a path of the host: where it lies, unless the box hides that."""
    return f"{_ELSEWHERE}{path}" if path.startswith(_BOX_S_OWN) else path


def system_folders() -> tuple[list[str], list[tuple[str, str]], list[str]]:
    """List the system's folders, the links to them as (target, path), and the loader's files."""
    real = [path for path in _SYSTEM if os.path.isdir(path) and not os.path.islink(path)]
    links = [(os.readlink(path), path) for path in _SYSTEM if os.path.islink(path)]
    return real, links, [path for path in _SYSTEM_FILES if os.path.exists(path)]


def environment(zygote_parent: str) -> dict[str, str]:
    """Return the whole environment of a fork server. It contains nothing of the host's."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": zygote_parent,
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


def _is_inside(path: str, folder: str) -> bool:
    return path != folder and path.startswith(folder.rstrip("/") + "/")
