"""Passwords and their hashes, as htpasswd makes them: Apache's MD5, SHA-1, and what crypt(3) of the system knows.

That of most systems knows bcrypt, too (crypt(5) of libxcrypt). Must not know who asks, nor where hashes are kept.
"""

from __future__ import annotations

import base64
import ctypes
import functools
import hashlib
import hmac
import os
from collections.abc import Callable
from ctypes.util import find_library
from typing import Any, Final


def verify(password: bytes, hashed: bytes) -> bool:
    """Tell whether a hash is of this password (apr_password_validate, apr-util's crypto/apr_md5.c)."""
    if b"\0" in password:
        return False  # where it ends is not the same for all who hash
    if hashed.startswith(b"{SHA}"):
        made = base64.b64encode(hashlib.sha1(password, usedforsecurity=False).digest())
        return hmac.compare_digest(made, hashed[5:])
    if hashed.startswith(b"$apr1$"):
        parts = hashed.split(b"$")
        return len(parts) == 4 and hmac.compare_digest(apr1(password, parts[2]), hashed)
    found = _crypt()(password, hashed)
    return found is not None and not found.startswith(b"*") and hmac.compare_digest(found, hashed)


@functools.cache
def _crypt() -> Callable[[bytes, bytes], bytes | None]:
    """Return crypt(3). Python has had none of its own since 3.13."""
    for name in (find_library("crypt"), "libcrypt.so.1", "libcrypt.so.2", None):  # None: it may be in the C library
        try:
            crypt: Any = ctypes.CDLL(name).crypt
        except (OSError, AttributeError):
            continue
        crypt.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
        crypt.restype = ctypes.c_char_p
        return crypt  # type: ignore[no-any-return]
    return lambda password, hashed: None


_ALPHABET: Final = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def apr1(password: bytes, salt: bytes) -> bytes:
    """Return Apache's MD5 hash of a password: FreeBSD's, with a mark of its own (apr_md5_encode)."""
    salt = salt[:8]
    final = _md5(password + salt + password)
    context = password + b"$apr1$" + salt
    left = len(password)
    while left > 0:
        context += final[: min(16, left)]
        left -= 16
    bits = len(password)
    while bits:
        context += b"\0" if bits & 1 else password[:1]
        bits >>= 1
    final = _md5(context)
    for round_ in range(1000):
        data = password if round_ & 1 else final
        if round_ % 3:
            data += salt
        if round_ % 7:
            data += password
        data += final if round_ & 1 else password
        final = _md5(data)
    out = b""
    for one, two, three in ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)):
        value = final[one] << 16 | final[two] << 8 | final[three]
        for _ in range(4):
            out += _ALPHABET[value & 63 : (value & 63) + 1]
            value >>= 6
    value = final[11]
    for _ in range(2):
        out += _ALPHABET[value & 63 : (value & 63) + 1]
        value >>= 6
    return b"$apr1$" + salt + b"$" + out


_KNOWN: Final = 1024  # pairs of a name and a password whose hash is not made again, right ones and wrong ones each
_LONGEST_PASSWORD: Final = 256  # htpasswd makes none that is longer (MAX_STRING_LEN); hashing a long one takes long


def checker(users: tuple[tuple[bytes, bytes], ...]) -> Callable[[bytes, bytes], bool]:
    """Return what tells whether a password is that of a user.

    Slow hashes are made to be slow, and a browser sends the same pair with each request: what came out is remembered, under
    a digest with a key of its own. So no password is kept, a look-up takes as long for a right one as for a wrong one, and
    guesses cannot drive out what is right. An unknown name costs a hash as well, so that it cannot be told from a known one.
    """
    known = dict(users)
    any_hash = users[0][1] if users else b""
    secret = os.urandom(32)
    right: set[bytes] = set()
    wrong: set[bytes] = set()

    def is_right(name: bytes, password: bytes) -> bool:
        if len(password) > _LONGEST_PASSWORD:
            return False
        key = hashlib.blake2b(b"%d:%b:%b" % (len(name), name, password), key=secret, digest_size=32).digest()
        if key in right:
            return True
        if key in wrong:
            return False
        found = verify(password, known.get(name, any_hash)) and name in known
        kept = right if found else wrong
        if len(kept) >= _KNOWN:
            kept.clear()
        kept.add(key)
        return found

    return is_right
