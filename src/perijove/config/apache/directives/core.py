"""The core, mod_http, mod_so and whatever else shapes a server as a whole.

Sources: server/core.c.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives import directive
from perijove.config.apache.reasons import STATUSES
from perijove.gateway.conditions import Setting

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive
    from perijove.config.apache.scope import Scope


@directive("ServerName")
def server_name(line: Directive, scope: Scope) -> None:
    """Name the host; a scheme and a port may be there (set_server_name? server/core.c)."""
    text = line.words[0].text
    rest = text.partition("://")[2] if "://" in text else text
    if rest.startswith("["):
        message = f'Invalid ServerName "{text}" use ServerAlias to set multiple server names.'
        scope.error("bad-server-name", message, line.words[0].span, "write a name, not an address")
        return
    found = re.match(r"[^:]*:\s*([0-9]*)", rest)
    if found and not 1 <= int(found[1] or 0) <= 65535:
        message = f'The port number "{text}" is outside the appropriate range (i.e., 1..65535).'
        scope.error(
            "bad-server-name", message, line.words[0].span, "write `ServerName hub.example.org`, or a port from 1 to 65535"
        )
        return
    scope.said["server-name"] = text


@directive("ServerAlias")
def server_alias(line: Directive, scope: Scope) -> None:
    """Give it further names, with `*` and `?`."""
    scope.said.setdefault("server-alias", []).extend(word.text for word in line.words)


@directive("Listen")
def listen(line: Directive, scope: Scope) -> None:
    """Listen on `[address:]port [protocol]`."""
    text = line.words[0].text
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        scope.error("bad-listen", "Port must be specified" if not port.isdigit() else "Port must be between 1 and 65535",
                    line.words[0].span, "write `Listen 443`, or `Listen 127.0.0.1:8080`")  # fmt: skip
        return
    protocol = line.words[1].text.lower() if len(line.words) > 1 else "https" if port == "443" else "http"
    scope.said.setdefault("listen", []).append((host.strip("[]"), int(port), protocol, line.span))


@directive("ErrorDocument")
def error_document(line: Directive, scope: Scope) -> None:
    """Give an error a page of its own: a text, a URL, or a path here (set_error_document)."""
    from perijove.config.apache.expression import template
    from perijove.gateway.actions import Page

    code, document = line.words[0], line.words[1]
    if not code.text.isdigit() or int(code.text) not in STATUSES:
        scope.error("bad-status", f"Unsupported HTTP response code {code.text}", code.span)
        return
    status = int(code.text)
    if status == 401 and re.match(r"(?i)https?://", document.text):
        scope.warn("error-document-401", "cannot use a full URL in a 401 ErrorDocument directive --- ignoring!", document.span)
        return
    pages: dict[int, Page | None] = scope.said.setdefault("pages", {})
    if document.text.lower() == "default":
        pages[status] = None
        return
    # All of it is an expression's text (set_error_document, server/core.c).
    said = template(document.text, document.span, scope, f"Cannot parse expression '{document.text}' in ErrorDocument: ")
    if said is None:
        return
    if document.text.startswith("/") or re.match(r"(?i)[a-z][a-z0-9+.-]*://", document.text):
        pages[status] = Page(None, said)
    else:
        pages[status] = Page(said)


@directive("AllowEncodedSlashes")
def allow_encoded_slashes(line: Directive, scope: Scope) -> None:
    """Let %2F through."""
    text = line.words[0].text.lower()
    if text not in ("on", "off", "nodecode"):
        scope.error("bad-value", "AllowEncodedSlashes must be On, Off, or NoDecode", line.words[0].span)
        return
    scope.said["encoded-slashes"] = text


@directive("MergeSlashes")
def merge_slashes(line: Directive, scope: Scope) -> None:
    """Make double slashes one."""
    scope.said["merge-slashes"] = line.words[0].text.lower() == "on"


@directive("UseCanonicalPhysicalPort")
def use_canonical_physical_port(line: Directive, scope: Scope) -> None:
    """Say whether the port that a request came to is a server's own."""
    scope.said["physical-port"] = line.words[0].text.lower()


@directive("UseCanonicalName")
def use_canonical_name(line: Directive, scope: Scope) -> None:
    """Say where a server's own name is taken from."""
    scope.said["canonical-name"] = line.words[0].text.lower()


@directive("ServerRoot", "DocumentRoot", "User", "Group", "PidFile", "LimitRequestBody", "LimitRequestFields",
           "LimitRequestFieldSize", "LimitRequestLine", "KeepAlive", "MaxKeepAliveRequests", "ServerPath",
           "CustomLog", "TraceEnable", "AddDefaultCharset", "ServerAdmin", "DirectoryIndex", "AllowOverride",
           "FallbackResource")  # fmt: skip
def said(line: Directive, scope: Scope) -> None:
    """Keep what was said."""
    scope.said[line.name.lower()] = tuple(word.text for word in line.words)


@directive("HttpProtocolOptions")
def protocol_options(line: Directive, scope: Scope) -> None:
    """Say how strict to be: each word stands until its opposite is written (set_http_protocol_options)."""
    words = [word.text.lower() for word in line.words]
    scope.said["httpprotocoloptions"] = (*scope.said.get("httpprotocoloptions", ()), *words)


@directive("KeepAliveTimeout")
def keep_alive_timeout(line: Directive, scope: Scope) -> None:
    """Bound the wait for another request, in seconds or a unit (ap_timeout_parameter_parse, server/util.c)."""
    word = line.words[0]
    found = re.match(r"([0-9]+)(ms|mi|[sh]|\Z)", word.text, re.IGNORECASE)
    if not found:
        scope.error("bad-value", "KeepAliveTimeout has wrong format", word.span, "write seconds: `5`")
        return
    scope.said["keepalivetimeout"] = int(found[1]) * {"ms": 0.001, "mi": 60, "h": 3600}.get(found[2].lower(), 1)


_UNLIMITED: Final = 1 << 30


def _ranges(name: str, setting: Setting, default: int) -> None:
    @directive(name)
    def set_most(line: Directive, scope: Scope) -> None:
        word = line.words[0]
        text = word.text.lower()
        known = {"none": 0, "unlimited": _UNLIMITED, "default": default}
        if text not in known and not re.fullmatch(r"\+?[0-9]{1,9}", text):
            scope.error("bad-value", f"{name} requires 'none', 'default', 'unlimited' or a positive integer", word.span,
                        "write a number, or one of these words")  # fmt: skip
            return
        most = known[text] if text in known else int(text)
        scope.settings[setting] = _UNLIMITED if setting is Setting.MAX_RANGES and text.isdigit() and most == 0 else most
        scope.set_at[setting] = line.span


_ranges("MaxRanges", Setting.MAX_RANGES, 200)
_ranges("MaxRangeOverlaps", Setting.MAX_RANGE_OVERLAPS, 20)
_ranges("MaxRangeReversals", Setting.MAX_RANGE_REVERSALS, 20)


@directive("SetHandler")
def set_handler(line: Directive, scope: Scope) -> None:
    """Have something else answer: `proxy:URL` is an upstream."""
    scope.said["handler"] = (line.words[0].text, line.span)
