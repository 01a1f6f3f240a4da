"""The safety screen, row by row: what it refuses, what it remarks on, and what gets past it."""

import gzip
import json
import re

import pytest

from sandbox.execution import Level
from sandbox.screen import screen
from tests.needs import shared_data


def levels(program: str) -> set[Level]:
    return {finding.level for finding in screen(program)}


def rules(program: str, level: Level) -> set[str]:
    return {finding.rule for finding in screen(program) if finding.level is level}


# ---- what real mathematics looks like: no finding above `allow` ----

ORDINARY = [
    "print(6 * 7)",
    "from sympy import *\nx = symbols('x')\nprint(solve(x**2 - 2, x))",
    "import sympy as sp\nprint(sp.sympify('x**2 + 1').diff('x'))",
    "import numpy as np\nprint(np.linalg.det(np.eye(3)))",
    "from scipy.optimize import brentq\nprint(brentq(lambda x: x - 1, 0, 2))",
    "import scipy\nprint(scipy.signal.convolve([1], [2]))",
    "from scipy import signal\nprint(signal.convolve([1], [2]))",
    "import math, itertools, functools, collections, fractions, decimal, random, time, heapq",
    "from functools import lru_cache\n@lru_cache(None)\ndef f(n): return n and f(n - 1)",
    "import sys\nsys.setrecursionlimit(10**6)\nprint(sys.maxsize)\nsys.exit()",
    "import os.path\nprint(os.path.join('a', 'b'))",
    "class P:\n    def __init__(self, x): self.x = x\n    def __add__(self, o): return P(self.x)",
    "if __name__ == '__main__':\n    print(1)",
    "class Q(P):\n    def __init__(self): super().__init__(1)",
    "print(type(1).__name__, (1).__doc__, [].__len__())",
    '"""Uses no __globals__ and no /etc/passwd, ../ neither."""\nprint(1)',
    'def f():\n    "Never look at __subclasses__ or /proc/self/mem."\nprint(1)',
    "x = 1\n'a bare string about __mro__'",
    "vars = [1, 2]\nprint(vars[0])",
    "def compile(x): return x\nprint(compile(3))",
    "eval = 3\nprint(eval + 1)",
    "code = 5\nselect = 2\nsignal = 1\nprint(code + select + signal)",
    "os = 3\nprint(os.bit_length())",
    "socket = [1]\nsocket.append(2)",
    "print('the slope is 3/4, or /2', 'a/b', '1/', '/')",
    "print('C:\\\\', '~', '...', 'etc')",
    "print(f'{1:.3f} __name__')",
    "open_intervals = 4\ninput_size = 3",
    "import gc\ngc.collect()",
    "from ast import literal_eval\nprint(literal_eval('[1]'))",
    "from math import *\nfrom numpy import *\nprint(sqrt(2), arange(3))",
    "match (1, 2):\n    case (a, b): print(a + b)",
    "x = '__main__' + '__name__'",
    "async def f(): return 1",
    "import networkx as nx\nprint(nx.complete_graph(3).number_of_edges())",
]

# ---- legitimate and suspicious: it runs, and is recorded ----

REMARKED = [
    ("n = int(input())", "interactive"),
    ("import sys\nfor line in sys.stdin: print(line)", "interactive"),
    ("breakpoint()", "interactive"),
    ("with open('notes.txt', 'w') as f: f.write('1')", "files"),
    ("import tempfile\ntempfile.mkdtemp()", "files"),
    ("from pathlib import Path\nPath('x').write_text('1')", "files"),
    ("import numpy as np\nnp.load('x.npy', allow_pickle=True)", "files"),
    ("print(eval('1 + 1'))", "dynamic-code"),
    ("exec('x = 1')", "dynamic-code"),
    ("e = eval\nprint(e('1'))", "dynamic-code"),
    ("import builtins\nprint(builtins.eval('1'))", "dynamic-code"),
    ("@exec\n@input\nclass X: pass", "dynamic-code"),
    ("import sympy\nf = getattr(sympy, input())", "dynamic-code"),
    ("print(globals())", "dynamic-code"),
    ("print(vars(object))", "dynamic-code"),
    ("print(x.__class__)", "dynamic-code"),
    ("import importlib\nprint(importlib.import_module('math').pi)", "dynamic-code"),
    ("import threading\nthreading.Thread(target=print).start()", "concurrency"),
    ("from multiprocessing import Pool\nwith Pool(2) as p: print(p.map(abs, [1]))", "concurrency"),
    ("from concurrent.futures import ProcessPoolExecutor", "concurrency"),
    ("import signal\nsignal.alarm(5)", "concurrency"),
    ("import os\nprint(os.environ.get('HOME'))", "operating-system"),
    ("import os\nos.environ['OMP_NUM_THREADS'] = '1'", "operating-system"),
    ("import sys\nsys.path.append('.')", "operating-system"),
    ("import platform\nprint(platform.machine())", "operating-system"),
    ("import os\nprint(os.listdir('.'))", "files"),
]

