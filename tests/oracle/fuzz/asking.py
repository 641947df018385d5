"""Requests drawn for a configuration: most of them are for what it names, or for what is nearly that.

Knows HTTP, and the words of a configuration. Knows no server.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tests.oracle.case import Answer, Fields, Request
from tests.oracle.fuzz.tree import Node
from tests.oracle.fuzz.words import HOSTS, PATTERNS, Words

COUNT: Final = 8
_BEHIND: Final = ("", "", "/", "/x", "x", "/x/y", "//x", "/./x", "/../x", "/x%20y", "/x%3Fy", "/a%2Fb", "/%7Eme", "/x;p=1", "/x%25y", "/b%41d",
                  "/ws", "/api/kernels/1/channels", "/login", "/x.txt", "/x%22y", "/[x]", "/x|y", "/%C3%A9", "/x%23y", "/..", "/x:y@z", "/x%2By+z")  # fmt: skip
_QUERIES: Final = ("", "", "", "", "?", "?x=1", "?q=a%20b&id=7", "?a?b", "?x=%2F&y=/", "?q=http://h.test/")
_AGENT: Final = ["User-Agent", "fuzz"]


def requests(words: Words, nodes: Sequence[Node]) -> list[Request]:
    """Draw the requests of a configuration."""
    names = [*HOSTS, *_names(nodes)]
    prefixes = _prefixes(nodes) or ["/"]
    return [_request(words, names, prefixes) for _ in range(COUNT)]


def _names(nodes: Sequence[Node]) -> list[str]:
    """Return the names of virtual hosts."""
    found = []
    for line in (line for one in nodes for line in one.lines()):
        if line.startswith(("ServerName ", "ServerAlias ")):
            found += [re.sub(r"^https?://|:\d+$", "", word).replace("*", "q.w").replace("?", "7") for word in line.split()[1:]]
    return [one for one in found if one]


def _prefixes(nodes: Sequence[Node]) -> list[str]:
    """Return the paths that directives begin with, as they would be asked for."""
    found = []
    for line in (line for one in nodes for line in one.lines()):
        matched = re.match(r'(?:<Location|ProxyPass(?:Reverse)?|Redirect(?: \w+)?|Define \w+) "?(/[^">]*?)"?(?:[ >]|$)', line)
        if matched:
            found.append(matched[1].replace(" ", "%20"))
    return found


def _request(words: Words, names: list[str], prefixes: list[str]) -> Request:
    request: Request = {"target": _target(words, prefixes)}
    host = words.of(names)
    fields: Fields = [["Host", words.one(host, host, host, host.upper(), f"{host}:8080", f"{host}.", "unknown.test")]]
    if words.maybe(0.3):
        fields.append(["X-Test", words.one("yes", "no", "Yes", "foo boo", "")])
    if words.maybe(0.2):
        fields.append(["X-A", words.one("one", "http://hub.example.org/e", "eee")])
        if words.maybe(0.3):
            fields.append(["X-A", "second"])
    if words.maybe(0.15):
        fields.append(["Cookie", "a=1; b=foo"])
    if words.maybe(0.1):
        fields.append(["Origin", "http://hub.example.org"])
    if words.maybe(0.08):
        fields.append(
            words.one(["X-Forwarded-Host", "first.test"], ["X-Forwarded-For", "10.0.0.1"], ["X-Forwarded-Proto", "ftp"])
        )
    fields.append(_AGENT)
    if words.maybe(0.25):
        request["websocket"] = True
        if words.maybe(0.2):
            fields.append(["Upgrade", words.one("WebSocket", "h2c", "websocket, x")])
        if words.maybe(0.2):
            fields.append(["Connection", words.one("keep-alive, Upgrade", "upgrade")])
        if words.maybe(0.1):
            request["method"] = "POST"
            request["body"] = ""
    else:
        method = words.random.choices(("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"), (70, 12, 7, 4, 4, 3))[0]
        if method != "GET":
            request["method"] = method
        if method in ("POST", "PUT"):
            request["body"] = words.one("a=1", "", "x" * 300)
        if words.maybe(0.1):
            fields.append(["Connection", words.one("keep-alive", "close", "keep-alive, X-A")])
        if words.maybe(0.03):
            request["version"] = "1.0"
    request["headers"] = fields
    answer = _answer(words, prefixes)
    if answer:
        request["upstream"] = answer
    return request


def _target(words: Words, prefixes: list[str]) -> str:
    if words.maybe(0.35):
        path = words.of(PATTERNS[words.regex()])
        path += words.of(_BEHIND) if words.maybe(0.15) else ""
    else:
        path = words.of(prefixes) + words.of(_BEHIND)
    if words.maybe(0.08):
        at = words.random.randrange(len(path))
        if path[at].isalnum() and "%" not in path[max(0, at - 2) : at]:
            path = f"{path[:at]}%{ord(path[at]):02X}{path[at + 1 :]}"
    if words.maybe(0.05):
        path = path.swapcase() if words.maybe(0.5) else "/" + path
    return path + words.of(_QUERIES)


def _answer(words: Words, prefixes: list[str]) -> Answer:
    """Draw what the upstream does: often it sends the client somewhere, perhaps to its own address."""
    answer: Answer = {}
    fields: Fields = []
    if words.maybe(0.35):
        answer["status"] = words.one(302, 302, 301, 201, 307)
        behind = words.one("", "/", "x", "/hub/login?next=%2Fhub", "?x")
        where = words.one(words.known_url(), words.known_url(), words.known_url().upper(), words.of(prefixes), "http://hub.example.org/",
                          "http://localhost:{UPSTREAM_PORT}/", "x/y", "http://127.0.0.1:{UPSTREAM_PORT}")  # fmt: skip
        where = re.sub(r"\{(\w+)\}", lambda found: f"{{{found[1].upper()}}}", where.replace(" ", "%20"))
        fields.append([words.one("Location", "Location", "Location", "Content-Location"), where + behind])
    elif words.maybe(0.15):
        answer["status"] = words.one(404, 500, 403, 204, 401, 503, 304)
    if words.maybe(0.15):
        fields.append(["X-R", "from upstream"])
        if words.maybe(0.3):
            fields.append(["X-R", "eee"])
    if words.maybe(0.15):
        fields.append(["Set-Cookie", words.one("a=1; Path=/hub/; HttpOnly", "foo=boo; path=/")])
    if words.maybe(0.08):
        fields.append(["Vary", words.one("Accept, Cookie", "Origin")])
    if words.maybe(0.05):
        answer["chunked"] = True
    if words.maybe(0.05):
        answer["refuse_upgrade"] = True
    if fields:
        answer["headers"] = fields
    return answer
