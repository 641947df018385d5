"""What is secret in a URL, and how it is left out of whatever we write of one.

Knows names of query parameters, and two paths. JupyterHub's URLs carry login tokens, OAuth codes and states.
Must not know where a URL is written.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# RFC 6749, RFC 7636 and OpenID Connect; the hub and its authenticators (CAS, SAML, LTI); signed URLs; what else people write.
NAMES: Final = (
    "token", "access_token", "auth_token", "api_token", "id_token", "id_token_hint", "refresh_token", "logout_token",
    "csrf_token", "oauth_token", "oauth_verifier", "oauth_signature",
    "code", "code_verifier", "device_code", "user_code", "state", "session_state", "nonce",
    "client_secret", "client_assertion", "assertion", "ticket", "samlresponse", "jwt",
    "_xsrf", "xsrf", "csrf", "password", "passwd", "pwd", "passphrase", "otp", "secret",
    "api_key", "apikey", "api-key", "signature", "sig", "x-amz-signature", "x-amz-security-token", "x-goog-signature",
)  # fmt: skip


def _letter(letter: str) -> str:
    """Return what matches a letter in both cases, written as it is or percent-encoded, once or more often."""
    codes = "|".join(sorted({f"{ord(one):02x}" for one in (letter.lower(), letter.upper())}))
    return f"(?:{re.escape(letter)}|%(?:25)*(?:{codes}))"


def _plain(letter: str) -> str:
    return re.escape(letter)


def _any(names: Iterable[str], written: Callable[[str], str]) -> str:
    """Return what matches one of the names. They share their beginnings: most places are left after one letter."""
    below: dict[str, list[str]] = {}
    for name in names:
        below.setdefault(name[:1], []).append(name[1:])
    found = [written(letter) + _any(rest, written) if letter else "" for letter, rest in sorted(below.items(), reverse=True)]
    return found[0] if len(found) == 1 else f"(?:{'|'.join(found)})"


# A parameter may stand in a URL that is itself a parameter, such as `next` of the hub's login page: its separators are then
# percent-encoded, once for each level. A value is left out up to the next parameter of the outermost URL.
@cache
def _name() -> str:
    return f"(?i)([?&;#%](?:(?<!%)|(?:25)*(?:3f|3b|26|23)){_any(NAMES, _letter)}(?:=|%(?:25)*3d))"


# These take milliseconds to compile, and most commands never have a secret before them: each is compiled when it is needed.
@cache
def _secret() -> re.Pattern[bytes]:
    return re.compile(f"{_name()}[^&]+".encode())


@cache
def _secret_in_text() -> re.Pattern[str]:
    return re.compile(f"{_name()}[^&\\s\"'`<>]+")


# Most URLs need no such search: these have no secret's name in lower case, and no encoded letter or separator.
@cache
def _named() -> re.Pattern[bytes]:
    return re.compile(f"[?&;#]{_any(NAMES, _plain)}=".encode())


@cache
def _plain_secret() -> re.Pattern[bytes]:
    return re.compile(f"(?i)([?&;#]{_any(NAMES, _plain)}=)[^&]+".encode())


_encoded: Final = re.compile(rb"%(?:25)*(?:3[BbDdFf]|2[36Dd]|[4-7])").search
# What every parameter has that is left out of a text; its name has no more than 20 letters.
_parameter: Final = re.compile(r"[?&;#%][\w-]{1,30}[=%]").search
# Deprecated calls of the hub's API have the secret in the path.
_in_path: Final = re.compile(rb"(/authorizations/(?:token|cookie/[^/?]*)/)[^/?]+").sub


def prepare() -> None:
    """Compile what `masked` needs, so that no request waits for it."""
    _secret(), _named(), _plain_secret()


def masked(url: bytes) -> bytes:
    """Return a URL, or a request target, without the secrets in it."""
    if b"%" in url and _encoded(url):
        url = _secret().sub(rb"\1***", url)
    elif b"=" in url and _named().search(url.lower()):
        url = _plain_secret().sub(rb"\1***", url)
    return _in_path(rb"\1***", url) if b"/authorizations/" in url else url


def masked_text(text: str) -> str:
    """Return a text without the secrets of the URLs in it."""
    return _secret_in_text().sub(r"\1***", text) if _parameter(text) else text
