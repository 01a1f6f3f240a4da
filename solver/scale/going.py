"""Do a run in the way that was asked for: here, one shard of it, or on a cluster."""

from solver.run.sharded import execute_shard
from solver.run.start import Job, execute


def go(job: Job, *, on: str | None = None, verbose: bool = False) -> int:
    """Run or resume, and return the exit code. Raises what the way that was chosen raises."""
    if job.shard is not None:
        return execute_shard(job, job.shard, on=on, verbose=verbose)
    if on is not None:
        from solver.scale.rays import execute_on  # here: needs a cluster's libraries

        return execute_on(job, on, verbose=verbose)
    return execute(job, verbose=verbose)
