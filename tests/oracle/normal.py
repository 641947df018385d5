"""What of an answer is kept: all that is the same whenever it is asked for.

Knows what differs from run to run and from one server's name to another's. Knows nothing of running.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

from tests.oracle.case import Fields
from tests.oracle.upstream import DATE, SERVER

_GENERATED: Final = '<!DOCTYPE HTML PUBLIC "-//'  # as the pages begin that Apache makes
_EXCERPT: Final = 300
_TIMES: Final = re.compile(r"\b([tD])=-?\d+")  # of %t and %D
_DATE: Final = re.compile(r"\w{3}, \d\d \w{3} 20\d\d [\d:]{8} GMT")
_BOUNDARY: Final = re.compile(r"multipart/(?:x-)?byteranges; boundary=([0-9a-f]{16})")
_EXPIRES: Final = re.compile(r"(?<=expires=)\w{3}, \d\d-\w{3}-\d{4} [\d:]{8} GMT")  # as mod_rewrite writes it


def message(found: dict[str, Any], named: Callable[[str], str]) -> dict[str, Any]:
    """Return a request or response fit to be kept."""
    kept = _bound(found)
    for key in ("headers", "trailers"):
        if key in kept:
            kept[key] = _fields(kept[key], named)
    if "request_line" in kept:
        kept["request_line"] = named(kept["request_line"])
    if "body" in kept:
        text = named(kept.pop("body").decode("latin-1"))
        if text.startswith(_GENERATED):
            kept["generated"] = True
        else:
            kept["body_sha256"] = hashlib.sha256(text.encode("latin-1")).hexdigest()[:16]
            kept["body_len"] = len(text)
            kept["body_text"] = text[:_EXCERPT]
    for key in ("tunnel", "then"):
        if key in kept:
            kept[key] = message(kept[key], named)
    if "interim" in kept:
        kept["interim"] = [message(one, named) for one in kept["interim"]]
    if "generated" in kept:
        # Its length is that of the server's name and version.
        kept["headers"] = [one for one in kept["headers"] if one[0].lower() != "content-length"]
    return kept


def _bound(found: dict[str, Any]) -> dict[str, Any]:
    """Return a response with a boundary of the same name always: httpd makes one up (ap_multipart_boundary)."""
    kind = next((value for name, value in found.get("headers", []) if name.lower() == "content-type"), "")
    boundary = _BOUNDARY.fullmatch(kind)
    if boundary is None or "body" not in found:
        return dict(found)
    made = boundary[1]
    fields = [[name, value.replace(made, "0123456789abcdef")] for name, value in found["headers"]]
    return found | {"headers": fields, "body": found["body"].replace(made.encode(), b"0123456789abcdef")}


def said(text: str, named: Callable[[str], str]) -> str:
    """Return what a server said as it started, without times and process ids."""
    text = re.sub(r"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [^\]]*\] ", "", named(text))
    return re.sub(r"\[pid \d+[^\]]*\] ", "", text).strip()


def _fields(fields: Fields, named: Callable[[str], str]) -> Fields:
    kept: Fields = []
    for name, value in fields:
        value = named(value)
        match name.lower():
            case "date" if value != DATE:
                value = "<now>"
            case "expires" if _DATE.fullmatch(value):
                value = "<date>"
            case "server" if value != SERVER:
                value = "<proxy>"
            case "proxy-agent":
                value = "<proxy>"
            case "allow":
                value = ",".join(sorted(one.strip() for one in value.split(",")))
            case "via":
                value = re.sub(r"\([^)]*\)", "(<comment>)", value)
            case _:
                value = _EXPIRES.sub("<later>", _TIMES.sub(r"\1=<number>", value))
        kept.append([name, value])
    return kept
