"""Hostile programs, and how each must end.

A program that tries something forbidden prints `held` when it was refused and `ESCAPED` when it was
not. `HOST_CANARY` in a program becomes the path of a file on the host that nothing may read or
write, `HOST_SECRET` the name of an environment variable of the harness. Programs that only prove
that ordinary things still work are in `ORDINARY`.
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


# Tries an action that must fail. What it prints is the proof.
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

# Tries system calls. An error other than "you may not" means that the kernel would have done it.
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


def _attack(name: str, exits: Exit | tuple[Exit, ...], program: str, says: str = "") -> Attack:
    exits = exits if isinstance(exits, tuple) else (exits,)
    return Attack(name, exits, dedent(program).lstrip("\n"), says)


def _probe(name: str, program: str, *, prelude: str = PROBE) -> Attack:
    return Attack(name, (OK,), prelude + dedent(program), says="held")


def _system_call(name: str, number: int, arguments: str) -> Attack:
    program = f"probe({name!r}, lambda: call({number}, {arguments}))\n"
    return _probe(f"system call {name}", program, prelude=SYSTEM_CALL)


def _all_at_once(name: str, attacks: list[Attack]) -> Attack:
    rows = "".join(attack.program.removeprefix(SYSTEM_CALL) for attack in attacks)
    return _probe(name, rows, prelude=SYSTEM_CALL)


# A row is a name, how the program may end, and the program.
# fmt: off
PROCESSES = [
    _attack("fork bomb", TIMEOUT, """
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
    """),
    _attack("fork chain that changes its process id", OK, """
        import os
        print("moving", flush=True)
        for _ in range(10**9):
            try:
                if os.fork():
                    os._exit(0)
            except OSError:
                pass
    """, says="moving"),
    _attack("daemon with a session of its own", OK, """
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
    _attack("zombies", OK, """
        import os
        for _ in range(15):
            if os.fork() == 0:
                os._exit(0)
        print("left them unburied")
    """, says="left them unburied"),
    _attack("thread bomb", TIMEOUT, """
        import threading, time
        while True:
            try:
                threading.Thread(target=time.sleep, args=(1000,)).start()
            except RuntimeError:
                time.sleep(1000)
    """),
    _attack("helper program that outlives it", OK, """
        import subprocess
        subprocess.Popen(["sleep", "1000"])
        print("sleeper started")
    """, says="sleeper started"),
    _attack("child that keeps the output open", OK, """
        import os, time
        print("parent done", flush=True)
        if os.fork() == 0:
            time.sleep(1000)
            print("late word")
    """, says="parent done"),
    _attack("child that forgets its parent", OK, """
        import ctypes, os, time
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(1, 0)  # PR_SET_PDEATHSIG: no signal when the parent dies
            time.sleep(1000)
        print("parent done")
    """, says="parent done"),
    _attack("processor burned by many children", TIMEOUT, """
        import os
        for _ in range(8):
            if os.fork() == 0:
                while True:
                    pass
        while True:
            pass
    """),
    _attack("process ids used up as fast as possible", TIMEOUT, """
        import os
        while True:
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
    """),
    _attack("becomes another program", OK, """
        import os, sys
        os.execv(sys.executable, [sys.executable, "-c", "print('another program')"])
    """, says="another program"),
    _attack("becomes a shell that bombs", (TIMEOUT, CRASHED), """
        import os
        os.execv("/bin/sh", ["sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 1000"])
    """),
]

