"""Programs that stall, or end in every possible way, and programs that are no Python."""

from tests.integration.attacks.writing import (
    ANY,
    CRASHED,
    KILLED,
    OK,
    OUT_OF_MEMORY,
    OUTPUT_LIMIT,
    TIMEOUT,
    Attack,
    attack,
)

# A row is a name, how the program may end, and the program.
# fmt: off
STALLING = [
    attack("endless loop", TIMEOUT, "while True: pass"),
    attack("sleeps, and what it said before is kept", TIMEOUT, """
        import time
        print("said before")
        time.sleep(1000)
    """, says="said before"),
    attack("ignores every signal", TIMEOUT, """
        import signal
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True: pass
    """),
    attack("catches everything", TIMEOUT, """
        while True:
            try:
                while True: pass
            except BaseException:
                pass
    """),
    attack("calls itself what is no text", OK, r"""
        import ctypes, time
        for name in (b"\xff) R", b"\rThreads:x"):
            ctypes.CDLL(None).prctl(15, name, 0, 0, 0)  # PR_SET_NAME
            time.sleep(0.3)
        print(42)
    """, says="42"),
    attack("stops itself", TIMEOUT, "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"),
    attack("hangs at its exit", TIMEOUT, """
        import atexit, time
        atexit.register(time.sleep, 1000)
        print("main part done")
    """, says="main part done"),
    attack("leaves a thread running", TIMEOUT, """
        import threading, time
        threading.Thread(target=time.sleep, args=(1000,)).start()
    """),
    attack("catastrophic regular expression", TIMEOUT, """
        import re
        re.match(r"(a+)+$", "a" * 60 + "b")
    """),
    attack("one long operation inside C", TIMEOUT, "print(sum(range(10**12)))"),
    attack("huge power", (TIMEOUT, OUT_OF_MEMORY), "print(len(str(7 ** 10**9)))"),
    attack("sympy that never ends", (TIMEOUT, OUT_OF_MEMORY), """
        from sympy import factorint
        print(factorint(2**1277 - 1))
    """),
    attack("error message that hangs", TIMEOUT, """
        class Stubborn(Exception):
            def __str__(self):
                while True: pass
        raise Stubborn
    """),
    attack("hook for errors that hangs", TIMEOUT, """
        import sys, time
        sys.excepthook = lambda *_: time.sleep(1000)
        1 / 0
    """),
    attack("finaliser that hangs", TIMEOUT, """
        import time
        class Last:
            def __del__(self): time.sleep(1000)
        last = Last()
        del last
    """),
    attack("reads from standard input for ever", OK, """
        import sys
        print("read", repr(sys.stdin.read()))
    """, says="read ''"),
]

DYING = [
    attack("kills itself", KILLED, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    attack("aborts", KILLED, "import os; os.abort()"),
    attack("reads address zero", KILLED, "import ctypes; ctypes.string_at(0)"),
    attack("interrupts itself", (CRASHED, KILLED), """
        import os, signal
        os.kill(os.getpid(), signal.SIGINT)
    """),
    attack("recursion without a limit", (CRASHED, KILLED, OUT_OF_MEMORY, TIMEOUT), """
        import sys
        sys.setrecursionlimit(10**9)
        def down(): down()
        down()
    """),
    attack("recursion inside C", (CRASHED, KILLED, OUT_OF_MEMORY, TIMEOUT), """
        import sys
        sys.setrecursionlimit(10**9)
        nest = []
        for _ in range(10**6):
            nest = [nest]
        print(len(repr(nest)))
    """),
    attack("leaves with a number", CRASHED, "import sys; sys.exit(3)"),
    attack("leaves with a number that is a multiple of 256", (OK, CRASHED), "exit(256)"),
    attack("leaves with words", CRASHED, "import sys; sys.exit('words')"),
    attack("raises what is no ordinary exception", CRASHED, "raise KeyboardInterrupt"),
    attack("error message that cannot be made", CRASHED, """
        class Broken(Exception):
            def __str__(self): raise self
        raise Broken
    """),
    attack("error message of a hundred megabytes", (CRASHED, OUTPUT_LIMIT), """
        raise ValueError("x" * 10**8)
    """),
    attack("replaces the way out", (OK, CRASHED), """
        import os, sys
        os._exit = sys.exit = lambda *_: None
        print("still here")
    """, says="still here"),
    attack("breaks what runs at its end", (OK, CRASHED), """
        import atexit, sys, threading
        threading._shutdown = None
        atexit._run_exitfuncs = None
        sys.stdout.flush = None
        sys.excepthook = None
    """),
    attack("empties every namespace above it", ANY, """
        import sys
        frame = sys._getframe()
        frames = []
        while frame:
            frames.append(frame)
            frame = frame.f_back
        for frame in frames[1:]:
            frame.f_globals.clear()
    """),
    attack("closes and empties every object it can find", ANY, """
        import gc
        for thing in gc.get_objects():
            try:
                if hasattr(thing, "close"): thing.close()
                if isinstance(thing, dict) and thing is not globals(): thing.clear()
            except BaseException:
                pass
    """),
]

SOURCE = [
    attack("program that is no Python", CRASHED, "this is no Python"),
    Attack("program with a zero in it", (CRASHED,), "print(1)\0print(2)"),
    Attack("program with a lone surrogate", (OK, CRASHED), "print('\ud800')"),
    Attack("program that starts with a byte order mark", (OK, CRASHED), "\ufeffprint(1)"),
    Attack("program that claims another encoding", (OK,), "# coding: utf-7\nprint('+AGE-')\n"),
    Attack("program with no end of brackets", (CRASHED, OUTPUT_LIMIT), "(" * 100_000),
    Attack("program too deep for the compiler", ANY, "print(" + "-" * 50_000 + "1)"),
    Attack("program of a hundred thousand sums", ANY, "print(" + "1+" * 100_000 + "1)"),
    Attack("program of ten megabytes", ANY, "x = 1\n" * 1_700_000 + "print(x)"),
    Attack("program that needs a gigabyte to compile", ANY, "x = ((((0,) * 9999999,) * 99,) * 9,)"),
    Attack("program of nothing", (OK,), ""),
]
