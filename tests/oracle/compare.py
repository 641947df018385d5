"""How a record differs from the golden one.

Two grades: what every candidate must do as Apache does, and what only a case that asks for it compares, too:
fields in their order and spelling, reasons, framing, and what holds for one connection only.
Knows records. Knows nothing of how they came about.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import Any, Final

from tests.oracle.case import Fields

_PLACE: Final = re.compile(r"\{DIR\}/[\w/]+\.conf")
_FRAMING: Final = {"transfer-encoding", "etag", "accept-ranges"}
_HOP: Final = {"connection", "keep-alive", "proxy-connection"}
_OF_PAGES: Final = {"content-type", "content-length", "transfer-encoding", "connection", "date", "server"}


def differences(
    golden: dict[str, Any], found: dict[str, Any], strict: bool, otherwise: frozenset[int] = frozenset()
) -> list[str]:
    """Return what differs, line by line; nothing if the candidate did what Apache does.

    The requests in `otherwise` must differ: what is done on purpose is said only as long as it is true.
    """
    lines = [f"{text} in its log" for text in found.get("broken", [])]
    if "configtest" in found and (golden["configtest"]["rc"] == 0) != (found["configtest"]["rc"] == 0):
        lines.append(f"configtest: Apache {_verdict(golden)}; the candidate {_verdict(found)}")
    if golden["started"] != found["started"]:
        return [*lines, f"start: Apache {_start(golden)}; the candidate {_start(found)}"]
    if not golden["started"]:
        place = _PLACE.search(golden["start_message"])
        if not found["exit"] or not found["start_message"] or (place and place[0] not in found["start_message"]):
            lines.append(f"start: it must refuse, say where, and end with a status that is not 0; Apache {_start(golden)}")
            lines.append(f"  the candidate {_start(found)}")
    for number, (expected, got) in enumerate(zip(golden["results"], found["results"], strict=True)):
        pair = _flat(expected, expected, strict), _flat(got, expected, strict)
        if number in otherwise:
            if pair[0] == pair[1]:
                lines.append(f"request: {expected['request']}: as Apache does it: take its `otherwise` away")
        elif pair[0] != pair[1]:
            lines.append(f"request: {expected['request']}")
            diff = difflib.unified_diff(*pair, "Apache", "candidate", lineterm="", n=0)
            lines += [f"  {line}" for line in diff if not line.startswith(("@@", "---", "+++"))]
    return lines


def _verdict(record: dict[str, Any]) -> str:
    return f"ends with {record['configtest']['rc']} ({record['configtest']['message'][-300:]})"


def _start(record: dict[str, Any]) -> str:
    return "serves" if record["started"] else f"ends with {record['exit']} ({record['start_message'][-600:]})"


def _flat(result: dict[str, Any], golden: dict[str, Any], strict: bool) -> list[str]:
    """Return lines for what the client and the upstreams saw."""
    lines = _message("client <-", result["client"], golden["client"], strict)
    if not result["upstream"]:
        lines.append("upstream: not contacted")
    for number, record in enumerate(result["upstream"]):
        expected = golden["upstream"][number] if number < len(golden["upstream"]) else {}
        lines += _message(f"upstream[{number}] <-", record, expected, strict)
    return lines


def _message(tag: str, message: dict[str, Any], golden: dict[str, Any], strict: bool) -> list[str]:
    lines, minor = [], []
    if "request_line" in message:
        lines.append(f"to {message['upstream']}: {message['request_line']}")
        if "sni" in message:
            lines.append(f"sni: {message['sni']}")
    else:
        lines.append(f"status {message['status']}" + (f" ({message['error']})" if "error" in message else ""))
        minor += [f"reason: {message.get('reason')}", f"framing: {message.get('framing')}"]
    page = "generated" in golden
    more = _fields(message.get("headers", []), "request_line" in message, page)
    lines += more[0]
    minor += more[1]
    if not page and "body_sha256" in message:
        lines.append(f"body: {message['body_len']} octets {message['body_sha256']} {message['body_text'][:80]!r}")
    lines += [f"{key}: {json.dumps(message[key], sort_keys=True)}" for key in ("websocket", "trailers") if key in message]
    lines = [f"{tag} {line}" for line in lines + (minor if strict else [])]
    for number, interim in enumerate(message.get("interim", [])):
        lines += _message(f"{tag} interim[{number}]", interim, {}, strict)
    for key in ("tunnel", "then"):
        if key in message:
            lines += _message(f"{tag} {key}", message[key], golden.get(key, {}), strict)
    return lines


def _fields(fields: Fields, request: bool, page: bool) -> tuple[list[str], list[str]]:
    """Return lines for what must be the same, and for what is compared strictly only. Of a page, its text is the server's own."""
    major, minor = [], []
    for name, value in fields:
        low = name.lower()
        if low == "keep-alive" or (page and low in _OF_PAGES):
            continue
        if low in _FRAMING or (low == "content-length" and not request):
            minor.append(f"framing field {low}: {value}")
        elif low in _HOP and "upgrade" not in value.lower():
            minor.append(f"hop {low}: {value.lower()}")
        else:
            major.append(f"{low}: {value.lower() if low == 'connection' else value}")
            minor.append(f"as sent: {name}: {value}")
    return sorted(major), minor