STALLING = [
    _attack("endless loop", TIMEOUT, "while True: pass"),
    _attack("sleeps, and what it said before is kept", TIMEOUT, """
        import time
        print("said before")
        time.sleep(1000)
    """, says="said before"),
    _attack("ignores every signal", TIMEOUT, """
        import signal
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True: pass
    """),
    _attack("catches everything", TIMEOUT, """
        while True:
            try:
                while True: pass
            except BaseException:
                pass
    """),
    _attack("stops itself", TIMEOUT, "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"),
    _attack("hangs at its exit", TIMEOUT, """
        import atexit, time
        atexit.register(time.sleep, 1000)
        print("main part done")
    """, says="main part done"),
    _attack("leaves a thread running", TIMEOUT, """
        import threading, time
        threading.Thread(target=time.sleep, args=(1000,)).start()
    """),
    _attack("catastrophic regular expression", TIMEOUT, """
        import re
        re.match(r"(a+)+$", "a" * 60 + "b")
    """),
    _attack("one long operation inside C", TIMEOUT, "print(sum(range(10**12)))"),
    _attack("huge power", (TIMEOUT, OUT_OF_MEMORY), "print(len(str(7 ** 10**9)))"),
    _attack("sympy that never ends", (TIMEOUT, OUT_OF_MEMORY), """
        from sympy import factorint
        print(factorint(2**1277 - 1))
    """),
    _attack("error message that hangs", TIMEOUT, """
        class Stubborn(Exception):
            def __str__(self):
                while True: pass
        raise Stubborn
    """),
    _attack("hook for errors that hangs", TIMEOUT, """
        import sys, time
        sys.excepthook = lambda *_: time.sleep(1000)
        1 / 0
    """),
    _attack("finaliser that hangs", TIMEOUT, """
        import time
        class Last:
            def __del__(self): time.sleep(1000)
        last = Last()
        del last
    """),
    _attack("reads from standard input for ever", OK, """
        import sys
        print("read", repr(sys.stdin.read()))
    """, says="read ''"),
]

