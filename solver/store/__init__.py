"""One SQLite file for each run: append trials, resume, read back.

A reply is written when it arrives, its turn when the program has run, and a trial in one
transaction with its verdict, so `kill -9` loses only the requests in flight. Lists read the light
columns; prompts, replies and programs lie compressed in `turns.body` and are read one trial at a
time. Outcomes are derived, never stored.
"""

from solver.store.columns import Trials
from solver.store.facts import Imported, Refused, Row, Texts, judge_id
from solver.store.opening import damage, open_to_read
from solver.store.reading import Reader
from solver.store.schema import FILE, check_types
from solver.store.shards import file_to_read, is_run, is_written, state_of
from solver.store.writing import Store

__all__ = [
    "FILE",
    "Imported",
    "Reader",
    "Refused",
    "Row",
    "Store",
    "Texts",
    "Trials",
    "check_types",
    "damage",
    "file_to_read",
    "is_run",
    "is_written",
    "judge_id",
    "open_to_read",
    "state_of",
]
