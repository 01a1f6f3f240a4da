"""Run thousands of hostile and ordinary programs in random order.

    python -m tests.bench.soak [--kinds docker,native] [--ordinary 1500] [--hostile 800] [--seed 1]

Every ordinary program must print its right answer. `tests/integration/test_soak.py` runs a few.
"""

import argparse
import asyncio
import random
import time

from sandbox import open_sandbox
from tests.integration.soaks import LIMITS, mix, soak


async def main() -> int:
    """Soak each kind of box, and print what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default="docker,native")
    parser.add_argument("--ordinary", type=int, default=1500)
    parser.add_argument("--hostile", type=int, default=800)
    parser.add_argument("--stalling", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    failed = 0
    for kind in given.kinds.split(","):
        chance = random.Random(given.seed)
        programs = mix(
            chance, ordinary=given.ordinary, hostile=given.hostile, stalling=given.stalling
        )
        sandbox = await open_sandbox(kind, limits=LIMITS, workers=2, owner="bench-soak")
        started = time.monotonic()
        try:
            wrong = await soak(sandbox, programs)
        finally:
            await sandbox.close()
        seconds = time.monotonic() - started
        print(f"{kind}: {len(programs)} programs in {seconds:.0f} s, {len(wrong)} wrong", *wrong)
        failed += len(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
