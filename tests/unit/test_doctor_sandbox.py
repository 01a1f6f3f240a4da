"""What `solver doctor` says of sandboxes: what is there, and whether a program ran in one."""

import pytest

from sandbox import Fact, SandboxError
from solver.checks import doctor

ALL_THERE = [
    Fact("Docker engine", works=True, note="version 99"),
    Fact("sandbox image", works=True, note="abc"),
    Fact("bubblewrap", works=True, note="/usr/bin/bwrap"),
    Fact("landlock", works=True, note="version 7"),
]


class _Opened:
    kind = "docker"

    async def close(self) -> None:
        """Nothing is left."""


@pytest.mark.parametrize(
    ("works", "code", "line"),
    [
        (True, 0, "ok       sandbox: auto: docker, and a program ran in it\n"),
        (False, 2, "MISSING  sandbox: auto: no program can be started\n"),
    ],
)
def test_all_that_is_there_is_not_enough_a_program_must_run(
    works: bool,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def opened(**_: object) -> _Opened:
        if not works:
            raise SandboxError("no program can be started")
        return _Opened()

    monkeypatch.setattr(doctor, "probe", lambda: ALL_THERE)
    monkeypatch.setattr(doctor, "open_sandbox", opened)
    assert doctor.print_findings(doctor.sandbox_findings()) == code
    assert capsys.readouterr().out.endswith(line)
