"""Giving up privileges: the user that workers run as, and descriptors.

Knows users, groups and limits of a process. The supervisor keeps its own, to read keys and to listen; workers read what
they are handed, and files that are served to everybody.
"""

from __future__ import annotations

import contextlib
import os
import resource
from typing import Final

_PLENTY: Final = 1 << 20


class NoSuchUser(Exception):
    """A user cannot be had; the text says why."""


Ids = tuple[int, int, tuple[int, ...]]  # user, group, further groups


def ids(user: str) -> Ids:
    """Return the numbers of `NAME` or `NAME:GROUP`.

    Raises:
        NoSuchUser: there is no such user or group, or it is another one and we are not root.
    """
    import grp
    import pwd

    name, colon, group = user.partition(":")
    try:
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except KeyError:
        raise NoSuchUser(f"there is no user `{name}`: `useradd --system {name}` makes one") from None
    try:
        gid = (int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid) if colon else entry.pw_gid
    except KeyError:
        raise NoSuchUser(f"there is no group `{group}`") from None
    if os.geteuid() != 0 and (entry.pw_uid, gid) != (os.geteuid(), os.getegid()):
        raise NoSuchUser(f"only root can have workers run as `{user}`: start as root, or leave `user` out")
    return entry.pw_uid, gid, tuple(os.getgrouplist(entry.pw_name, gid))


def become(wanted: Ids) -> None:
    """Be this user from now on, for good (setresuid(2): the saved ids, too)."""
    user, group, groups = wanted
    if os.geteuid() != 0:
        return
    os.setgroups(groups)
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def raise_descriptors() -> None:
    """Take as many descriptors as may be had."""
    with contextlib.suppress(ValueError, OSError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = hard if hard != resource.RLIM_INFINITY else _PLENTY
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
