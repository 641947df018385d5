"""Passwords and their hashes, as htpasswd makes them: bcrypt, Apache's MD5, SHA-1, crypt(3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import warnings


def verify(password: bytes, hashed: bytes) -> bool:
    """Tell whether a hash is of this password (apr_password_validate, apr-util's crypto/apr_md5.c)."""
    if hashed.startswith(b"{SHA}"):
        return hmac.compare_digest(base64.b64encode(hashlib.sha1(password, usedforsecurity=False).digest()), hashed[5:])
    if hashed.startswith(b"$apr1$"):
        parts = hashed.split(b"$")
        return len(parts) == 4 and hmac.compare_digest(apr1(password, parts[2]), hashed)
    if hashed.startswith((b"$2y$", b"$2a$", b"$2b$")):
        try:
            import bcrypt  # type: ignore[import-not-found, unused-ignore]
        except ImportError:
            return False

        try:
            return bool(bcrypt.checkpw(password[:72], b"$2b$" + hashed[4:]))
        except ValueError:
            return False
    return _crypt(password, hashed)


def _crypt(password: bytes, hashed: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import crypt
        except ImportError:  # Python 3.13 has none
            return False
        found = crypt.crypt(password.decode("utf-8", "surrogateescape"), hashed.decode("latin-1"))
    return found is not None and hmac.compare_digest(found.encode(), hashed)


_ALPHABET = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


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
