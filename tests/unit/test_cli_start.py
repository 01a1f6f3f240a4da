"""Ctrl-C ends a command at once, without a traceback, also while it starts and ends."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
INTERRUPT = """
import sys
from solver.__main__ import main

class Interrupted:
    def find_spec(self, name, *where):
        if name == "solver.cli_pages":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
main()
"""
AT_EXIT = """
import atexit, signal, sys
from solver.__main__ import main

{before}
atexit.register(lambda: print(signal.getsignal(signal.SIGINT).name))
sys.argv = ["solver", "--version"]
main()
"""


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120
    )


def test_an_interrupt_while_modules_are_imported_is_silent():
    done = python(INTERRUPT)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_an_interrupt_while_the_process_ends_ends_it():
    done = python(AT_EXIT.format(before=""))
    assert done.stdout.splitlines()[-1] == "SIG_DFL"


def test_an_interrupt_that_the_caller_ignores_stays_ignored():
    done = python(AT_EXIT.format(before="signal.signal(signal.SIGINT, signal.SIG_IGN)"))
    assert done.stdout.splitlines()[-1] == "SIG_IGN"


def test_the_installed_command_starts_so():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    module, _, name = tomllib.loads(text)["project"]["scripts"]["solver"].partition(":")
    assert module == "solver.__main__"
    assert callable(getattr(import_module(module), name))
