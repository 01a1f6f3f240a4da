"""Programs that want more rights, forbidden system calls, or a network."""

from tests.integration.attacks.writing import (
    OK,
    SYSTEM_CALL,
    attack,
    probing,
    system_call,
)

# A row is a name, how the program may end, and the program.
# fmt: off
PRIVILEGES = [
    probing("becomes root", """
        probe("setuid", lambda: os.setuid(0))
        probe("setresuid", lambda: os.setresuid(0, 0, 0))
        probe("setgid", lambda: os.setgid(0))
        probe("setgroups", lambda: os.setgroups([0]))
        print("ESCAPED" if 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) else "held")
    """),
    probing("becomes the user of another program", """
        mine = os.getuid()
        for other in (mine - 1, mine + 1, 65534, 20000, 20001):
            if other != mine:
                probe(other, lambda: os.setuid(other))
    """),
    probing("runs programs that make anyone root", """
        import subprocess
        for words in (["su", "-c", "id -u"], ["mount"], ["passwd", "-S"], ["newgrp"]):
            try:
                done = subprocess.run(words, capture_output=True, text=True, timeout=1,
                                      stdin=subprocess.DEVNULL)
            except (OSError, subprocess.TimeoutExpired) as failure:
                print("held", failure)
                continue
            print("ESCAPED" if words[0] == "su" and done.stdout.strip() == "0" else "held")
    """),
    probing("has capabilities, or may gain some", """
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        for name in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            print("held" if int(status[name], 16) == 0 else "ESCAPED", name, status[name])
        print("held" if status["NoNewPrivs"].strip() == "1" else "ESCAPED no_new_privs")
        print("held" if status["Seccomp"].strip() == "2" else "ESCAPED seccomp")
    """),
    probing("makes devices, or opens those of the host", """
        import stat
        probe("mknod", lambda: os.mknod("mine", 0o600 | stat.S_IFBLK, os.makedev(8, 0)))
        probe("mknod", lambda: os.mknod("mem", 0o600 | stat.S_IFCHR, os.makedev(1, 1)))
        for device in ("mem", "kmem", "port", "kmsg", "sda", "vda", "kvm", "fuse", "net/tun"):
            probe(device, lambda: os.open("/dev/" + device, os.O_RDWR))
    """),
    probing("changes the kernel through its files", """
        for file in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern",
                     "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches",
                     "/proc/sys/kernel/ns_last_pid", "/sys/kernel/uevent_helper"):
            probe(file, lambda: put(file, "x"))
    """),
    probing("leaves its control group", """
        import glob
        files = glob.glob("/sys/fs/cgroup/**/cgroup.procs", recursive=True)
        files += glob.glob("/sys/fs/cgroup/**/release_agent", recursive=True)
        for file in files or ["/sys/fs/cgroup/cgroup.procs"]:
            probe(file, lambda: put(file, "0"))
    """),
    probing("changes its root", """
        probe("chroot", lambda: os.chroot("/"))
        probe("chroot", lambda: os.chroot("."))
    """),
    probing("makes namespaces of its own", """
        for flag in (0x10000000, 0x40000000, 0x00020000, 0x20000000, 0x04000000, 0x08000000):
            probe(hex(flag), lambda: call(272, flag))
            probe("clone " + hex(flag), lambda: call(56, flag | 17, 0, 0, 0, 0))
    """, prelude=SYSTEM_CALL),
    probing("makes namespaces by the newer call", """
        import struct
        arguments = struct.pack("=8Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0)
        def clone():
            pid = call(435, arguments, len(arguments))
            if pid[0] == 0: os._exit(0)
            return pid
        probe("clone3", clone)
    """, prelude=SYSTEM_CALL),
    probing("calls by the numbers of another architecture", """
        for number in (0x40000000 + 101, 0x40000000 + 272, 0x40000000 + 39):
            probe(hex(number), lambda: call(number, 0x10000000, 0, 0, 0))
    """, prelude=SYSTEM_CALL),
    probing("takes the filter off again", """
        def control(*arguments):
            if library.prctl(*arguments) == -1:
                raise OSError(ctypes.get_errno(), "refused")
        probe("no new privileges", lambda: control(38, 0, 0, 0, 0))
        probe("no filter", lambda: control(22, 0, 0, 0, 0))
        probe("still filtered", lambda: call(250, 0, 0, 0, 0))
    """, prelude=SYSTEM_CALL),
]

# Numbers of x86_64.
SYSTEM_CALLS = [
    system_call("mount", 165, 'b"none", b"/mnt", b"tmpfs", 0, 0'),
    system_call("umount2", 166, 'b"/proc", 2'),
    system_call("pivot_root", 155, 'b".", b"."'),
    system_call("setns", 308, "0, 0"),
    system_call("open_by_handle_at", 304, "-100, 0, 0"),
    system_call("keyctl", 250, "0, 0, 0, 0, 0"),
    system_call("add_key", 248, 'b"user", b"left", b"secret", 6, -3'),
    system_call("bpf", 321, "0, 0, 0"),
    system_call("perf_event_open", 298, "0, 0, -1, -1, 0"),
    system_call("userfaultfd", 323, "0"),
    system_call("io_uring_setup", 425, "1, 0"),
    system_call("kexec_load", 246, "0, 0, 0, 0"),
    system_call("init_module", 175, '0, 0, b""'),
    system_call("reboot", 169, "0, 0, 0, 0"),
    system_call("settimeofday", 164, "0, 0"),
    system_call("sethostname", 170, 'b"mine", 4'),
    system_call("swapon", 167, 'b"x", 0'),
    system_call("acct", 163, "0"),
    system_call("personality", 135, "0x0040000"),
    system_call("shmget", 29, "4242, 4096, 0o1666"),
    system_call("semget", 64, "4242, 1, 0o1666"),
    system_call("msgget", 68, "4242, 0o1666"),
    system_call("mq_open", 240, 'b"left", 66, 0o600, 0'),
]

NETWORK = [
    probing("connects to the internet", """
        import socket
        for address in (("1.1.1.1", 53), ("8.8.8.8", 443), ("169.254.169.254", 80)):
            probe(address, lambda: socket.create_connection(address, timeout=0.5))
        probe("udp", lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("1.1.1.1", 53)))
    """),
    probing("connects to the host", """
        import socket
        for address in ("127.0.0.1", "172.17.0.1", "host.docker.internal", "::1"):
            probe(address, lambda: socket.create_connection((address, 22), timeout=0.5))
    """),
    probing("looks up a name", """
        import socket
        probe("getaddrinfo", lambda: socket.getaddrinfo("example.com", 443))
    """),
    probing("sockets of every other family", """
        import socket
        for family in (2, 10, 16, 17, 31, 38, 40, 44):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
                probe((family, kind), lambda: socket.socket(family, kind))
    """),
    probing("asks the engine for another container", """
        import socket
        for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"):
            probe(path, lambda: socket.socket(socket.AF_UNIX).connect(path))
    """),
    attack("leaves a listener for the next program", OK, """
        import os, socket, time
        if os.fork() == 0:
            try:
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(chr(0) + "left-behind")
                listener.listen()
            finally:
                time.sleep(1000)
        print("listening")
    """, says="listening"),
]
