"""What a real Apache said of expressions: `expressions.json`, which `tests/oracle/record_expressions.py` records."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from perijove.config.apache.scope import Kind, Scope
from perijove.engine.buffer import Buffer
from perijove.engine.const import FOUND
from perijove.engine.head import Limits, RequestHead
from perijove.engine.peer import Peer
from perijove.engine.state import REFUSED, State, decoded
from perijove.text.diagnostic import Diagnostic
from perijove.text.source import Source, Span

RECORD: dict[str, Any] = json.loads((Path(__file__).parent / "expressions.json").read_text())
os.environ["PROBE"] = "from the process"


def scope(*modules: str, told: list[Diagnostic] | None = None) -> Scope:
    tell = (lambda one: None) if told is None else told.append
    made = Scope(Kind.HOST, frozenset(modules), tell)
    made.said |= {"documentroot": ("/var/www/html",), "serveradmin": ("admin@example.org",)}  # as when it was recorded
    return made


def span(text: str = "") -> Span:
    return Span(Source("hub.conf", text), 1, 1, max(len(text), 1))


def state(
    request: str = "GET / HTTP/1.1\r\nHost: hub.example.org\r\n\r\n", scheme: bytes = b"http", address: bytes = b"127.0.0.1"
) -> State:
    """A request on its way through rules."""
    buffer = Buffer()
    buffer.append(request.encode("latin-1"))
    head = RequestHead()
    assert head.scan(buffer, Limits()) == FOUND
    made = State(head, Peer(address, 40000, scheme, 8080, False), ())
    path = decoded(made.path, REFUSED, True)
    assert isinstance(path, bytes)
    made.path = path
    return made


def states() -> list[State]:
    """The recorded requests, with the variables that the recorded configuration sets."""
    made = []
    for request in RECORD["requests"]:
        one = state(request)
        one.origin, one.onward, one.target = b"http://127.0.0.1:9101", one.path, one.wanted  # it is proxied
        one.notes = {b"foo": b"bar", b"mixed": b"Case"}
        if one.path.startswith(b"/user"):
            one.note(b"is_user", b"yes")
        made.append(one)
    return made
