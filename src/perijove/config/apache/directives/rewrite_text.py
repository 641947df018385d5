r"""Texts of mod_rewrite: `%{VARIABLE}`, `$1`, `%1`, `${map:key|default}`, and backslashes.

Knows how httpd expands them (modules/mappers/mod_rewrite.c: do_expand, lookup_variable). Must not know rules.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from perijove.config.apache.expression_names import BEHIND_FILE, OF_TLS
from perijove.config.apache.own_names import Names, joined
from perijove.config.apache.words import octets
from perijove.gateway.templates import (
    Call,
    Capture,
    Draw,
    Encoded,
    Fact,
    Function,
    Kept,
    Look,
    Note,
    Part,
    RequestField,
    Template,
    Time,
    Variable,
)


@dataclass(frozen=True, slots=True)
class Map:
    """RewriteMap: a function, a table, or a table with choices."""

    function: Function | None = None
    table: tuple[tuple[bytes, bytes], ...] = ()
    draw: bool = False

    def look(self, key: Template, missing: Template) -> Part:
        """Return what a key stands for."""
        if self.function is not None:
            return Call(self.function, key)
        if self.draw:
            return Draw(tuple((name, tuple(value.split(b"|"))) for name, value in self.table), key, missing)
        return Look(self.table, key, missing)


@dataclass(frozen=True, slots=True)
class Around:
    """What a text may refer to."""

    names: Names
    maps: Mapping[str, Map] = field(default_factory=dict)
    groups: bool = True  # whether `$1` has something
    kept: bool = False  # whether `%1` does
    section: bool = False  # in a section: the user is known, and files have their path
    escaped: bytes = b""  # what is escaped in what `$1` and `%1` stand for
    plus: bool = True  # so that a space becomes a plus


EVERYTHING: Final = bytes(sorted(set(range(1, 256)) - set((string.ascii_letters + string.digits + "_").encode())))
CONTROLS: Final = bytes((*range(1, 0x21), 0x7F))

FIELDS: Final = {
    "HTTP_HOST": b"host",
    "HTTP_USER_AGENT": b"user-agent",
    "HTTP_REFERER": b"referer",
    "HTTP_COOKIE": b"cookie",
    "HTTP_ACCEPT": b"accept",
    "HTTP_FORWARDED": b"forwarded",
    "HTTP_PROXY_CONNECTION": b"proxy-connection",
}
_VARIABLES: Final[dict[str, Part]] = {
    "REQUEST_URI": Fact.PATH,
    "QUERY_STRING": Fact.QUERY,
    "HTTPS": Fact.HTTPS,
    "REMOTE_ADDR": Variable.CLIENT_IP,
    "REMOTE_HOST": Variable.CLIENT_IP,  # HostnameLookups Off
    "CONN_REMOTE_ADDR": Fact.CONNECTION_ADDRESS,
    "REMOTE_PORT": Variable.CLIENT_PORT,
    "SERVER_ADDR": Fact.SERVER_ADDRESS,
    "SERVER_PROTOCOL": Fact.PROTOCOL,
    "REQUEST_METHOD": Variable.METHOD,
    "THE_REQUEST": Fact.REQUEST_LINE,
    "REQUEST_FILENAME": Fact.HELD,
    "SCRIPT_FILENAME": Fact.HELD,
    "IS_SUBREQ": b"false",
    "IPV6": b"off",
    "SCRIPT_USER": b"<unknown>",
    "SCRIPT_GROUP": b"<unknown>",
    "SERVER_SOFTWARE": b"Apache",
    "TIME": Time("%Y%m%d%H%M%S"),
    "TIME_YEAR": Time("%Y"),
    "TIME_MON": Time("%m"),
    "TIME_DAY": Time("%d"),
    "TIME_HOUR": Time("%H"),
    "TIME_MIN": Time("%M"),
    "TIME_SEC": Time("%S"),
    "TIME_WDAY": Time("%w"),
}


def variable(name: str, around: Around) -> Template:
    """Return what `%{name}` stands for; what is no variable is empty."""
    prefix, colon, rest = name.partition(":")
    if colon and rest:
        return _prefixed(prefix.upper(), rest, around)
    name = name.upper()
    names = around.names
    if name in FIELDS:
        return (RequestField(FIELDS[name]),)
    if name == "REMOTE_USER":
        return (Fact.USER,) if around.section else ()
    if name == "PATH_INFO":
        return BEHIND_FILE if around.section else ()
    if name == "SERVER_NAME":
        return names.name
    if name == "SERVER_PORT":
        return names.port
    if name == "REQUEST_SCHEME":
        return (names.scheme,)
    if name in ("DOCUMENT_ROOT", "CONTEXT_DOCUMENT_ROOT"):
        return (names.document_root,)
    found = _VARIABLES.get(name)
    return () if found is None else (found,)


def _prefixed(prefix: str, name: str, around: Around) -> Template:
    match prefix:
        case "HTTP":
            return (RequestField(octets(name.lower())),)
        case "ENV":
            if name == "SCRIPT_URL":
                return (Fact.PATH,)
            if name == "SCRIPT_URI":
                return (*around.names.origin, Fact.PATH)
            return (Note(octets(name)),)
        case "SSL":
            return (Fact.HTTPS,) if name.upper() == "HTTPS" else OF_TLS.get(name, ())
        case "LA-U" | "LA-F":  # a request inside comes to the same place, having passed access control
            return variable(name, around)
    return ()


def emulated(name: str) -> bool:
    """Tell whether a variable has here what httpd would give it."""
    prefix, colon, rest = name.partition(":")
    return not (colon and prefix.upper() == "SSL" and rest.upper() != "HTTPS")


_special: Final = re.compile(r"[\\$%]").search


def expand(text: str, around: Around) -> Template:
    """Return a text as it is made for each request."""
    parts: list[Part] = []
    at = 0
    while True:
        found = _special(text, at)
        if found is None:
            parts.append(octets(text[at:]))
            return joined(parts)
        parts.append(octets(text[at : found.start()]))
        at = _step(text, found.start(), parts, around)


def _step(text: str, at: int, parts: list[Part], around: Around) -> int:
    """Add what begins with a backslash, a dollar or a percent sign; return where the text goes on."""
    mark, following = text[at], text[at + 1 : at + 2]
    if mark == "\\":
        parts.append(octets(following or mark))
        return at + 2
    if following == "{":
        end = _closing(text, at + 2)
        colon = _within(text, at + 2, ":") if mark == "$" else 0
        if end < 0 or colon < 0:
            parts.append(octets(text[at : at + 2]))
            return at + 2
        if mark == "%":
            parts.extend(variable(text[at + 2 : end], around))
        else:
            parts.extend(_looked_up(text[at + 2 : colon], text[colon + 1 : end], around))
        return end + 1
    if following.isdigit() and following.isascii():
        there = around.groups if mark == "$" else around.kept
        if there:
            one: Part = Capture(int(following)) if mark == "$" else Kept(int(following))
            parts.append(Encoded((one,), around.escaped, around.plus) if around.escaped else one)
        return at + 2
    parts.append(octets(mark))
    return at + 1


def _looked_up(name: str, inner: str, around: Around) -> Template:
    bar = _within(inner, 0, "|")
    key = expand(inner if bar < 0 else inner[:bar], around)
    missing = () if bar < 0 else expand(inner[bar + 1 :], around)
    found = around.maps.get(name)
    return missing if found is None else (found.look(key, missing),)


def _closing(text: str, at: int) -> int:
    """Return where the brace ends that was opened before; -1 if it does not."""
    depth = 1
    while at < len(text):
        if text[at] == "}":
            depth -= 1
            if not depth:
                return at
        elif text[at] == "{":
            depth += 1
        at += 1
    return -1


def _within(text: str, at: int, mark: str) -> int:
    """Return where a mark stands that is in no further braces; -1 if there is none."""
    depth = 1
    while at < len(text):
        if text[at] == mark and depth == 1:
            return at
        if text[at] == "}":
            depth -= 1
            if not depth:
                return -1
        elif text[at] == "{":
            depth += 1
        at += 1
    return -1


def read_table(text: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Return what a text map has: keys and values, the first of a key counts (lookup_map_txtfile)."""
    found: dict[bytes, bytes] = {}
    for line in text.split(b"\n"):
        if line[:1] in (b"#", b"") or line[:1].isspace():
            continue
        words = line.split(None, 2)
        if len(words) > 1:  # a key without a value is none
            found.setdefault(words[0], words[1])
    return tuple(found.items())
