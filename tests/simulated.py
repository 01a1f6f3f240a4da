"""Make this Python look like one on another machine, so that what is missing there is missing here.

`python -m tests.simulated mac FOLDER` makes a Python in FOLDER (a virtual environment over this
one) of which every process is like one on a Mac; `windows` and `bare` (no package but those that an
installation brings) likewise. What it covers: calls that are refused, functions and modules that do
not exist, the platform's name. What it does not: anything that the other system's kernel or
libraries do.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]

NOT_ON_MAC = {
    "os": (
        "sched_getaffinity", "memfd_create", "pipe2", "pidfd_open", "setresuid", "setresgid",
        "sched_setaffinity", "posix_fallocate", "unshare", "setns", "eventfd", "splice",
    ),
    "select": ("epoll",),
    "signal": ("pidfd_send_signal", "sigtimedwait", "sigwaitinfo", "SIGRTMIN"),
}  # fmt: skip
NOT_ON_WINDOWS = {
    "os": (
        *NOT_ON_MAC["os"], "fork", "forkpty", "killpg", "getuid", "geteuid", "getgid", "getegid",
        "setuid", "setgid", "setsid", "getpgid", "pwrite", "pread", "chown", "fchmod", "mkfifo",
        "getloadavg", "nice", "wait4", "posix_spawn", "O_CLOEXEC",
    ),
    "select": ("epoll", "poll"),
    "signal": (
        *NOT_ON_MAC["signal"], "SIGKILL", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "setitimer",
        "alarm", "pthread_sigmask",
    ),
}  # fmt: skip
MODULES_NOT_ON_WINDOWS = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog")


def become(machine: str) -> None:
    """Change this process. It is to be called before anything of the project is imported."""
    match machine:
        case "mac":
            _name_platform("darwin")
            _hide(NOT_ON_MAC)
            _refuse_address_space()
            _hide_proc()
        case "windows":
            _name_platform("win32")
            _hide(NOT_ON_WINDOWS)
            lack(MODULES_NOT_ON_WINDOWS)
            _kill_by_signal_0()
            _hide_proc()
        case _:
            raise ValueError(machine)


def lack(modules: Iterable[str]) -> None:
    """Refuse to import modules."""
    for name in modules:
        sys.modules[name] = None


def make_python(machine: str, folder: Path, extras: Iterable[str] = ()) -> Path:
    """Make a Python whose processes are like those of a machine; return its path.

    `extras` are those that a bare one was installed with.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    places = [str(ROOT), *(place for place in sys.path if place.endswith("site-packages"))]
    (site / "a_places.pth").write_text("\n".join(places) + "\n", encoding="utf-8")
    call = f"become({machine!r})" if machine != "bare" else f"lack({not_installed(extras)!r})"
    line = f"import tests.simulated; tests.simulated.{call}\n"
    (site / "z_machine.pth").write_text(line, encoding="utf-8")
    return folder / "bin" / "python"


def not_installed(extras: Iterable[str]) -> list[str]:
    """List the modules here that an installation of this project with `extras` does not bring."""
    import tomllib
    from importlib.metadata import distribution, packages_distributions

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    left = [(Requirement(line), {""}) for line in lines]
    brought = {(project["name"], "")}
    while left:
        wanted, asked = left.pop()
        if wanted.marker and not any(wanted.marker.evaluate({"extra": one}) for one in asked):
            continue
        name = canonicalize_name(wanted.name)
        new = {one for one in ("", *wanted.extras) if (name, one) not in brought}
        brought |= {(name, one) for one in new}
        if new:
            left += [(Requirement(line), new) for line in distribution(name).requires or ()]
    names = {name for name, _ in brought} | {"solver"}  # as it was called before
    return sorted(
        module
        for module, owners in packages_distributions().items()
        if not names & {canonicalize_name(owner) for owner in owners}
    )


def _name_platform(name: str) -> None:
    """Let `sys.platform` say `name` to this project's modules, and the truth to all others.

    A library that believed it would import what the other system has.
    """
    import filelock

    assert filelock.FileLock  # it looks once, when it is imported, at what is hidden below

    really = sys.platform

    class Platform(ModuleType):
        @property
        def platform(self) -> str:
            asking = sys._getframe(1).f_globals.get("__name__", "").partition(".")[0]
            return name if asking in ("solver", "judge", "sandbox", "__main__") else really

    sys.__class__ = Platform


def _hide(names: dict[str, tuple[str, ...]]) -> None:
    import select  # noqa: F401
    import signal  # noqa: F401

    for module, lacking in names.items():
        for name in lacking:
            vars(sys.modules[module]).pop(name, None)


def _refuse_address_space() -> None:
    """Answer RLIMIT_AS as macOS does: cpython#78783."""
    import resource

    really = resource.setrlimit

    def setrlimit(which: int, limits: tuple[int, int]) -> None:
        if which == resource.RLIMIT_AS:
            raise ValueError("current limit exceeds maximum limit")
        really(which, limits)

    resource.setrlimit = setrlimit


def _hide_proc() -> None:
    """Let no file of /proc be opened, but by psutil, which asks the real system."""

    def hook(event: str, arguments: tuple) -> None:
        if event not in ("open", "os.listdir", "os.scandir"):
            return
        path = arguments[0]
        if not isinstance(path, str) or not path.startswith("/proc"):
            return
        frame = sys._getframe()
        while frame is not None:
            if frame.f_globals.get("__name__", "").startswith("psutil"):
                return
            frame = frame.f_back
        raise FileNotFoundError(2, "No such file or directory", path)

    sys.addaudithook(hook)


def _kill_by_signal_0() -> None:
    """Let `os.kill(process, 0)` fail: on Windows it ends the process with exit code 0."""
    really = os.kill

    def kill(process: int, number: int) -> None:
        assert number != 0, "on Windows this ends the process"
        really(process, number)

    os.kill = kill


if __name__ == "__main__":
    print(make_python(sys.argv[1], Path(sys.argv[2])))