# ---- refused ----

REFUSED = [
    ("import subprocess\nsubprocess.run(['ls'])", "processes"),
    ("from subprocess import run as go\ngo('ls')", "processes"),
    ("import os\nos.system('ls')", "processes"),
    ("import os as o\no.system('ls')", "processes"),
    ("from os import system as s\ns('ls')", "processes"),
    ("from os import *\nsystem('ls')", "processes"),
    ("import os\nrun = os.popen\nrun('ls')", "processes"),
    ("import os\no = os\no.fork()", "processes"),
    ("import os\n(o := os)\no.fork()", "processes"),
    ("import os\nos._exit(0)", "processes"),
    ("import os\ngetattr(os, 'system')('ls')", "processes"),
    ("import os\ngetattr(os, 'sys' + 'tem')('ls')", "processes"),
    ("import os\nos.__dict__['system']('ls')", "processes"),
    ("import os\ng = getattr\ng(os, 'fork')()", "processes"),
    ("__import__('os').system('ls')", "processes"),
    ("from importlib import import_module as m\nm('subprocess').run('ls')", "processes"),
    ("import posix\nposix.fork()", "processes"),
    ("import pip\npip.main(['install', 'x'])", "processes"),
    ("import socket", "network"),
    ("import urllib.request as u\nu.urlopen('http://example.com')", "network"),
    ("import requests\nrequests.get('http://example.com')", "network"),
    ("from http.client import HTTPConnection", "network"),
    ("import asyncio\nasyncio.open_connection('a', 1)", "network"),
    ("import ctypes\nctypes.CDLL(None)", "native-code"),
    ("import numpy as np\nnp.ctypeslib.load_library('x', '.')", "native-code"),
    ("from sympy.utilities.autowrap import autowrap", "native-code"),
    ("import sympy\nsympy.preview(1)", "native-code"),
    ("from sympy import *\npreview(1)", "native-code"),
    ("from types import CodeType", "native-code"),
    ("import shutil\nshutil.rmtree('/')", "file-trees"),
    ("open('/etc/passwd').read()", "host-paths"),
    ("open('/' + 'proc/1/environ')", "host-paths"),
    ("open('../../secret')", "host-paths"),
    ("open('~root/x')", "host-paths"),
    ("import linecache\nlinecache.getline('/etc/passwd', 1)", "host-paths"),
    ("import numpy as np\nnp.fromfile('/dev/mem')", "host-paths"),
    ("import pickle\npickle.loads(b'')", "pickled-objects"),
    ("import pandas as pd\npd.read_pickle('x')", "pickled-objects"),
    ("import sys\nsys.modules['os'].system('ls')", "interpreter"),
    ("import sys\nsys._getframe(1)", "interpreter"),
    ("import sys\nsys.settrace(print)", "interpreter"),
    ("import random\nrandom._os.system('ls')", "interpreter"),
    ("import statistics\nstatistics.sys.exit()", "interpreter"),
    ("from enum import sys", "interpreter"),
    ("import numpy as np\nnp.lib.npyio.os.system('ls')", "interpreter"),
    ("import random\ngetattr(random, '_os')", "interpreter"),
    ("import inspect\ninspect.currentframe()", "interpreter"),
    ("().__class__.__base__.__subclasses__()", "introspection"),
    ("(lambda: 0).__globals__", "introspection"),
    ("print(__builtins__)", "introspection"),
    ("getattr(print, '__self__')", "introspection"),
    ("'{0.__globals__}'.format(print)", "introspection"),
    ("f'{x.__subclasses__()}'", "introspection"),
    ("import operator\noperator.attrgetter('__glo' + 'bals__')(f)", "introspection"),
    ("match x:\n    case object(__subclasses__=s): s()", "introspection"),
    ("def g(): yield\ng().gi_frame.f_back", "introspection"),
    ("import sympy\nsympy.sympify('_' * 2 + 'import__(\"os\").system(\"ls\")')", "introspection"),
    ('eval(\'__import__("os").system("ls")\')', "introspection"),
    ("exec('import os\\nos.system(\"ls\")')", "processes"),
    ("exec('exec(\"import os; os.fork()\")')", "processes"),
    ("import pandas\npandas.eval('().__class__.__base__')", "introspection"),
    ("__import__(input())", "dynamic-import"),
    ("import importlib\nimportlib.reload(x)", "dynamic-import"),
    ("from importlib import import_module\nlist(map(import_module, ['os']))", "dynamic-import"),
    (
        "import \N{FULLWIDTH LATIN SMALL LETTER O}s\nos.fork()",
        "processes",
    ),
]

