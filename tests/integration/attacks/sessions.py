"""Programs of a session that attack what holds the session together."""

from tests.integration.attacks.writing import ANY, KILLED, OK, OUTPUT_LIMIT, TIMEOUT, attack

# A row is a name, how the program may end, and the program. Programs come on descriptor 4, and a
# byte on descriptor 5 says when one begins and how it ended.
# fmt: off
SESSIONS = [
    attack("says a thousand times that it is done", OK, """
        import os
        os.write(5, bytes(1000))
    """),
    attack("closes the pipes that programs come by", ANY, """
        import os
        os.close(4); os.close(5)
    """),
    attack("reads the next program itself", OK, """
        import os, threading
        threading.Thread(target=lambda: os.read(4, 10**6), daemon=True).start()
    """),
    attack("makes its pipe too small for a program", OK, """
        import fcntl, os
        fcntl.fcntl(4, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(4, False)
    """),
    attack("stops itself", TIMEOUT, """
        import os, signal
        os.kill(os.getpid(), signal.SIGSTOP)
    """),
    attack("kills itself", KILLED, """
        import os
        os.kill(os.getpid(), 9)
    """),
    attack("becomes another program", OK, """
        import os, sys
        os.execv(sys.executable, [sys.executable, "-c", "print('another')"])
    """, says="another"),
    attack("becomes two, of which both wait for the next program", OK, """
        import os
        os.fork()
    """),
    attack("dies and leaves a child in its place", OK, """
        import os
        if os.fork(): os._exit(0)
    """),
    # the child may flood the output before its parent has ended
    attack("leaves a child that says it is done, again and again", (OK, OUTPUT_LIMIT), """
        import os
        if os.fork() == 0:
            while True:
                os.write(5, b"\\0"); os.write(1, b"not the answer")
    """),
    attack("replaces what later programs need", OK, """
        import builtins, sys
        builtins.compile = builtins.exec = builtins.print = None
        sys.excepthook = sys.stdin = None
    """),
]
