"""Whom a proxy believes, and where it lets requests: fields that tell of a client, hop-by-hop abuse, paths against a prefix.

A field of which a stranger's value reaches the upstream under a name that upstreams believe is a spoof. A path that any upstream
could read as one outside the prefix is an escape. What is inside it arrives octet by octet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tests.security.case import HOST, WEBSOCKET
from tests.security.stage import BROKEN, LAX, SAFELY, UNSAFE, Outcome, Recorder, Verdict

EVIL = b"203.0.113.66"
# Written by whoever faces the Internet, and believed by JupyterHub, Jupyter Server, WSGI servers and authenticators.
BELIEVED = (
    b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"X-Forwarded-Port", b"X-Forwarded-Server", b"X-Forwarded-Ssl", b"X-Forwarded-Scheme",
    b"X-Forwarded-Prefix", b"X-Forwarded-User", b"X-Forwarded-Email", b"X-Forwarded-Groups", b"X-Forwarded-Preferred-Username", b"X-Scheme", b"X-Real-IP", b"Forwarded",
    b"X-Remote-User", b"Remote-User",
)  # fmt: skip
PREFIX = "/jupyter"


class Case(NamedTuple):
    """A request, and what must not, or must, be in it when it arrives."""

    kind: str
    name: str
    send: bytes
    field: bytes = b""  # of which the upstream must not see `EVIL`, however it is spelt
    target: bytes = b""  # that must arrive, or, where it is empty and `field` is too, must not escape
    keeps: tuple[bytes, ...] = ()  # names that must arrive
    gone: tuple[bytes, ...] = ()  # names that must not


def _spoofs() -> Iterator[Case]:
    get = b"GET /<mark> HTTP/1.1\r\n" + HOST
    for name in BELIEVED:
        line = b"%b: %b\r\n" % (name, EVIL)
        yield Case("spoof", name.decode(), get + line + b"\r\n", name)
        yield Case("spoof", f"{name.decode()}, small letters, twice", get + (line.lower() * 2) + b"\r\n", name)
        yield Case("spoof", f"{name.decode()}, underscores", get + line.replace(b"-", b"_") + b"\r\n", name)
        yield Case("spoof", f"{name.decode()}, one underscore", get + line.replace(b"-", b"_", 1) + b"\r\n", name)
        yield Case("spoof", f"{name.decode()}, nominated", get + line + b"Connection: %b\r\n\r\n" % name, name)
        yield Case("spoof", f"{name.decode()}, of a WebSocket", get + WEBSOCKET + line + b"\r\n", name)
        yield Case("spoof", f"{name.decode()}, in both spellings", get + line + line.replace(b"-", b"_") + b"\r\n", name)
        yield Case("spoof", f"{name.decode()}, behind many", get + b"A: b\r\n" * 90 + line.swapcase() + b"\r\n", name)
        yield Case("spoof", f"{name.decode()}, of HTTP/1.0", get.replace(b"HTTP/1.1", b"HTTP/1.0") + line + b"\r\n", name)


def _hops() -> Iterator[Case]:
    post = b"POST /<mark> HTTP/1.1\r\n" + HOST
    for name in (b"Host", b"Content-Length", b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Real-IP", b"X-Scheme"):
        yield Case(
            "hop-by-hop",
            f"Connection: {name.decode()}",
            post + b"Connection: close, %b\r\nContent-Length: 2\r\n\r\nhi" % name,
            keeps=(name.lower(),),
        )
    for name in (b"Keep-Alive", b"Proxy-Connection", b"Proxy-Authorization", b"Proxy", b"TE", b"Trailer", b"HTTP2-Settings"):
        yield Case("hop-by-hop", name.decode(), post + b"%b: a\r\nContent-Length: 2\r\n\r\nhi" % name, gone=(name.lower(),))
    for name in (b"Cookie", b"Authorization", b"Content-Type", b"Sec-WebSocket-Key"):
        line = b"%b: a\r\nConnection: %b\r\n" % (name, name)
        yield Case(
            "hop-by-hop", f"{name.decode()}, nominated", post + line + b"Content-Length: 2\r\n\r\nhi", gone=(name.lower(),)
        )
    yield Case(
        "hop-by-hop",
        "a nominated one",
        post + b"Connection: X-Own\r\nX-Own: a\r\nContent-Length: 2\r\n\r\nhi",
        gone=(b"x-own",),
    )
    yield Case(
        "hop-by-hop",
        "nominated with Transfer-Encoding",
        post + b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    )


_ESCAPES = (
    b"/jupyter/../<mark>", b"/jupyter/..?<mark>", b"/jupyter/../?<mark>", b"/jupyter/./../<mark>", b"/jupyter//../../<mark>", b"/jupyter/%2e%2e/<mark>", b"/jupyter/%2E%2E/<mark>", b"/jupyter/.%2e/<mark>", b"/jupyter/%2e./<mark>",
    b"/jupyter/..%2f<mark>", b"/jupyter/..%2F<mark>", b"/jupyter/%2e%2e%2f<mark>", b"/jupyter/%2e%2e%2F<mark>", b"/jupyter%2f..%2f<mark>", b"/jupyter/x/../../<mark>", b"/jupyter/x%2f..%2f..%2f<mark>", b"/jupyter/x/..%2f../<mark>",
    b"/jupyter/..//<mark>", b"/jupyter/.//..///<mark>", b"/../jupyter/../<mark>", b"/./jupyter/../<mark>", b"//jupyter/../<mark>", b"//jupyter//..//<mark>", b"/jupyterx<mark>", b"/jupyter<mark>", b"/Jupyter/<mark>", b"/JUPYTER/../<mark>",
    b"/<mark>/../jupyter/", b"/<mark>%2f..%2fjupyter/", b"/<mark>/%2e%2e/jupyter", b"/<mark>/..%2fjupyter/", b"/%2e%2e/<mark>", b"/../<mark>", b"/jupyter/%2e%2e", b"/jupyter/..", b"/jupyter/a/../..", b"/jupyter/../../../etc/<mark>",
    b"/jupyter/..%00/<mark>", b"/jupyter/..%0d%0a/<mark>", b"/jupyter/%00/../../<mark>", b"/%6aupyter/../<mark>", b"/jupyte%72/%2e%2e/<mark>", b"/jupyter%2f%2e%2e%2f<mark>", b"/jupyter%2f..%2f..%2f<mark>",
    b"/jupyter/..%2f%2e%2e/<mark>", b"/jupyter%2F%2e%2e/<mark>", b"/jupyter/%2e/%2e%2e/<mark>", b"/jupyter/.%2f..%2f<mark>", b"/jupyter///..//../<mark>", b"/jupyter/..%3f<mark>", b"/jupyter/..%23<mark>", b"/jupyter/..?/../<mark>", b"/jupyter/..%20/<mark>", b"/jupyter/..%09/<mark>", b"/jupyter/..%c0%af<mark>",
    b"/jupyter/%c0%ae%c0%ae/<mark>", b"/jupyter/%u002e%u002e/<mark>", b"/jupyter;/../<mark>", b"/jupyter;/<mark>", b"/jupyter%3b/<mark>", b"/jupyter/.../.../<mark>", b"/jupyter/....//....//<mark>", b"/jupyter\\..\\<mark>", b"/jupyter\\<mark>", b"\\jupyter\\..\\<mark>", b"/jupyter%5c..%5c<mark>", b"/jupyter%00/<mark>", b"/jupyter%20/<mark>",
    b"/jupyter%2e/<mark>", b"/jupyter./<mark>", b"//<mark>/jupyter/", b"/./<mark>", b"/%2fjupyter/<mark>", b"/%2e/jupyter/../<mark>", b"/x/../jupyter/../<mark>", b"/%6a%75pyter/..%2f<mark>", b"/jupyter/.%2e", b"/jupyter/a/..%2f..",
    b"http://jupyter/../<mark>", b"http://jupyter/<mark>", b"http://hub.example?/jupyter/<mark>", b"http://hub.example\\jupyter\\..\\<mark>", b"http://hub.example//jupyter/../<mark>", b"https://hub.example/../jupyter/../<mark>",
    b"http://hub.example/jupyter/../<mark>", b"http://hub.example/jupyter/%2e%2e/<mark>", b"http://hub.example/<mark>", b"http://127.0.0.1:1/<mark>", b"http://evil.example/<mark>",
)  # fmt: skip
_LOOSE = (  # escapes only for upstreams that take `;` or `\` for more than they are; Jupyter does not, and must get them
    b"/jupyter/..;/<mark>", b"/jupyter/..;a=b/<mark>", b"/jupyter/..\\<mark>", b"/jupyter/..%5c<mark>", b"/jupyter/%5c..%5c..%5c<mark>", b"/jupyter/x\\..\\..\\<mark>", b"/jupyter/..%3b/<mark>",
    b"/jupyter/%252e%252e/<mark>", b"/jupyter/..%252f<mark>",
)  # fmt: skip
_INSIDE = (
    b"/jupyter/<mark>", b"/jupyter/<mark>;x", b"/jupyter/;/<mark>", b"/jupyter/a;b=c/<mark>", b"/jupyter/a\\<mark>", b"/jupyter/a%5C<mark>", b"/jupyter/a%2F<mark>", b"/jupyter/a%2f%2F<mark>", b"/jupyter/a//<mark>", b"/jupyter//<mark>", b"/jupyter/<mark>//",
    b"/jupyter/a/../<mark>", b"/jupyter/a/./<mark>", b"/jupyter/a%2F..%2F<mark>", b"/jupyter/<mark>?/../../x", b"/jupyter/<mark>?", b"/jupyter/...<mark>", b"/jupyter/..a<mark>", b"/jupyter/a..<mark>", b"/jupyter/.<mark>", b"/jupyter/%20<mark>",
    b"/jupyter/<mark>%3f", b"/jupyter/<mark>%23", b"/jupyter/<mark>%00", b"/jupyter/<mark>%0d%0a", b"/jupyter/<mark>?a=%2e%2e%2f", b"/jupyter/<mark>?\\..\\", b"/jupyter/%2e/<mark>", b"/jupyter/a%2f%2e%2e%2f<mark>", b"/jupyter/%7e<mark>", b"/jupyter/<mark>%ff%fe", b"/jupyter/<mark>/a%20b%2Bc+d", b"/jupyter/<mark>/...",
    b"/jupyter/%C3%A9<mark>", b"/jupyter/<mark>@:!$&'()*+,=~", b"/jupyter/<mark>%25", b"/jupyter/<mark>|^`{}[]\"<>",
)  # fmt: skip


def _paths() -> Iterator[Case]:
    for target in _ESCAPES + _LOOSE:
        yield Case("escape", target.decode(), b"GET %b HTTP/1.1\r\n%bX: <mark>\r\n\r\n" % (target, HOST))
    for target in _INSIDE:
        yield Case("inside", target.decode(), b"GET %b HTTP/1.1\r\n%bX: <mark>\r\n\r\n" % (target, HOST), target=target)
    for target in (
        b"hub.example:443",
        b"127.0.0.1:22",
        b"127.0.0.1:80",
        b"/jupyter/<mark>",
        b"http://hub.example/jupyter/<mark>",
        b"[::1]:443",
        b"*",
    ):
        yield Case("CONNECT", target.decode(), b"CONNECT %b HTTP/1.1\r\n%bX: <mark>\r\n\r\n" % (target, HOST))
    for name, lines in {"with content": b"Content-Length: 5\r\n", "with an upgrade": WEBSOCKET}.items():
        content = b"hello" if b"Length" in lines else b""
        yield Case("CONNECT", name, b"CONNECT hub.example:443 HTTP/1.1\r\n%bX: <mark>\r\n%b\r\n%b" % (HOST, lines, content))
    for line in (
        b"CONNECT hub.example:443 HTTP/1.0",
        b"connect hub.example:443 HTTP/1.1",
        b"CONNECT [::ffff:127.0.0.1]:22 HTTP/1.1",
    ):
        yield Case("CONNECT", line.decode(), line + b"\r\n%bX: <mark>\r\n\r\n" % HOST)


def cases(paths: bool) -> list[Case]:
    """Of paths below a prefix, or of all that goes to an upstream at `/`."""
    return list(_paths()) if paths else [*_spoofs(), *_hops()]


def elsewhere(name: str, case: Case) -> bool:
    """Tell whether an Apache file says itself what becomes of a case: tests/oracle has recorded what.

    This one sets X-Forwarded-Proto. mod_proxy appends to X-Forwarded-For and its like, passes all other fields, Proxy-Authorization
    and names with underscores among them, and maps targets.
    """
    if name != "apache-file":
        return False
    if case.kind == "spoof":
        return case.field != b"X-Forwarded-Proto" or "underscore" in case.name or "spellings" in case.name
    return case.kind == "inside" or case.name.endswith(("X-Real-IP", "X-Scheme")) or case.name.startswith(("Proxy", "HTTP2"))


def _resolved(path: bytes) -> bytes:
    out: list[bytes] = []
    for segment in re.split(rb"/+", path)[1:]:
        if segment == b"..":
            if not out:
                return b"/.."
            out.pop()
        elif segment != b".":
            out.append(segment)
    return b"/" + b"/".join(out)


def _decoded(path: bytes) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes((int(found[1], 16),)), path)


def _inside(path: bytes) -> bool:
    prefix = PREFIX.encode()
    return path == prefix or path.startswith(prefix + b"/")


def judge(case: Case, token: bytes, outcome: Outcome, recorder: Recorder) -> Verdict:
    """Say what became of a case."""
    if outcome.fault:
        return Verdict(UNSAFE, f"client: {outcome.fault}")
    came = [one for one in recorder.messages if token in one.first[1] + one.get(b"x") and b"innocent" not in one.first[1]]
    if any(seen.fault for seen in recorder.of(token)[1]):
        return Verdict(UNSAFE, "what reached the upstream is not clean")
    if case.kind == "CONNECT":
        return Verdict(UNSAFE, "it reached an upstream") if came or 200 in outcome.statuses else SAFELY
    if case.kind == "escape":
        return _escaped(came[0].first[1]) if came else SAFELY
    if len(came) != 1:
        return Verdict(BROKEN, f"{len(came)} came, answered {outcome.statuses}")
    (message,) = came
    if case.field:
        for name, value in message.fields:
            if name.replace(b"_", b"-") == case.field.lower() and EVIL in value:
                return Verdict(UNSAFE, f"{name!r}: {value!r}")
    if case.target and message.first[1] != case.target.replace(b"<mark>", token):
        return Verdict(BROKEN, f"arrived as {message.first[1]!r}")
    if case.kind == "hop-by-hop" and message.content != b"hi":
        return Verdict(UNSAFE, f"the content arrived as {message.content!r}")
    names = {name for name, _ in message.fields}
    if not names.issuperset(case.keeps):
        return Verdict(UNSAFE, f"{set(case.keeps) - names} was taken away")
    if not names.isdisjoint(case.gone):
        return Verdict(UNSAFE, f"{names & set(case.gone)} arrived")
    return SAFELY


def _escaped(target: bytes) -> Verdict:
    path = re.sub(rb"(?i)\Ahttps?://[^/?]*", b"", target).partition(b"?")[0] or b"/"
    for reading in (path, _decoded(path)):
        if not _inside(_resolved(reading)):
            return Verdict(UNSAFE, f"{target!r} is {_resolved(reading)!r}")
    loose = _decoded(_decoded(path)).replace(b"\\", b"/")
    if not _inside(_resolved(re.sub(rb";[^/]*", b"", loose))):
        return Verdict(LAX, f"{target!r} escapes where `;` or `\\` are more than they are, or where it is decoded twice")
    return SAFELY