# ---- bypasses: known, and missed ----

MISSED = [
    "getattr(__import__('ma' 'th'), chr(95) * 2 + 'loader' + chr(95) * 2)",
    "import operator\nf = operator.attrgetter(''.join(['__glo', 'bals__']))",
    "f = eval('getattr')\nf(print, '_'.join(['', '', 'self', '', '']))",
    "import sympy\nsympy.sympify(''.join(reversed(')(sl.so')))",
    "import sympy\ntext = input()\nsympy.sympify(text)",
    "import sympy\nsympy.sympify('{0}{0}import{0}{0}(\"o\" \"s\")'.format('_'))",
    "import sympy\nsympy.lambdify('x', input())(1)",
    "import os\nbox = [os]\nbox[0].system('ls')",
    "import os\ndef f(module): module.system('ls')\nf(os)",
    "import os\nfor module in [os]: module.system('ls')",
    "import os\nclass Box: m = os\nBox.m.system('ls')",
    "import os\ngetattr(os, 'metsys'[::-1])('ls')",
    "import os\ngetattr(os, f'{\"sys\"}tem')('ls')",
    "import os\nvars(os)['sys' 'tem']('ls')",
    "open('/{}/passwd'.format('etc'))",
    "open(chr(47) + 'etc/passwd')",
    "from pathlib import Path\nPath('x').unlink()",
    "from pathlib import Path\nprint(Path.cwd().parent.parent)",
    "import doctest\ndoctest.testfile('x')",
    "import trace\ntrace.Trace().run('import o' 's')",
    "import pydoc\npydoc.pipepager('x', 'ls')",
    "import logging\nlogging.FileHandler('x')",
    "import timeit\nt = timeit.Timer\nt(stmt='import o' + 's').timeit(1)",
    "import cProfile\ncProfile.run('import subprocess')",
    "import fileinput\nfileinput.input(chr(47) + 'etc/passwd')",
    "x = b'__globals__'.decode()\ngetattr(print, x)",
    "class C:\n    def __reduce__(self): return print, ()",
]


@pytest.mark.parametrize("program", ORDINARY)
def test_ordinary_programs_have_no_finding_worth_recording(program: str) -> None:
    assert levels(program) <= {Level.ALLOW}


@pytest.mark.parametrize(("program", "rule"), REMARKED)
def test_suspicious_but_legitimate_programs_run_and_are_recorded(program: str, rule: str) -> None:
    assert rule in rules(program, Level.WARN)
    assert Level.REFUSE not in levels(program)


@pytest.mark.parametrize(("program", "rule"), REFUSED)
def test_programs_that_reach_for_the_machine_are_refused(program: str, rule: str) -> None:
    assert rule in rules(program, Level.REFUSE)


@pytest.mark.parametrize("program", MISSED)
def test_the_list_of_known_bypasses_is_honest(program: str) -> None:
    compile(program, "bypass", "exec")  # a bypass that does not even parse would prove nothing
    assert Level.REFUSE not in levels(program), "no longer a bypass: move it to REFUSED"


# ---- measured on what models wrote ----


@pytest.fixture(scope="module")
def real_programs() -> list[str]:
    """Every python block of the real transcripts; they are not part of the project."""
    path = shared_data("judge/transcripts_dev.jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        outputs = [json.loads(line)["output"] for line in lines]
    return [
        program
        for output in outputs
        for program in re.findall(r"```python\n(.*?)```", output, re.DOTALL)
    ]


def test_fewer_than_one_real_program_in_two_hundred_is_refused(real_programs: list[str]) -> None:
    assert len(real_programs) > 2_500
    refused = [program for program in real_programs if Level.REFUSE in levels(program)]
    assert len(refused) < len(real_programs) / 200
