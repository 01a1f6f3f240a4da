"""Programs that attack the fork server or its channel, or the program after them."""

from tests.integration.attacks.writing import (
    ANY,
    CRASHED,
    KILLED,
    OK,
    OUT_OF_MEMORY,
    SYSTEM_CALL,
    TIMEOUT,
    attack,
    probing,
)

# A row is a name, how the program may end, and the program.
# fmt: off
PROCESS_ONE = [
    probing("reads the first process's secrets", """
        for name in ("environ", "mem", "maps", "fd", "fd/0", "root", "cwd", "exe", "stack", "io"):
            path = f"/proc/1/{name}"
            probe(path, lambda: os.listdir(path) if name == "fd" else open(path, "rb").read(1))
        for name in ("root", "cwd", "exe"):
            probe(name, lambda: os.readlink(f"/proc/1/{name}"))
    """),
    probing("signals the first process", """
        import signal
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGSEGV):
            for pid in (1, os.getppid()):
                try:
                    os.kill(pid, number)
                except OSError as failure:
                    print("held", failure)
                else:
                    print("held" if pid == 1 else "ESCAPED", "delivered, and the kernel drops it")
    """),
    attack("signals everything it can see", (OK, KILLED), """
        import os, signal
        try:
            os.kill(-1, signal.SIGKILL)
        except OSError as failure:
            print("held", failure)
        for pid in range(1, 5000):
            if pid != os.getpid():
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
    """),
    probing("slows the first process down", """
        probe("affinity", lambda: os.sched_setaffinity(1, {0}))
        probe("priority", lambda: os.setpriority(os.PRIO_PROCESS, 1, 19))
        probe("scheduler", lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)))
    """),
    probing("takes the first process's limits away", """
        import resource
        probe("prlimit", lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (1, 1)))
    """),
    probing("traces the first process", """
        probe("attach", lambda: call(101, 16, 1, 0, 0))
        probe("seize", lambda: call(101, 0x4206, 1, 0, 0))
    """, prelude=SYSTEM_CALL),
    probing("reads the first process's memory", """
        probe("process_vm_readv", lambda: call(310, 1, 0, 0, 0, 0, 0))
        probe("process_vm_writev", lambda: call(311, 1, 0, 0, 0, 0, 0))
    """, prelude=SYSTEM_CALL),
    probing("takes the first process's descriptors", """
        def steal():
            return call(438, os.pidfd_open(1), 1000, 0)
        probe("pidfd_getfd", steal)
    """, prelude=SYSTEM_CALL),
    probing("saves or condemns the first process", """
        for name in ("oom_score_adj", "clear_refs", "coredump_filter", "comm"):
            probe(name, lambda: put(f"/proc/1/{name}", "1"))
    """),
]

CHANNEL = [
    attack("writes to every descriptor there is", ANY, """
        import os
        frame = (16).to_bytes(4) + (0).to_bytes(4) + b'{"exit": "ok"}  '
        for number in range(3, 70_000):
            try:
                os.write(number, frame)
            except OSError:
                continue
            print("ESCAPED", number)
    """),
    attack("closes every descriptor there is", (OK, CRASHED), """
        import os
        print("before", flush=True)
        os.closerange(0, 70_000)
    """, says="before"),
    probing("reaches the channel through the file system", """
        for pid in (1, os.getppid()):
            for number in (0, 1, 2, 3, 1000, 1001):
                probe(number, lambda: os.open(f"/proc/{pid}/fd/{number}", os.O_RDWR))
        for terminal in ("/dev/tty", "/dev/console", "/dev/pts/0"):
            probe(terminal, lambda: os.write(os.open(terminal, os.O_RDWR), b"x"))
    """),
    attack("forges a report on its output", CRASHED, r"""
        import os, sys
        report = b'{"exit": "ok", "status": 0, "seconds": 0.0, "peak_memory_mb": 0}'
        sys.stdout.buffer.write(b"\0\0\0\x40\0\0\0\0" + report)
        sys.stdout.flush()
        os._exit(7)
    """, says='"exit"'),
    attack("claims to be out of memory", (CRASHED, OUT_OF_MEMORY), """
        import os, sys
        print("MemoryError", file=sys.stderr, flush=True)
        os._exit(1)
    """),
    attack("claims to have succeeded and stays", TIMEOUT, """
        import os, sys
        print("42", flush=True)
        os.close(1); os.close(2); os.close(0)
        os.setsid() if os.getsid(0) != os.getpid() else None
        while True: pass
    """, says="42"),
    probing("types into the terminal of the harness", """
        import fcntl
        for number in (0, 1, 2):
            probe("TIOCSTI", lambda: fcntl.ioctl(number, 0x5412, b"x"))
    """),
    probing("finds sockets or pipes of the fork server in memory", """
        import gc, socket, io
        found = []
        for thing in gc.get_objects():
            try:
                if isinstance(thing, (socket.socket, io.IOBase)) and thing.fileno() > 2:
                    found.append(thing)
            except Exception:
                pass
        print("ESCAPED" if found else "held", found)
    """),
    probing("looks for secrets of the harness", """
        seen = [dict(os.environ)]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                seen.append(open(f"/proc/{pid}/environ").read())
            except OSError:
                pass
        print("ESCAPED" if "HOST_SECRET" in str(seen) else "held")
    """),
]

NEXT_PROGRAM = [
    attack("changes mathematics for everybody", (OK, CRASHED), """
        import builtins, math, sys, sympy, numpy
        math.pi = 3
        numpy.pi = 3
        sympy.pi = 3
        sympy.integrate = numpy.dot = lambda *_: 0
        builtins.sum = builtins.len = lambda *_: 0
        sys.modules["fractions"] = None
        sympy.core.cache.clear_cache()
        print("changed")
    """, says="changed"),
    attack("changes the random numbers of the next program", OK, """
        import random, numpy, sympy
        random.seed(0); numpy.random.seed(0)
        print("seeded")
    """, says="seeded"),
    attack("leaves hooks for the next program", OK, """
        import builtins, sys, threading
        builtins.__import__ = lambda *_, **__: 1 / 0
        sys.settrace(lambda *_: None)
        sys.path.insert(0, "/tmp")
        sys.meta_path.clear()
        print("hooked")
    """, says="hooked"),
]
