"""What is said of files by the ends of their names: types, character sets, languages, codings.

Source: find_ct (modules/http/mod_mime.c). Must not know files.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from perijove.config.apache.words import octets
from perijove.gateway.rules import Media

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.config.apache.scope import Scope

_TRAITS: Final = ("charset", "language", "encoding")


def media(scopes: Sequence[Scope]) -> Media:
    """Return what scopes say together, each what the one before it does not: TypesConfig's file, AddType and their like."""
    path, language = "/etc/mime.types", b""
    lines: list[tuple[str, ...]] = []
    for scope in scopes:
        path = scope.said.get("typesconfig", (path,))[0]
        lines += scope.said.get("mime", ())
        language = octets(scope.said["defaultlanguage"][0]) if "defaultlanguage" in scope.said else language
    try:
        changed = os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        changed = -1
    return _media(path, changed, tuple(lines), language)


@lru_cache(maxsize=64)
def _media(path: str, changed: int, lines: tuple[tuple[str, ...], ...], language: bytes) -> Media:
    """Return it, once for all hosts that have the same."""
    try:
        types = {} if changed < 0 else dict(_read_types(path, changed))
    except (OSError, ValueError):
        types = {}
    traits: dict[bytes, list[bytes]] = {}
    for name, *words in lines:
        what = name.removeprefix("add").removeprefix("remove")
        value = octets(words.pop(0).lower()) if name.startswith("add") else b""
        for end in (octets(word.lstrip(".").lower()) for word in words):
            if what == "type":
                types[end] = value
            else:
                traits.setdefault(end, [b"", b"", b""])[_TRAITS.index(what)] = value
    ends = tuple((end, (its[0], its[1], its[2])) for end, its in sorted(traits.items()))
    return Media(tuple(sorted(types.items())), ends, language)


@lru_cache(maxsize=4)
def _read_types(path: str, _changed: int) -> dict[bytes, bytes]:
    """Read a file of media types, once for all hosts as long as it is the same."""
    found: dict[bytes, bytes] = {}
    with open(path, "rb") as file:
        for line in file:
            kind, *ends = line.partition(b"#")[0].split() or [b""]
            found |= dict.fromkeys(ends, kind)
    return found
