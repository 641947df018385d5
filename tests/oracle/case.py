"""A case: a configuration of Apache httpd, requests to send, and the golden record of what Apache did with them.

Knows the two files of a case, `NAME.json` and `NAME.golden.json`, and their shape. Knows no process and no socket.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict

CASES: Final = Path(__file__).parent / "cases"
Fields = list[list[str]]


class Answer(TypedDict, total=False):
    """What the upstream does with a request; without any, it answers 200 with a short body."""

    status: int
    reason: str
    headers: Fields
    body: str
    chunked: bool
    trailers: Fields  # after a chunked body
    interim: list[list[Any]]  # [status, fields] of 1xx responses that go first
    close: bool
    nolength: bool  # with `close`: the end of the connection ends the body
    delay: float  # seconds before the answer
    raw: str  # sent as it is, then the connection ends
    refuse_upgrade: bool
    protocol: str  # the subprotocol it chooses, "" for none; else the first that is offered
    greeting: str  # a text frame that leaves in one packet with the 101
    hang_up: int  # it closes the WebSocket with this code after the greeting


Request = TypedDict(
    "Request",
    {
        "name": str,
        "method": str,
        "target": str,
        "version": str,
        "headers": Fields,
        "no_host": bool,
        "body": str,
        "chunked": bool,
        "trailers": Fields,  # after a chunked body
        "raw": str,  # sent as it is, instead of all the above
        "websocket": bool,
        "ws_bytes": int,  # send a binary message of this size instead of a short text
        "frames": list[list[Any]],  # [opcode, text]: send each and read one back
        "tls": bool,
        "sni": str,
        "listen2": bool,
        "from": str,  # the address of 127.0.0.0/8 to come from
        "tunnel": dict[str, Any],  # a request sent through a CONNECT
        "then": dict[str, Any],  # a request sent on the same connection
        "otherwise": str,  # why perijove does something else on purpose, and must
        "upstream": Answer | list[Answer],  # a list: one for each request that reaches an upstream, the last for all others
    },
    total=False,
)


class Description(TypedDict):
    """The content of `NAME.json`."""

    name: str
    kind: NotRequired[str]
    title: NotRequired[str]
    strict: NotRequired[bool]
    modules: NotRequired[list[str]]
    defines: NotRequired[list[str]]
    files: NotRequired[dict[str, str]]
    config: list[str] | str
    requests: list[Request]


@dataclass(frozen=True)
class Case:
    """What is written in `NAME.json`."""

    name: str
    config: str
    requests: list[Request]
    modules: list[str] = field(default_factory=list)
    defines: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    strict: bool = False  # fields in order and as spelled, reasons and framing, too

    @property
    def otherwise(self) -> frozenset[int]:
        """The requests with which perijove does something else on purpose."""
        return frozenset(number for number, request in enumerate(self.requests) if "otherwise" in request)

    @property
    def is_verdict(self) -> bool:
        """Whether it is there for what is said of the configuration."""
        return self.name.startswith("cfg-")

    @property
    def golden(self) -> Path:
        """The file of what Apache did."""
        return CASES / f"{self.name}.golden.json"


def names(patterns: Iterable[str] = ("*",)) -> list[str]:
    """Return the names of the cases that match any of these patterns."""
    known = sorted(path.stem for path in CASES.glob("*.json") if not path.name.endswith(".golden.json"))
    return [name for name in known if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def load(name: str) -> Case:
    """Read a case."""
    text: Description = json.loads((CASES / f"{name}.json").read_text())
    if text["name"] != name:
        raise ValueError(f'{name}.json has the name "{text["name"]}": write "name": "{name}"')
    config = text["config"]
    return Case(
        name=name,
        config=config if isinstance(config, str) else "\n".join(config),
        requests=text["requests"],
        modules=text.get("modules", []),
        defines=text.get("defines", []),
        files=text.get("files", {}),
        strict=text.get("strict", False),
    )


_LEAF: Final = re.compile(r'[\[{](?:[^\[\]{}"]|"(?:[^"\\]|\\.)*")*[\]}]')


def dump(value: object) -> str:
    """Return JSON that people can read and `git diff` can compare: indented, with lists and objects of texts on one line."""
    return (
        _LEAF.sub(
            lambda found: re.sub(r"\n\s*", " ", found[0]).replace("[ ", "[").replace(" ]", "]"), json.dumps(value, indent=1)
        )
        + "\n"
    )
