"""Small files, such as the tokens that an ACME client leaves for its authority to fetch (RFC 8555 §8.3).

Knows names, and what is a file to be served. Must not know who asks. Opening and reading hold up the loop, on a disk of the
machine for microseconds: so size is bounded, and nothing is opened that could block. A directory on a network that hangs would
hang the loop, too.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Final

MOST: Final = 16384  # octets; a key authorization has about a hundred
# The characters of base64url (RFC 8555 §8.3): no dot, no slash and no NUL. NAME_MAX octets at most (limits.h).
_is_name: Final = re.compile(rb"[A-Za-z0-9_-]{1,255}").fullmatch
# O_NONBLOCK: a FIFO without a writer is not waited for (fifo(7)). O_NOFOLLOW is about the last part of the path only: the
# directory may be reached by a link, a file in it may not be one, since it could lead to anything that may be read.
_HOW: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def read(directory: bytes, name: bytes) -> bytes | None:
    """Return what a file in a directory holds; None if that is not to be served.

    Args:
        directory: its path.
        name: as it came in a request.
    """
    if _is_name(name) is None:
        return None
    try:
        fd = os.open(directory + b"/" + name, _HOW)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        content = os.read(fd, MOST + 1)
    except OSError:
        return None
    finally:
        os.close(fd)
    return content if len(content) <= MOST else None
