"""Which shard a worker is, and which trials are its own."""

import hashlib

import pytest

from solver.errors import ConfigError
from solver.run.shards import Shard, Share, shard_of
from solver.run.tasks import tasks_of
from tests.fakes import PROBLEMS, config_of

ARRAY = {
    "SLURM_ARRAY_TASK_COUNT": "4",
    "SLURM_ARRAY_TASK_MIN": "10",
    "SLURM_ARRAY_TASK_MAX": "16",
    "SLURM_ARRAY_TASK_STEP": "2",
}


@pytest.mark.parametrize(
    ("environment", "shard"),
    [
        (ARRAY | {"SLURM_ARRAY_TASK_ID": "10"}, Shard(1, 4)),
        (ARRAY | {"SLURM_ARRAY_TASK_ID": "16"}, Shard(4, 4)),
        ({"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "8"}, Shard(8, 8)),
        ({"SLURM_PROCID": "2", "SLURM_NTASKS": "3"}, Shard(3, 3)),
        (
            ARRAY | {"SLURM_ARRAY_TASK_ID": "12", "SLURM_PROCID": "1", "SLURM_NTASKS": "3"},
            Shard(5, 12),
        ),
        ({"JOB_COMPLETION_INDEX": "0", "SOLVER_SHARDS": "5"}, Shard(1, 5)),
    ],
)
def test_auto_reads_the_shard_from_the_environment(environment, shard):
    assert shard_of("auto", environment) == shard


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "SLURM_ARRAY_TASK_ID, SLURM_PROCID nor JOB_COMPLETION_INDEX"),
        ({"SLURM_ARRAY_TASK_ID": "1"}, "SLURM_ARRAY_TASK_COUNT is not set"),
        ({"SLURM_PROCID": "1"}, "SLURM_NTASKS is not set"),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "3"}, "SLURM_PROCID is 3 of SLURM_NTASKS 3"),
        ({"JOB_COMPLETION_INDEX": "3"}, "SOLVER_SHARDS"),
        ({"JOB_COMPLETION_INDEX": "5", "SOLVER_SHARDS": "5"}, "6/5"),
        ({"JOB_COMPLETION_INDEX": "x", "SOLVER_SHARDS": "5"}, "'x', which is no number"),
        (ARRAY | {"SLURM_ARRAY_TASK_ID": "11"}, "none of a range"),
        (  # sbatch --array=1,5
            {
                "SLURM_ARRAY_TASK_ID": "5",
                "SLURM_ARRAY_TASK_COUNT": "2",
                "SLURM_ARRAY_TASK_MIN": "1",
                "SLURM_ARRAY_TASK_MAX": "5",
            },
            "none of a range",
        ),
    ],
)
def test_an_environment_that_names_no_shard_is_refused_in_one_line(environment, told):
    with pytest.raises(ConfigError, match="--shard") as refused:
        shard_of("auto", environment)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "3", "a/b", "-1/4", "1/4/2", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(ConfigError, match="such as 3/8"):
        shard_of(text)


@pytest.mark.parametrize("of", [1, 3, 8])
def test_each_trial_is_owned_by_one_shard(of):
    tasks = list(tasks_of(config_of(repeats=7, sampling={"temperature": 1}), PROBLEMS))
    shares = [list(Share(Shard(number, of)).of(tasks)) for number in range(1, of + 1)]
    assert sorted(task.key for share in shares for task in share) == sorted(t.key for t in tasks)


def test_the_owner_is_sha256_of_the_key_mod_n():
    digest = int(hashlib.sha256(b"some key").hexdigest(), 16)
    assert [n for n in range(1, 9) if Shard(n, 8).owns("some key")] == [digest % 8 + 1]


def test_what_is_done_elsewhere_is_not_done_again():
    tasks = list(tasks_of(config_of(), PROBLEMS))
    done = frozenset({tasks[0].key})
    assert list(Share(Shard(1, 1), done).of(tasks)) == tasks[1:]
