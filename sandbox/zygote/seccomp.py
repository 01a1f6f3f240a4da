"""Refuses system calls that mathematics never needs, by a filter in the kernel (seccomp).

It is a deny list: calls that are not named here are allowed, and other restrictions must handle
them. A refused call fails with EPERM, an ordinary error. For x86_64 and aarch64.
"""

import ctypes
import errno
import struct

from .kernel import prctl

_DENIED = {
    # other processes' memory, descriptors and threads
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # file systems, namespaces, devices
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "mount_setattr": (442, 442),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "nfsservctl": (180, 42),
    # the kernel itself
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "vhangup": (153, 58),
    "ioprio_set": (251, 30),
    "io_setup": (206, 0),
    "personality": (135, 92),
    "lookup_dcookie": (212, 18),
    # memory that outlives a program, or that no limit of a process counts
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmdt": (67, 197),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182),
    "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
}
"""Name: its number on x86_64 and on aarch64."""

_SIGNALS = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
}

_CLONE, _CLONE3, _SOCKET, _IOCTL = (56, 220), (435, 435), (41, 198), (16, 29)
_ITS_OWN = {
    "prlimit": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
}
"""Calls that a process may make for itself, 0 as the first argument, but not for another."""
_SETPRIORITY = (141, 140)
"""The same, but 0, 0: the kind of what the second argument names, and which."""
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_CALLS = 0x40000000
_CLONE_NEW_NAMESPACES = 0x7E020080
"""CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET,TIME} together."""
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_UNIX = 1

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _JUMP_IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets of the fields in the kernel's `struct seccomp_data`."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(code: bytes) -> None:
    """Apply a filter to this process and all it starts. Needs no-new-privileges first.

    Raises OSError.
    """
    program = _Program(len(code) // 8, code)
    try:
        prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))
    except OSError as error:
        refused = "no filter of system calls (seccomp) can be set, as under an emulated processor"
        raise OSError(error.errno, refused) from error


def build(machine: str, *, sockets: bool, signals: bool) -> bytes:
    """Build the filter for one kind of machine, in the kernel's format.

    `sockets` allows unix sockets, which multiprocessing's managers use; otherwise none are
    allowed. `signals` allows signals to other processes; which ones is then up to the namespace.
    Raises OSError on a machine that is neither x86_64 nor aarch64.
    """
    if machine not in _AUDIT_ARCH:
        raise OSError(errno.ENOSYS, f"no system call filter for {machine}")
    column = list(_AUDIT_ARCH).index(machine)
    refuse = [(_RETURN, 0, 0, _ERROR | errno.EPERM)]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        *refuse,  # a call made as on another architecture, where the numbers differ
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        lines += [(_JUMP_IF_AT_LEAST, 0, 1, _X32_CALLS), *refuse]
    denied = _DENIED if signals else _DENIED | _SIGNALS
    for numbers in denied.values():
        number = numbers[column]
        if number is not None:
            lines += [(_JUMP_IF_EQUAL, 0, 1, number), *refuse]
    # clone3 hides its flags behind a pointer; ENOSYS makes the C library fall back to clone
    missing = (_RETURN, 0, 0, _ERROR | errno.ENOSYS)
    lines += [(_JUMP_IF_EQUAL, 0, 1, _CLONE3[column]), missing]
    new_namespaces = (_JUMP_IF_ANY_BIT, 0, 1, _CLONE_NEW_NAMESPACES)
    lines += _when_argument(0, _CLONE[column], new_namespaces, *refuse)
    if sockets:
        lines += _when_argument(0, _SOCKET[column], (_JUMP_IF_EQUAL, 1, 0, _AF_UNIX), *refuse)
    else:
        lines += [(_JUMP_IF_EQUAL, 0, 1, _SOCKET[column]), *refuse]
    # a process may change its own limits and turns, not those of the fork server
    is_0 = (_JUMP_IF_EQUAL, 1, 0, 0)
    for numbers in _ITS_OWN.values():
        lines += _when_argument(0, numbers[column], is_0, *refuse)
    for index in (0, 1):
        lines += _when_argument(index, _SETPRIORITY[column], is_0, *refuse)
    for command in (_TIOCSTI, _TIOCLINUX):
        lines += _when_argument(1, _IOCTL[column], (_JUMP_IF_EQUAL, 0, 1, command), *refuse)
    lines += [(_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _when_argument(
    index: int,
    number: int,
    test: tuple[int, int, int, int],
    refusal: tuple[int, int, int, int],
) -> list[tuple[int, int, int, int]]:
    """Refuse one system call when the low half of one of its arguments fails a test."""
    return [
        (_JUMP_IF_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _ARGUMENTS + 8 * index),
        test,
        refusal,
        (_LOAD, 0, 0, _NUMBER),
    ]
