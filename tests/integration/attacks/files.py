"""Programs that read, write or leave files they must not."""

from tests.integration.attacks.writing import (
    CRASHED,
    KILLED,
    OK,
    TIMEOUT,
    attack,
    probing,
)

# A row is a name, how the program may end, and the program.
# fmt: off
FILES = [
    probing("writes outside its own directory", """
        for place in ("/", "/etc", "/usr", "/usr/lib", "/opt", "/home", "/root", "/var", "/var/tmp",
                      "/proc", "/sys", "/sys/fs/cgroup", "/dev", "/run", "/bin", sys.prefix,
                      os.path.dirname(os.__file__), "HOST_DIRECTORY"):
            probe(place, lambda: put(os.path.join(place, "written"), "x"))
    """),
    probing("overwrites a file of the host", """
        probe("host", lambda: put("HOST_CANARY", "overwritten"))
        probe("unlink", lambda: os.unlink("HOST_CANARY"))
    """),
    probing("reads a file of the host", """
        probe("host", lambda: open("HOST_CANARY").read())
        probe("shadow", lambda: open("/etc/shadow").read())
        for keys in ("/root/.ssh/id_rsa", "/root/.netrc", "/run/secrets/key"):
            probe(keys, lambda: open(keys).read())
    """),
    probing("replaces the library of the next program", """
        import sympy, numpy
        for module in (sympy, numpy, os):
            probe(module.__name__, lambda: open(module.__file__, "a").write("raise SystemExit"))
    """),
    attack("plants modules where the next program may look", OK, """
        import os
        for place in (".", "..", "/tmp", "/dev/shm", os.path.expanduser("~")):
            for name in ("sympy.py", "math.py", "sitecustomize.py", "usercustomize.py"):
                try:
                    open(os.path.join(place, name), "w").write("raise SystemExit('planted')")
                except OSError:
                    pass
        print("planted")
    """, says="planted"),
    attack("leaves secrets wherever it can write", OK, """
        import os
        for place in (".", "..", "/tmp", "/dev/shm", "/dev/mqueue", "/var/tmp", "/run"):
            try:
                open(os.path.join(place, "secret"), "w").write("secret")
            except OSError:
                pass
        print("left")
    """, says="left"),
    attack("fills the disk", OK, """
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
    attack("fills the shared memory", (OK, CRASHED), """
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
    attack("one file of a terabyte, mostly holes", OK, """
        try:
            with open("holes", "wb") as file:
                file.truncate(2**40)
            print("ESCAPED")
        except OSError as failure:
            print("held", failure)
    """, says="held"),
    attack("more files than anyone needs", (CRASHED, KILLED), """
        for number in range(10**7):
            open(f"file-{number}", "w").close()
    """),
    attack("more files in shared memory than anyone needs", (CRASHED, KILLED), """
        for number in range(10**7):
            open(f"/dev/shm/file-{number}", "w").close()
    """),
    attack("tree three thousand folders deep", (OK, CRASHED, TIMEOUT), """
        import os
        for _ in range(3000):
            os.mkdir("down")
            os.chdir("down")
        open("bottom", "w").write("x")
        print("dug")
    """),
    attack("folders and files nobody may open", OK, """
        import os
        os.makedirs("locked/inside")
        open("locked/inside/file", "w").write("x")
        os.chmod("locked/inside/file", 0)
        os.chmod("locked/inside", 0)
        os.chmod("locked", 0)
        os.chmod(".", 0)
        print("locked")
    """, says="locked"),
    attack("links from its directory to everywhere", OK, """
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
    attack("names that are hard to remove", OK, r"""
        import os
        for name in (b"-rf", b"\xff\xfe", b"new\nline", b"x" * 255, b"...", b" "):
            os.mkdir(name)
            open(name + b"/" + name, "w").write("x")
        print("named")
    """, says="named"),
    probing("hard links to files of the system", """
        for file in ("/etc/passwd", "/bin/su", "HOST_CANARY"):
            probe(file, lambda: os.link(file, "mine"))
    """),
    attack("opens more files than it may", OK, """
        held = []
        try:
            while len(held) < 10**5:
                held.append(open("/dev/null"))
            print("ESCAPED")
        except OSError as failure:
            print("held after", len(held))
    """, says="held"),
]
