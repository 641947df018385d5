"""Why a request is refused: by which rule or by which fault, in words.

Knows what rules may do and what may go wrong besides. Must not know dialects: those bring their words with them.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from perijove.explain.model import Refusal
from perijove.explain.words import octets
from perijove.gateway import actions
from perijove.gateway.reasons import Fault, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perijove.engine.state import State
    from perijove.gateway.rules import Rule

_HEADS: Final = {
    400: "the head is not a request that can be read in one way only",
    405: "this method is not passed on",
    413: "the content is larger than `limits.body`",
    414: "the request line is longer than `limits.request-line`",
    431: "the head is larger than `limits.header`, or has more fields than `limits.fields`",
    501: "the method or the coding of the content is not one that is spoken",
    505: "it is no version of HTTP/1",
}


def of_head(status: int) -> Refusal:
    """Return why a request is refused before any rule is looked at."""
    return Refusal(status, "", "", _HEADS.get(status, "the head cannot be read"))


def of_file(status: int, file: str) -> Refusal:
    """Return why a file is not given."""
    return Refusal(status, "", "", f"there is no file {file}" if status == 404 else "files are for GET and HEAD only")


def of_route(status: int, host: bool) -> Refusal:
    """Return why a request is refused where rules are paths in order; `host` tells whether a host was found."""
    if status == 400:
        plain = "the path may be read in two ways, which lead to different routes, or `..` leads above `/`"
    else:
        plain = "no route is for this path: add one" if host else "no host has this name: add it to a host's `names`"
    return Refusal(status, "", "", plain)


def of_program(state: State, last: Rule | None, reasons: Mapping[Fault, Reason]) -> Refusal:
    """Return why a request is refused that rules have run for.

    Args:
        state: what they left.
        last: the last of them that decided, None if none was looked at.
        reasons: of what goes wrong without a rule, in the words of the dialect.
    """
    refuse = None if last is None else last.do.refusal if isinstance(last.do, actions.Bar) else last.do
    if last is not None and isinstance(refuse, actions.Refuse) and refuse.status == state.status:
        found = refuse.why
        if found is None:
            where = "" if last.origin is None else f": {last.origin.source.name}:{last.origin.line}"
            found = Reason(plain=f"a rule says so{where}")
    else:
        found = reasons.get(_fault(state, last)) or Reason(plain=_fault(state, last).value)
    return Refusal(state.status, found.code, _filled(found.words, state), found.plain)


def _fault(state: State, last: Rule | None) -> Fault:
    if last is None:
        return Fault.BAD_PATH if state.status == 400 else Fault.ENCODED_SLASH
    match last.do:
        case actions.Authenticate(users=users) if state.status in (401, 407):
            return _credentials(state, dict(users))
        case actions.ForwardTo() | actions.Forward() if state.status == 403:
            return Fault.BAD_TARGET
        case actions.ForwardAsked() if state.status == 500:
            return Fault.NO_UPSTREAM
        case actions.ForwardAnywhere() if state.status:
            return Fault.BAD_TARGET if state.status == 403 else Fault.NO_UPSTREAM
    return Fault.NOWHERE if state.status == 404 else Fault.ENDLESS


def _user(state: State) -> str:
    scheme, _, credentials = state.field(b"authorization").partition(b" ")
    try:
        name, colon, _ = base64.b64decode(credentials.strip(), validate=True).partition(b":")
    except binascii.Error:
        return ""
    return octets(name) if scheme.lower() == b"basic" and colon else ""


def _credentials(state: State, users: Mapping[bytes, bytes]) -> Fault:
    if state.user:
        return Fault.OTHER_USER
    name = _user(state)
    if not name:
        return Fault.NO_CREDENTIALS
    return Fault.WRONG_PASSWORD if name.encode("utf-8", "surrogateescape") in users else Fault.UNKNOWN_USER


def _filled(words: str, state: State) -> str:
    known = {"{raw}": octets(state.raw), "{path}": octets(state.path), "{user}": octets(state.user) or _user(state)}
    for mark, value in known.items():
        words = words.replace(mark, value)
    return words