DYING = [
    _attack("kills itself", KILLED, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    _attack("aborts", KILLED, "import os; os.abort()"),
    _attack("reads address zero", KILLED, "import ctypes; ctypes.string_at(0)"),
    _attack("interrupts itself", (CRASHED, KILLED), """
        import os, signal
        os.kill(os.getpid(), signal.SIGINT)
    """),
    _attack("recursion without a limit", (CRASHED, KILLED, OUT_OF_MEMORY, TIMEOUT), """
        import sys
        sys.setrecursionlimit(10**9)
        def down(): down()
        down()
    """),
    _attack("recursion inside C", (CRASHED, KILLED, OUT_OF_MEMORY, TIMEOUT), """
        import sys
        sys.setrecursionlimit(10**9)
        nest = []
        for _ in range(10**6):
            nest = [nest]
        print(len(repr(nest)))
    """),
    _attack("leaves with a number", CRASHED, "import sys; sys.exit(3)"),
    _attack("leaves with a number that is a multiple of 256", (OK, CRASHED), "exit(256)"),
    _attack("leaves with words", CRASHED, "import sys; sys.exit('words')"),
    _attack("raises what is no ordinary exception", CRASHED, "raise KeyboardInterrupt"),
    _attack("error message that cannot be made", CRASHED, """
        class Broken(Exception):
            def __str__(self): raise self
        raise Broken
    """),
    _attack("error message of a hundred megabytes", (CRASHED, OUTPUT_LIMIT), """
        raise ValueError("x" * 10**8)
    """),
    _attack("replaces the way out", (OK, CRASHED), """
        import os, sys
        os._exit = sys.exit = lambda *_: None
        print("still here")
    """, says="still here"),
    _attack("breaks what runs at its end", (OK, CRASHED), """
        import atexit, sys, threading
        threading._shutdown = None
        atexit._run_exitfuncs = None
        sys.stdout.flush = None
        sys.excepthook = None
    """),
    _attack("empties every namespace above it", ANY, """
        import sys
        frame = sys._getframe()
        frames = []
        while frame:
            frames.append(frame)
            frame = frame.f_back
        for frame in frames[1:]:
            frame.f_globals.clear()
    """),
    _attack("closes and empties every object it can find", ANY, """
        import gc
        for thing in gc.get_objects():
            try:
                if hasattr(thing, "close"): thing.close()
                if isinstance(thing, dict) and thing is not globals(): thing.clear()
            except BaseException:
                pass
    """),
]

MEMORY = [
    _attack("list without end", OUT_OF_MEMORY, """
        hoard = []
        while True:
            hoard.append(bytearray(2**20))
    """),
    _attack("numpy array beyond the limit", OUT_OF_MEMORY, """
        import numpy
        print(numpy.ones((40_000, 40_000)).sum())
    """),
    _attack("many numpy arrays", OUT_OF_MEMORY, """
        import numpy
        hoard = []
        while True:
            hoard.append(numpy.ones(10**6))
    """),
    _attack("terabyte asked for at once", OUT_OF_MEMORY, "print(len('x' * 10**12))"),
    _attack("memory shared with nobody", OUT_OF_MEMORY, """
        import mmap
        hoard = []
        while True:
            shared = mmap.mmap(-1, 2**24)
            for page in range(0, 2**24, 4096):
                shared[page] = 1
            hoard.append(shared)
    """),
    _attack("many children with a little each", (OUT_OF_MEMORY, TIMEOUT, KILLED), """
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
    _attack("recovers from want of memory", (OK, OUT_OF_MEMORY), """
        hoard = []
        try:
            while True:
                hoard.append(bytearray(2**20))
        except MemoryError:
            hoard.clear()
            print("recovered")
    """),
    _attack("files that live in memory alone", (OK, CRASHED, OUT_OF_MEMORY), """
        import os
        held = []
        for number in range(1000):
            held.append(os.memfd_create(str(number)))
            os.write(held[-1], bytes(2**22))
    """),
    _attack("pipes filled to the brim", (OK, CRASHED, OUT_OF_MEMORY, TIMEOUT), """
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
    _probe("raises its own limits", """
        import resource
        for name in ("RLIMIT_DATA", "RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE"):
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            probe(name, lambda: resource.setrlimit(getattr(resource, name), unlimited))
    """),
    _probe("asks to be spared by the killer of processes", """
        probe("oom_score_adj", lambda: put("/proc/self/oom_score_adj", "-1000"))
    """),
]

OUTPUT = [
    _attack("stdout without end", OUTPUT_LIMIT, "while True: print('x' * 1000)"),
    _attack("stderr without end", OUTPUT_LIMIT, """
        import sys
        while True: print('x' * 1000, file=sys.stderr)
    """),
    _attack("one line of a hundred megabytes", OUTPUT_LIMIT, "print('x' * 10**8)"),
    _attack("writes past Python's streams", OUTPUT_LIMIT, """
        import os
        while True: os.write(1, bytes(65536))
    """),
    _attack("output of many children at once", OUTPUT_LIMIT, """
        import os
        os.fork(); os.fork(); os.fork()
        while True: os.write(1, b"noise" * 100)
    """),
    _attack("bytes that are no text", OK, r"""
        import sys
        sys.stdout.buffer.write(bytes(range(256)) + b"\xed\xa0\x80\xff\xfe end")
    """, says="end"),
    _attack("lone surrogates and zeros", OK, r"""
        print("\ud800\udfff\0\x1b[2J end")
    """, says="end"),
    _attack("closes its own output", (OK, CRASHED), """
        import os
        print("before", flush=True)
        os.close(1); os.close(2)
        print("after")
    """, says="before"),
    _attack("closes its output and goes on", TIMEOUT, """
        import os
        os.close(1); os.close(2)
        while True: pass
    """),
    _attack("replaces its output by nonsense", (OK, CRASHED), """
        import sys
        print("before", flush=True)
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = 7
        print("after")
    """, says="before"),
]

FILES = [
    _probe("writes outside its own directory", """
        for place in ("/", "/etc", "/usr", "/usr/lib", "/opt", "/home", "/root", "/var", "/var/tmp",
                      "/proc", "/sys", "/sys/fs/cgroup", "/dev", "/run", "/bin", sys.prefix,
                      os.path.dirname(os.__file__), "HOST_DIRECTORY"):
            probe(place, lambda: put(os.path.join(place, "written"), "x"))
    """),
    _probe("overwrites a file of the host", """
        probe("host", lambda: put("HOST_CANARY", "overwritten"))
        probe("unlink", lambda: os.unlink("HOST_CANARY"))
    """),
    _probe("reads a file of the host", """
        probe("host", lambda: open("HOST_CANARY").read())
        probe("shadow", lambda: open("/etc/shadow").read())
        for keys in ("/root/.ssh/id_rsa", "/root/.netrc", "/run/secrets/key"):
            probe(keys, lambda: open(keys).read())
    """),
    _probe("replaces the library of the next program", """
        import sympy, numpy
        for module in (sympy, numpy, os):
            probe(module.__name__, lambda: open(module.__file__, "a").write("raise SystemExit"))
    """),
    _attack("plants modules where the next program may look", OK, """
        import os
        for place in (".", "..", "/tmp", "/dev/shm", os.path.expanduser("~")):
            for name in ("sympy.py", "math.py", "sitecustomize.py", "usercustomize.py"):
                try:
                    open(os.path.join(place, name), "w").write("raise SystemExit('planted')")
                except OSError:
                    pass
        print("planted")
    """, says="planted"),
    _attack("leaves secrets wherever it can write", OK, """
        import os
        for place in (".", "..", "/tmp", "/dev/shm", "/dev/mqueue", "/var/tmp", "/run"):
            try:
                open(os.path.join(place, "secret"), "w").write("secret")
            except OSError:
                pass
        print("left")
    """, says="left"),
    _attack("fills the disk", OK, """
        written = 0
        try:
            for number in range(10**6):
                with open(f"file-{number}", "wb", buffering=0) as file:
                    while block := file.write(bytes(2**20)):
                        written += block
                        if written > 2**28: print("ESCAPED", written); raise SystemExit
                        if file.tell() >= 2**22: break
        except OSError as failure:
            print("held after", written, failure)
    """, says="held"),
    _attack("fills the shared memory", (OK, CRASHED), """
        written = 0
        try:
            for number in range(10**6):
                with open(f"/dev/shm/file-{number}", "wb", buffering=0) as file:
                    for _ in range(4):
                        written += file.write(bytes(2**20))
                if written > 2**28: print("ESCAPED", written); raise SystemExit
        except OSError as failure:
            print("held after", written, failure)
    """, says="held"),
    _attack("one file of a terabyte, mostly holes", OK, """
        try:
            with open("holes", "wb") as file:
                file.truncate(2**40)
            print("ESCAPED")
        except OSError as failure:
            print("held", failure)
    """, says="held"),
    _attack("more files than anyone needs", (OK, CRASHED, TIMEOUT), """
        for number in range(100_000):
            open(f"file-{number}", "w").close()
    """),
    _attack("tree three thousand folders deep", (OK, CRASHED, TIMEOUT), """
        import os
        for _ in range(3000):
            os.mkdir("down")
            os.chdir("down")
        open("bottom", "w").write("x")
        print("dug")
    """),
    _attack("folders and files nobody may open", OK, """
        import os
        os.makedirs("locked/inside")
        open("locked/inside/file", "w").write("x")
        os.chmod("locked/inside/file", 0)
        os.chmod("locked/inside", 0)
        os.chmod("locked", 0)
        os.chmod(".", 0)
        print("locked")
    """, says="locked"),
    _attack("links from its directory to everywhere", OK, """
        import os
        here = os.getcwd()
        for number, place in enumerate(("/", "/etc", "/usr", "/opt", "/home", "HOST_CANARY")):
            os.symlink(place, f"link-{number}")
        try:
            os.rename(here, here + "-moved")
            os.symlink("/usr", here)
        except OSError:
            pass
        print("linked")
    """, says="linked"),
    _attack("names that are hard to remove", OK, r"""
        import os
        for name in (b"-rf", b"\xff\xfe", b"new\nline", b"x" * 255, b"...", b" "):
            os.mkdir(name)
            open(name + b"/" + name, "w").write("x")
        print("named")
    """, says="named"),
    _probe("hard links to files of the system", """
        for file in ("/etc/passwd", "/bin/su", "HOST_CANARY"):
            probe(file, lambda: os.link(file, "mine"))
    """),
    _attack("opens more files than it may", OK, """
        held = []
        try:
            while len(held) < 10**5:
                held.append(open("/dev/null"))
            print("ESCAPED")
        except OSError as failure:
            print("held after", len(held))
    """, says="held"),
]

PROCESS_ONE = [
    _probe("reads the first process's secrets", """
        for name in ("environ", "mem", "maps", "fd", "fd/0", "root", "cwd", "exe", "stack", "io"):
            path = f"/proc/1/{name}"
            probe(path, lambda: os.listdir(path) if name == "fd" else open(path, "rb").read(1))
        for name in ("root", "cwd", "exe"):
            probe(name, lambda: os.readlink(f"/proc/1/{name}"))
    """),
    _probe("signals the first process", """
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
    _attack("signals everything it can see", (OK, KILLED), """
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
    _probe("slows the first process down", """
        probe("affinity", lambda: os.sched_setaffinity(1, {0}))
        probe("priority", lambda: os.setpriority(os.PRIO_PROCESS, 1, 19))
        probe("scheduler", lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)))
    """),
    _probe("takes the first process's limits away", """
        import resource
        probe("prlimit", lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (1, 1)))
    """),
    _probe("traces the first process", """
        probe("attach", lambda: call(101, 16, 1, 0, 0))
        probe("seize", lambda: call(101, 0x4206, 1, 0, 0))
    """, prelude=SYSTEM_CALL),
    _probe("reads the first process's memory", """
        probe("process_vm_readv", lambda: call(310, 1, 0, 0, 0, 0, 0))
        probe("process_vm_writev", lambda: call(311, 1, 0, 0, 0, 0, 0))
    """, prelude=SYSTEM_CALL),
    _probe("takes the first process's descriptors", """
        def steal():
            return call(438, os.pidfd_open(1), 1000, 0)
        probe("pidfd_getfd", steal)
    """, prelude=SYSTEM_CALL),
    _probe("saves or condemns the first process", """
        for name in ("oom_score_adj", "clear_refs", "coredump_filter", "comm"):
            probe(name, lambda: put(f"/proc/1/{name}", "1"))
    """),
]

CHANNEL = [
    _attack("writes to every descriptor there is", ANY, """
        import os
        frame = (16).to_bytes(4) + (0).to_bytes(4) + b'{"exit": "ok"}  '
        for number in range(3, 70_000):
            try:
                os.write(number, frame)
            except OSError:
                continue
            print("ESCAPED", number)
    """),
    _attack("closes every descriptor there is", (OK, CRASHED), """
        import os
        print("before", flush=True)
        os.closerange(0, 70_000)
    """, says="before"),
    _probe("reaches the channel through the file system", """
        for pid in (1, os.getppid()):
            for number in (0, 1, 2, 3, 1000, 1001):
                probe(number, lambda: os.open(f"/proc/{pid}/fd/{number}", os.O_RDWR))
        for terminal in ("/dev/tty", "/dev/console", "/dev/pts/0"):
            probe(terminal, lambda: os.write(os.open(terminal, os.O_RDWR), b"x"))
    """),
    _attack("forges a report on its output", CRASHED, r"""
        import os, sys
        report = b'{"exit": "ok", "status": 0, "seconds": 0.0, "peak_memory_mb": 0}'
        sys.stdout.buffer.write(b"\0\0\0\x40\0\0\0\0" + report)
        sys.stdout.flush()
        os._exit(7)
    """, says='"exit"'),
    _attack("claims to be out of memory", (CRASHED, OUT_OF_MEMORY), """
        import os, sys
        print("MemoryError", file=sys.stderr, flush=True)
        os._exit(1)
    """),
    _attack("claims to have succeeded and stays", TIMEOUT, """
        import os, sys
        print("42", flush=True)
        os.close(1); os.close(2); os.close(0)
        os.setsid() if os.getsid(0) != os.getpid() else None
        while True: pass
    """, says="42"),
    _probe("types into the terminal of the harness", """
        import fcntl
        for number in (0, 1, 2):
            probe("TIOCSTI", lambda: fcntl.ioctl(number, 0x5412, b"x"))
    """),
    _probe("finds sockets or pipes of the fork server in memory", """
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
    _probe("looks for secrets of the harness", """
        seen = [dict(os.environ)]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                seen.append(open(f"/proc/{pid}/environ").read())
            except OSError:
                pass
        print("ESCAPED" if "HOST_SECRET" in str(seen) else "held")
    """),
]

PRIVILEGES = [
    _probe("becomes root", """
        probe("setuid", lambda: os.setuid(0))
        probe("setresuid", lambda: os.setresuid(0, 0, 0))
        probe("setgid", lambda: os.setgid(0))
        probe("setgroups", lambda: os.setgroups([0]))
        print("ESCAPED" if 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) else "held")
    """),
    _probe("becomes the user of another program", """
        mine = os.getuid()
        for other in (mine - 1, mine + 1, 65534, 20000, 20001):
            if other != mine:
                probe(other, lambda: os.setuid(other))
    """),
    _probe("runs programs that make anyone root", """
        import subprocess
        for words in (["su", "-c", "id -u"], ["mount"], ["passwd", "-S"], ["newgrp"]):
            try:
                done = subprocess.run(words, capture_output=True, text=True, timeout=1,
                                      stdin=subprocess.DEVNULL)
            except (OSError, subprocess.TimeoutExpired) as failure:
                print("held", failure)
                continue
            print("ESCAPED" if words[0] == "su" and done.stdout.strip() == "0" else "held")
    """),
    _probe("has capabilities, or may gain some", """
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        for name in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            print("held" if int(status[name], 16) == 0 else "ESCAPED", name, status[name])
        print("held" if status["NoNewPrivs"].strip() == "1" else "ESCAPED no_new_privs")
        print("held" if status["Seccomp"].strip() == "2" else "ESCAPED seccomp")
    """),
    _probe("makes devices, or opens those of the host", """
        import stat
        probe("mknod", lambda: os.mknod("mine", 0o600 | stat.S_IFBLK, os.makedev(8, 0)))
        probe("mknod", lambda: os.mknod("mem", 0o600 | stat.S_IFCHR, os.makedev(1, 1)))
        for device in ("mem", "kmem", "port", "kmsg", "sda", "vda", "kvm", "fuse", "net/tun"):
            probe(device, lambda: os.open("/dev/" + device, os.O_RDWR))
    """),
    _probe("changes the kernel through its files", """
        for file in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern",
                     "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches",
                     "/proc/sys/kernel/ns_last_pid", "/sys/kernel/uevent_helper"):
            probe(file, lambda: put(file, "x"))
    """),
    _probe("leaves its control group", """
        import glob
        files = glob.glob("/sys/fs/cgroup/**/cgroup.procs", recursive=True)
        files += glob.glob("/sys/fs/cgroup/**/release_agent", recursive=True)
        for file in files or ["/sys/fs/cgroup/cgroup.procs"]:
            probe(file, lambda: put(file, "0"))
    """),
    _probe("changes its root", """
        probe("chroot", lambda: os.chroot("/"))
        probe("chroot", lambda: os.chroot("."))
    """),
    _probe("makes namespaces of its own", """
        for flag in (0x10000000, 0x40000000, 0x00020000, 0x20000000, 0x04000000, 0x08000000):
            probe(hex(flag), lambda: call(272, flag))
            probe("clone " + hex(flag), lambda: call(56, flag | 17, 0, 0, 0, 0))
    """, prelude=SYSTEM_CALL),
    _probe("makes namespaces by the newer call", """
        import struct
        arguments = struct.pack("=8Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0)
        def clone():
            pid = call(435, arguments, len(arguments))
            if pid[0] == 0: os._exit(0)
            return pid
        probe("clone3", clone)
    """, prelude=SYSTEM_CALL),
    _probe("calls by the numbers of another architecture", """
        for number in (0x40000000 + 101, 0x40000000 + 272, 0x40000000 + 39):
            probe(hex(number), lambda: call(number, 0x10000000, 0, 0, 0))
    """, prelude=SYSTEM_CALL),
    _probe("takes the filter off again", """
        def control(*arguments):
            if library.prctl(*arguments) == -1:
                raise OSError(ctypes.get_errno(), "refused")
        probe("no new privileges", lambda: control(38, 0, 0, 0, 0))
        probe("no filter", lambda: control(22, 0, 0, 0, 0))
        probe("still filtered", lambda: call(250, 0, 0, 0, 0))
    """, prelude=SYSTEM_CALL),
]

# Numbers of x86_64.
SYSTEM_CALLS = [
    _system_call("mount", 165, 'b"none", b"/mnt", b"tmpfs", 0, 0'),
    _system_call("umount2", 166, 'b"/proc", 2'),
    _system_call("pivot_root", 155, 'b".", b"."'),
    _system_call("setns", 308, "0, 0"),
    _system_call("open_by_handle_at", 304, "-100, 0, 0"),
    _system_call("keyctl", 250, "0, 0, 0, 0, 0"),
    _system_call("add_key", 248, 'b"user", b"left", b"secret", 6, -3'),
    _system_call("bpf", 321, "0, 0, 0"),
    _system_call("perf_event_open", 298, "0, 0, -1, -1, 0"),
    _system_call("userfaultfd", 323, "0"),
    _system_call("io_uring_setup", 425, "1, 0"),
    _system_call("kexec_load", 246, "0, 0, 0, 0"),
    _system_call("init_module", 175, '0, 0, b""'),
    _system_call("reboot", 169, "0, 0, 0, 0"),
    _system_call("settimeofday", 164, "0, 0"),
    _system_call("sethostname", 170, 'b"mine", 4'),
    _system_call("swapon", 167, 'b"x", 0'),
    _system_call("acct", 163, "0"),
    _system_call("personality", 135, "0x0040000"),
    _system_call("shmget", 29, "4242, 4096, 0o1666"),
    _system_call("semget", 64, "4242, 1, 0o1666"),
    _system_call("msgget", 68, "4242, 0o1666"),
    _system_call("mq_open", 240, 'b"left", 66, 0o600, 0'),
]

NETWORK = [
    _probe("connects to the internet", """
        import socket
        for address in (("1.1.1.1", 53), ("8.8.8.8", 443), ("169.254.169.254", 80)):
            probe(address, lambda: socket.create_connection(address, timeout=0.5))
        probe("udp", lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("1.1.1.1", 53)))
    """),
    _probe("connects to the host", """
        import socket
        for address in ("127.0.0.1", "172.17.0.1", "host.docker.internal", "::1"):
            probe(address, lambda: socket.create_connection((address, 22), timeout=0.5))
    """),
    _probe("looks up a name", """
        import socket
        probe("getaddrinfo", lambda: socket.getaddrinfo("example.com", 443))
    """),
    _probe("sockets of every other family", """
        import socket
        for family in (2, 10, 16, 17, 31, 38, 40, 44):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
                probe((family, kind), lambda: socket.socket(family, kind))
    """),
    _probe("asks the engine for another container", """
        import socket
        for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"):
            probe(path, lambda: socket.socket(socket.AF_UNIX).connect(path))
    """),
    _attack("leaves a listener for the next program", OK, """
        import os, socket, time
        if os.fork() == 0:
            try:
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(chr(0) + "left-behind")
                listener.listen()
            finally:
                time.sleep(1000)
        print("listening")
    """, says="listening"),
]

NEXT_PROGRAM = [
    _attack("changes mathematics for everybody", (OK, CRASHED), """
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
    _attack("changes the random numbers of the next program", OK, """
        import random, numpy, sympy
        random.seed(0); numpy.random.seed(0)
        print("seeded")
    """, says="seeded"),
    _attack("leaves hooks for the next program", OK, """
        import builtins, sys, threading
        builtins.__import__ = lambda *_, **__: 1 / 0
        sys.settrace(lambda *_: None)
        sys.path.insert(0, "/tmp")
        sys.meta_path.clear()
        print("hooked")
    """, says="hooked"),
]

SOURCE = [
    _attack("program that is no Python", CRASHED, "this is no Python"),
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
    _all_at_once("forbidden system calls one after another", SYSTEM_CALLS),
    *NETWORK,
    *NEXT_PROGRAM,
    *SOURCE,
]

# Strict mode needs a second for each program, so calls that differ in a number go there together.
ATTACKS_IN_STRICT_MODE = [attack for attack in ATTACKS if attack not in SYSTEM_CALLS]

ORDINARY = [
    _attack("pool of processes", OK, """
        from multiprocessing import Pool
        with Pool(2) as pool:
            print(sum(pool.map(abs, range(-3, 4))))
    """, says="12"),
    _attack("executor of processes", OK, """
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(2) as pool:
            print(sum(pool.map(abs, range(-3, 4))))
    """, says="12"),
    _attack("threads", OK, """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(8) as pool:
            print(sum(pool.map(abs, range(-3, 4))))
    """, says="12"),
    _attack("helper program", OK, """
        import subprocess, sys
        print(subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True,
                             text=True).stdout)
    """, says="42"),
    _attack("asyncio", OK, """
        import asyncio
        async def answer():
            await asyncio.sleep(0.01)
            return 42
        print(asyncio.run(answer()))
    """, says="42"),
    _attack("exit functions", OK, """
        import atexit
        atexit.register(print, 42)
    """, says="42"),
    _attack("leaving early", OK, "print(42); exit()", says="42"),
    _attack("files of its own", OK, """
        import tempfile
        with tempfile.TemporaryFile("w+") as file:
            file.write("42"); file.seek(0)
            print(file.read())
        open("mine", "w").write("x")
    """, says="42"),
    _attack("deep recursion that fits", OK, """
        import sys
        sys.setrecursionlimit(20_000)
        def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
        print(depth(15_000) - 14_958)
    """, says="42"),
    _attack("twenty megabytes of memory", OK, """
        import numpy
        print(int(numpy.ones(2_500_000).sum()) - 2_499_958)
    """, says="42"),
    _attack("timers and alarms", OK, """
        import signal, time
        def rung(*_): raise TimeoutError
        signal.signal(signal.SIGALRM, rung)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            time.sleep(1)
        except TimeoutError:
            print(42)
    """, says="42"),
    _attack("introspection", OK, """
        import inspect
        def answer(): return 42
        print("return 42" in inspect.getsource(answer), answer())
    """, says="True 42"),
    _attack("scipy.stats, not preloaded", OK, """
        from scipy import stats
        print(round(stats.norm.cdf(0) * 84))
    """, says="42"),
]
