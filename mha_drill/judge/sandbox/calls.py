"""The seccomp layer: which calls to the kernel a submission cannot make, and what it is told instead.

A list of what is refused, not of what is allowed: torch and its libraries use much, and differently on each
machine. What it does not name is either harmless or held by the other layers.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from functools import cache

from seccompy import ArgCmp, CmpOp, Filter, arch
from seccompy.syscalls import syscall_nr

CLONE_THREAD = 0x00010000
PR_SET_PDEATHSIG = 1
# TIOCSTI, TIOCLINUX, TIOCSCTTY: typing into a terminal. FIOSETOWN, SIOCSPGRP: who is signalled.
REQUESTS = (0x5412, 0x541C, 0x540E, 0x8901, 0x8902)
# F_SETOWN, F_SETSIG, F_SETOWN_EX
COMMANDS = (8, 10, 15)
# On x86-64 every call has a second number, of the ABI with short pointers.
_X32 = 0x40000000

# A process of its own: as if there were too many already.
PROCESSES = "fork vfork execve execveat"
# No network of any kind. A pair of sockets is not one: an event loop of asyncio has a pair.
NETWORK = "socket connect bind listen accept accept4"
# Other processes, the machine, what outlives the process, and ways around this list.
OTHERS = """
    tkill rt_sigqueueinfo pidfd_send_signal pidfd_open pidfd_getfd ptrace kcmp process_vm_readv
    process_vm_writev process_madvise process_mrelease migrate_pages move_pages setpriority ioprio_set
    sched_setscheduler sched_setparam sched_setattr
    io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd
    mount umount2 move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr pivot_root chroot unshare setns
    shmget shmat shmctl msgget msgctl semget semctl mq_open mq_unlink memfd_create memfd_secret
    keyctl add_key request_key name_to_handle_at open_by_handle_at fanotify_init quotactl quotactl_fd
    swapon swapoff reboot sethostname setdomainname init_module finit_module delete_module kexec_load
    kexec_file_load acct settimeofday adjtimex clock_settime clock_adjtime syslog vhangup personality
    iopl ioperm modify_ldt landlock_create_ruleset landlock_add_rule landlock_restrict_self
"""
# Landlock says nothing of these. Copying a file does them as well, so they come back as done, and are not.
PRETENDED = """
    chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat utime utimes utimensat futimesat
    setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat
"""


@cache
def _prepared() -> Filter:
    """Return the filter that is the same for every runner; building it takes longer than all else here."""
    rules = Filter()
    for number in _numbers(PROCESSES):
        rules.errno(number, errno.EAGAIN)
    for number in _numbers("clone"):
        rules.errno(number, errno.EAGAIN, args=[ArgCmp(0, CmpOp.MASKED_EQ, 0, mask=CLONE_THREAD)])
    for number in _numbers("clone3"):  # the C library then takes `clone`, whose flags can be seen
        rules.errno(number, errno.ENOSYS)
    for number in _numbers(NETWORK):
        rules.errno(number, errno.ENETUNREACH)
    for number in _numbers(OTHERS):
        rules.errno(number, errno.EPERM)
    for number in _numbers(PRETENDED):
        rules.errno(number, 0)
    for number in _numbers("ioctl"):
        for request in REQUESTS:
            rules.errno(number, errno.EPERM, args={1: request})
    for number in _numbers("fcntl"):
        for command in COMMANDS:
            rules.errno(number, errno.EPERM, args={1: command})
    for number in _numbers("prctl"):
        rules.errno(number, errno.EPERM, args={0: PR_SET_PDEATHSIG})
    rules.program  # noqa: B018  compiled here, once
    return rules


def prepare() -> None:
    """Build what every runner shares, before the first is forked."""
    _prepared()


def enter() -> None:
    """Refuse these calls to this process from now on, and to all its threads to come."""
    own = os.getpid()
    itself = Filter()
    for number in _numbers("kill prlimit64 sched_setaffinity"):  # by its number or as 0
        itself.errno(number, errno.EPERM, args=[ArgCmp(0, CmpOp.NE, 0), ArgCmp(0, CmpOp.NE, own)])
    for number in _numbers("tgkill rt_tgsigqueueinfo"):
        itself.errno(number, errno.EPERM, args=[ArgCmp(0, CmpOp.NE, own)])
    itself.load()
    _prepared().load()


def _numbers(names: str) -> Iterator[int]:
    """Yield the numbers of calls on this machine; it may not have all of them."""
    for name in names.split():
        with contextlib.suppress(ValueError):
            number = syscall_nr(name)
            yield number
            if arch() == "x86_64":
                yield number | _X32
