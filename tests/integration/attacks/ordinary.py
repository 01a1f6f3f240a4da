"""Programs that are no attacks: proof that ordinary things still work."""

from tests.integration.attacks.writing import (
    OK,
    attack,
)

# A row is a name, how the program may end, and the program.
# fmt: off
ORDINARY = [
    attack("pool of processes", OK, """
        from multiprocessing import Pool
        with Pool(2) as pool:
            print(sum(pool.map(abs, range(-3, 4))))
    """, says="12"),
    attack("executor of processes", OK, """
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(2) as pool:
            print(sum(pool.map(abs, range(-3, 4))))
    """, says="12"),
    attack("threads", OK, """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(8) as pool:
            print(sum(pool.map(abs, range(-3, 4))))
    """, says="12"),
    attack("helper program", OK, """
        import subprocess, sys
        print(subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True,
                             text=True).stdout)
    """, says="42"),
    attack("asyncio", OK, """
        import asyncio
        async def answer():
            await asyncio.sleep(0.01)
            return 42
        print(asyncio.run(answer()))
    """, says="42"),
    attack("exit functions", OK, """
        import atexit
        atexit.register(print, 42)
    """, says="42"),
    attack("leaving early", OK, "print(42); exit()", says="42"),
    attack("files of its own", OK, """
        import tempfile
        with tempfile.TemporaryFile("w+") as file:
            file.write("42"); file.seek(0)
            print(file.read())
        open("mine", "w").write("x")
    """, says="42"),
    attack("deep recursion that fits", OK, """
        import sys
        sys.setrecursionlimit(20_000)
        def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
        print(depth(15_000) - 14_958)
    """, says="42"),
    attack("twenty megabytes of memory", OK, """
        import numpy
        print(int(numpy.ones(2_500_000).sum()) - 2_499_958)
    """, says="42"),
    attack("memory that processes share is counted once", OK, """
        import mmap, os
        shared = mmap.mmap(-1, 100 * 2**20)
        for at in range(0, len(shared), 4096):
            shared[at] = 1
        children = []
        for _ in range(5):
            if (pid := os.fork()) == 0:
                sum(shared[at] for at in range(0, len(shared), 4096))
                os._exit(0)
            children.append(pid)
        for pid in children:
            os.waitpid(pid, 0)
        print(42)
    """, says="42"),
    attack("timers and alarms", OK, """
        import signal, time
        def rung(*_): raise TimeoutError
        signal.signal(signal.SIGALRM, rung)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            time.sleep(1)
        except TimeoutError:
            print(42)
    """, says="42"),
    attack("introspection", OK, """
        import inspect
        def answer(): return 42
        print("return 42" in inspect.getsource(answer), answer())
    """, says="True 42"),
    attack("scipy.stats, not preloaded", OK, """
        from scipy import stats
        print(round(stats.norm.cdf(0) * 84))
    """, says="42"),
]
