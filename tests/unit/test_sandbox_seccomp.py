"""The system call filter, run by a small interpreter that works like the kernel's."""

import errno
import struct

import pytest

from sandbox.zygote import seccomp

ALLOWED, EPERM, ENOSYS = None, errno.EPERM, errno.ENOSYS
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
COLUMN = {"x86_64": 0, "aarch64": 1}
MACHINES = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


def verdict(
    machine: str,
    number: int,
    *arguments: int,
    sockets: bool = True,
    signals: bool = True,
    architecture: int | None = None,
) -> int | None:
    """Run the filter on one system call: the error it gives, or None when it is allowed."""
    code = seccomp.build(machine, sockets=sockets, signals=signals)
    lines = list(struct.iter_unpack("=HBBI", code))
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", number, architecture or ARCHITECTURE[machine], 0, *padded)
    loaded, position = 0, 0
    while True:
        operation, if_true, if_false, value = lines[position]
        position += 1
        match operation:
            case 0x20:
                (loaded,) = struct.unpack_from("=I", data, value)
            case 0x15:
                position += if_true if loaded == value else if_false
            case 0x35:
                position += if_true if loaded >= value else if_false
            case 0x45:
                position += if_true if loaded & value else if_false
            case 0x06:
                return None if value == 0x7FFF0000 else value & 0xFFFF


@MACHINES
def test_every_listed_call_is_refused(machine: str) -> None:
    for name, numbers in seccomp._DENIED.items():
        number = numbers[COLUMN[machine]]
        if number is not None:
            assert verdict(machine, number) == EPERM, name


@MACHINES
@pytest.mark.parametrize("numbers", [(0, 63), (1, 64), (9, 222), (231, 94), (202, 98), (28, 233)])
def test_ordinary_calls_are_allowed(machine: str, numbers: tuple[int, int]) -> None:
    assert verdict(machine, numbers[COLUMN[machine]]) is ALLOWED


@MACHINES
def test_calls_by_the_rules_of_another_architecture_are_refused(machine: str) -> None:
    assert verdict(machine, 1, architecture=0x40000003) == EPERM


def test_x32_calls_cannot_go_round_the_numbers() -> None:
    assert verdict("x86_64", 0x40000000 | 101) == EPERM
    assert verdict("x86_64", 0x40000000 | 1) == EPERM


@MACHINES
@pytest.mark.parametrize("flag", [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000,
                                  0x20000000, 0x40000000, 0x80])  # fmt: skip
def test_a_clone_into_any_new_namespace_is_refused(machine: str, flag: int) -> None:
    clone = (56, 220)[COLUMN[machine]]
    assert verdict(machine, clone, flag | 17) == EPERM
    assert verdict(machine, clone, 0x1200011) is ALLOWED


@MACHINES
def test_clone3_seems_not_to_exist(machine: str) -> None:
    assert verdict(machine, 435) == ENOSYS


@MACHINES
def test_of_sockets_only_those_of_unix_exist_and_none_where_the_host_has_some(machine: str) -> None:
    socket = (41, 198)[COLUMN[machine]]
    assert verdict(machine, socket, 1, 1) is ALLOWED
    for family in (2, 10, 16, 17, 40):
        assert verdict(machine, socket, family) == EPERM
    assert verdict(machine, socket, 1, 1, sockets=False) == EPERM


@MACHINES
@pytest.mark.parametrize(
    "call",
    [(302, 261), (203, 122), (144, 119), (142, 118), (314, 274)],
    ids=["prlimit", "affinity", "scheduler", "param", "attr"],
)
def test_limits_and_turns_of_other_processes_cannot_be_touched(
    machine: str, call: tuple[int, int]
) -> None:
    assert verdict(machine, call[COLUMN[machine]], 0, 7) is ALLOWED
    assert verdict(machine, call[COLUMN[machine]], 1, 7) == EPERM


@MACHINES
@pytest.mark.parametrize("whom", [(0, 1), (1, 0), (2, 0), (2, 20_000)])
def test_only_its_own_priority_can_be_set(machine: str, whom: tuple[int, int]) -> None:
    setpriority = (141, 140)[COLUMN[machine]]
    assert verdict(machine, setpriority, 0, 0, 19) is ALLOWED
    assert verdict(machine, setpriority, *whom, 19) == EPERM


@MACHINES
def test_nothing_can_be_typed_into_a_terminal(machine: str) -> None:
    ioctl = (16, 29)[COLUMN[machine]]
    assert verdict(machine, ioctl, 0, 0x5412) == EPERM
    assert verdict(machine, ioctl, 0, 0x541C) == EPERM
    assert verdict(machine, ioctl, 0, 0x5401) is ALLOWED


@MACHINES
def test_signals_are_refused_where_the_host_is_in_reach(machine: str) -> None:
    kill = (62, 129)[COLUMN[machine]]
    assert verdict(machine, kill, 1, 9) is ALLOWED
    assert verdict(machine, kill, 1, 9, signals=False) == EPERM


def test_a_machine_without_a_table_is_refused() -> None:
    with pytest.raises(OSError, match="riscv64"):
        seccomp.build("riscv64", sockets=True, signals=True)


def test_a_kernel_that_takes_no_filter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(seccomp, "prctl", refuse)
    with pytest.raises(OSError, match="no filter of system calls"):
        seccomp.install(seccomp.build("x86_64", sockets=True, signals=True))
