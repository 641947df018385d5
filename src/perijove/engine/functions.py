"""Functions of octets that a part of a text may be: spelling, digests, and what there is on the disk.

Knows how httpd's and APR's functions treat odd octets. Must not know requests.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

# ap_os_escape_path() of httpd (server/util.c) leaves these.
_PATH: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$-_.+!*'(),:;@&=/~")
_PATH_SPELT: Final = [bytes((octet,)) if octet in _PATH else b"%%%02x" % octet for octet in range(256)]


def _escaped(text: bytes) -> bytes:
    return b"".join([_PATH_SPELT[octet] for octet in text])


_escape: Final = re.compile(rb"%(..)?", re.DOTALL).sub
_escape_of: Final = re.compile(rb"%([0-9A-Fa-f]{2})").sub
_hexadecimal: Final = re.compile(rb"[0-9A-Fa-f]{2}\Z").match
_base64: Final = re.compile(rb"[A-Za-z0-9+/]*").match


def _unescaped(text: bytes) -> bytes:
    """Decode; nothing is left of a text with bad escapes, or one of NUL. %2F stays (ap_unescape_url_keep2f)."""
    good = True

    def octet(found: re.Match[bytes]) -> bytes:
        nonlocal good
        digits = found[1] or b""
        if not _hexadecimal(digits) or digits == b"00":
            good = False
            return b""
        return found[0] if digits in (b"2f", b"2F") else bytes((int(digits, 16),))

    text = _escape(octet, text)
    return text if good else b""


def _decoded(text: bytes) -> bytes:
    """Decode what can be, up to a NUL (ap_unescape_url)."""

    def octet(found: re.Match[bytes]) -> bytes:
        return bytes((int(found[1], 16),))

    return _escape_of(octet, text).partition(b"\0")[0]


def _unbase64(text: bytes) -> bytes:
    """Decode up to what cannot be; padding is not needed (apr_base64_decode). The rest after a NUL is lost, as in C."""
    found = _base64(text)
    digits = b"" if found is None else found[0]
    if len(digits) % 4 == 1:
        digits = digits[: len(digits) - 1]
    return base64.b64decode(digits + b"=" * ((4 - len(digits) % 4) % 4)).partition(b"\0")[0]


# What RFC 4515 §3 and RFC 4514 §2.4 have escaped (apr_escape_ldap with APR_ESCAPE_LDAP_ALL).
_LDAP: Final = frozenset(b'\\*()"+,;<>')


def _ldap(text: bytes) -> bytes:
    return b"".join([b"\\%02x" % octet if octet in _LDAP or not 0x20 <= octet < 0x7F else bytes((octet,)) for octet in text])


_LARGEST: Final = 1 << 16  # octets of a file that becomes a part of a text


def _content(path: bytes) -> bytes:
    """Return what a small file has; it is opened so that nothing is waited for."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return b""
    try:
        found = os.fstat(fd)
        return os.read(fd, _LARGEST) if stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST else b""
    except OSError:
        return b""
    finally:
        os.close(fd)


def _stat(path: bytes, changed: bool) -> bytes:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return b"0"
    return b"%d" % (found.st_mtime_ns // 1000 if changed else found.st_size)


def _found(path: bytes) -> bytes:
    """Return a path up to the first part that is no directory, as httpd walks it (ap_directory_walk, server/request.c)."""
    at = path.find(b"/", 1)
    while at >= 0 and path[:1] == b"/":
        try:
            if not stat.S_ISDIR(os.stat(path[:at]).st_mode):
                return path[:at]
        except (OSError, ValueError):
            return path[:at]
        at = path.find(b"/", at + 1)
    return path


FUNCTIONS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "lower": bytes.lower,
    "upper": bytes.upper,
    "escape": _escaped,
    "unescape": _unescaped,
    "decode": _decoded,
    "base64": base64.b64encode,
    "unbase64": _unbase64,
    "md5": lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest().encode(),
    "ldap": _ldap,
    "content": _content,
    "size": lambda path: _stat(path, False),
    "changed": lambda path: _stat(path, True),
    "found": _found,
    "behind": lambda path: path[len(_found(path)) :],
    "sha1": lambda text: hashlib.sha1(text, usedforsecurity=False).hexdigest().encode(),
}
