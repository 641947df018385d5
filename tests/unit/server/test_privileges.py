"""Names of users and groups, as numbers."""

import grp
import os
import pwd

import pytest

from perijove.server import privileges
from perijove.server.privileges import NoSuchUser, ids

MYSELF = pwd.getpwuid(os.geteuid())


def test_a_name_and_a_number_are_the_same() -> None:
    group = grp.getgrgid(MYSELF.pw_gid).gr_name
    wanted = ids(MYSELF.pw_name)
    assert wanted[:2] == (MYSELF.pw_uid, MYSELF.pw_gid)
    assert MYSELF.pw_gid in wanted[2]
    assert ids(str(MYSELF.pw_uid)) == ids(f"{MYSELF.pw_name}:{group}") == ids(f"{MYSELF.pw_name}:{MYSELF.pw_gid}") == wanted


@pytest.mark.parametrize(
    ("user", "why"),
    [("no-such-user", "useradd --system no-such-user"), (f"{MYSELF.pw_name}:no-such-group", "no group `no-such-group`")],
)
def test_nobody_of_that_name(user: str, why: str) -> None:
    with pytest.raises(NoSuchUser, match=why):
        ids(user)


def test_only_root_becomes_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges.os, "geteuid", lambda: 54321)
    with pytest.raises(NoSuchUser, match="only root"):
        ids(MYSELF.pw_name)
