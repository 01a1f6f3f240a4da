"""Programs that use up processes, memory or output."""

from tests.integration.attacks.writing import (
    CRASHED,
    KILLED,
    OK,
    OUT_OF_MEMORY,
    OUTPUT_LIMIT,
    TIMEOUT,
    attack,
    probing,
)

# A row is a name, how the program may end, and the program.
# fmt: off
PROCESSES = [
    attack("fork bomb", TIMEOUT, """
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
    """),
    attack("fork chain that changes its process id", OK, """
        import os
        print("moving", flush=True)
        for _ in range(10**9):
            try:
                if os.fork():
                    os._exit(0)
            except OSError:
                pass
    """, says="moving"),
    attack("daemon with a session of its own", OK, """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True:
                    open("left-behind", "w").write("x")
                    time.sleep(0.01)
            os._exit(0)
        print("daemon started")
    """, says="daemon started"),
    attack("zombies", OK, """
        import os
        for _ in range(15):
            if os.fork() == 0:
                os._exit(0)
        print("left them unburied")
    """, says="left them unburied"),
    attack("thread bomb", TIMEOUT, """
        import threading, time
        while True:
            try:
                threading.Thread(target=time.sleep, args=(1000,)).start()
            except RuntimeError:
                time.sleep(1000)
    """),
    attack("helper program that outlives it", OK, """
        import subprocess
        subprocess.Popen(["sleep", "1000"])
        print("sleeper started")
    """, says="sleeper started"),
    attack("child that keeps the output open", OK, """
        import os, time
        print("parent done", flush=True)
        if os.fork() == 0:
            time.sleep(1000)
            print("late word")
    """, says="parent done"),
    attack("child that forgets its parent", OK, """
        import ctypes, os, time
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(1, 0)  # PR_SET_PDEATHSIG: no signal when the parent dies
            time.sleep(1000)
        print("parent done")
    """, says="parent done"),
    attack("processor burned by many children", TIMEOUT, """
        import os
        for _ in range(8):
            if os.fork() == 0:
                while True:
                    pass
        while True:
            pass
    """),
    attack("process ids used up as fast as possible", TIMEOUT, """
        import os
        while True:
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
    """),
    attack("becomes another program", OK, """
        import os, sys
        os.execv(sys.executable, [sys.executable, "-c", "print('another program')"])
    """, says="another program"),
    attack("becomes a shell that bombs", (TIMEOUT, CRASHED), """
        import os
        os.execv("/bin/sh", ["sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 1000"])
    """),
]

MEMORY = [
    attack("list without end", OUT_OF_MEMORY, """
        hoard = []
        while True:
            hoard.append(bytearray(2**20))
    """),
    attack("numpy array beyond the limit", OUT_OF_MEMORY, """
        import numpy
        print(numpy.ones((40_000, 40_000)).sum())
    """),
    attack("many numpy arrays", OUT_OF_MEMORY, """
        import numpy
        hoard = []
        while True:
            hoard.append(numpy.ones(10**6))
    """),
    attack("terabyte asked for at once", OUT_OF_MEMORY, "print(len('x' * 10**12))"),
    attack("memory shared with nobody", OUT_OF_MEMORY, """
        import mmap
        hoard = []
        while True:
            shared = mmap.mmap(-1, 2**24)
            for page in range(0, 2**24, 4096):
                shared[page] = 1
            hoard.append(shared)
    """),
    attack("many children with a little each", (OUT_OF_MEMORY, TIMEOUT, KILLED), """
        import os, time
        for _ in range(16):
            if os.fork() == 0:
                hoard = []
                try:
                    while len(hoard) < 100:
                        hoard.append(bytearray(os.urandom(2**20)))
                        time.sleep(0.001)
                finally:
                    time.sleep(1000)
        time.sleep(1000)
    """),
    attack("recovers from want of memory", (OK, OUT_OF_MEMORY), """
        hoard = []
        try:
            while True:
                hoard.append(bytearray(2**20))
        except MemoryError:
            hoard.clear()
            print("recovered")
    """),
    attack("files that live in memory alone", (OK, CRASHED, OUT_OF_MEMORY), """
        import os
        held = []
        for number in range(1000):
            held.append(os.memfd_create(str(number)))
            os.write(held[-1], bytes(2**22))
    """),
    attack("pipes filled to the brim", (OK, CRASHED, OUT_OF_MEMORY, TIMEOUT), """
        import fcntl, os
        for _ in range(10**4):
            _, end = os.pipe()
            os.set_blocking(end, False)
            try:
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 2**20)
            except OSError:
                pass
            os.write(end, bytes(2**20))
    """),
    probing("raises its own limits", """
        import resource
        for name in ("RLIMIT_DATA", "RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE"):
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            probe(name, lambda: resource.setrlimit(getattr(resource, name), unlimited))
    """),
    probing("asks to be spared by the killer of processes", """
        probe("oom_score_adj", lambda: put("/proc/self/oom_score_adj", "-1000"))
    """),
]

OUTPUT = [
    attack("stdout without end", OUTPUT_LIMIT, "while True: print('x' * 1000)"),
    attack("stderr without end", OUTPUT_LIMIT, """
        import sys
        while True: print('x' * 1000, file=sys.stderr)
    """),
    attack("one line of a hundred megabytes", OUTPUT_LIMIT, "print('x' * 10**8)"),
    attack("writes past Python's streams", OUTPUT_LIMIT, """
        import os
        while True: os.write(1, bytes(65536))
    """),
    attack("output of many children at once", OUTPUT_LIMIT, """
        import os
        os.fork(); os.fork(); os.fork()
        while True: os.write(1, b"noise" * 100)
    """),
    attack("bytes that are no text", OK, r"""
        import sys
        sys.stdout.buffer.write(bytes(range(256)) + b"\xed\xa0\x80\xff\xfe end")
    """, says="end"),
    attack("lone surrogates and zeros", OK, r"""
        print("\ud800\udfff\0\x1b[2J end")
    """, says="end"),
    attack("closes its own output", (OK, CRASHED), """
        import os
        print("before", flush=True)
        os.close(1); os.close(2)
        print("after")
    """, says="before"),
    attack("closes its output and goes on", TIMEOUT, """
        import os
        os.close(1); os.close(2)
        while True: pass
    """),
    attack("replaces its output by nonsense", (OK, CRASHED), """
        import sys
        print("before", flush=True)
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = 7
        print("after")
    """, says="before"),
]
