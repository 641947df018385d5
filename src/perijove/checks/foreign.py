"""Files that are given by mistake: what they are, and what to do with them.

Knows how other programs' files look. Must not know how Apache's or perijove's own are read.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from perijove.text.diagnostic import Diagnostic, Severity
from perijove.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Callable

_KNOWN: Final = "`perijove check` knows Apache's files and perijove's own"
_INSTEAD: Final = (
    f"{_KNOWN}. perijove can take this proxy's place: `perijove serve --to http://127.0.0.1:8000`, and `perijove serve --help`"
)


class _Kind(NamedTuple):
    what: str
    is_it: Callable[[str], object]
    help: str


_several_of_haproxy: Final = re.compile(
    r"(?ms)^(?:global|defaults|frontend\s+\S+|backend\s+\S+)[ \t]*\r?$.*^[ \t]+\S.*"
    r"^(?:defaults|frontend\s+\S+|backend\s+\S+|listen\s+\S+)[ \t]*\r?$"
).search
# In order: what comes first is asked first. All of a text is looked at, since licences and comments may be long.
_KINDS: Final = (
    _Kind(
        "a log",
        re.compile(r"(?m)\A\s*\[(?:[A-Z][a-z]{2} [A-Z][a-z]{2} +\d|[DIWEC] \d{4}-\d\d-\d\d |[DIWEC] \d\d:\d\d:\d\d)").search,
        "give it beside the configuration: `perijove check hub.conf --log FILE`",
    ),
    _Kind(
        "a certificate or a key", re.compile(r"(?m)^-----BEGIN [A-Z ]+-----\s*$").search, f"{_KNOWN}, which name it in a line"
    ),
    _Kind(
        "JupyterHub's or a Jupyter server's own configuration",
        re.compile(r"(?m)^c = get_config\(\)|^c\.[A-Z]\w*\.\w+\s*=|^(?:import|from) \w+").search,
        "give it beside the proxy's: `perijove check hub.conf --hub FILE`",
    ),
    _Kind(
        "nginx's configuration",
        re.compile(
            r"(?m)^[ \t]*(?:(?:server|http|events|stream)\s*\{|(?:upstream|map|location)\s[^;\n]*\{"
            r"|(?:proxy_pass|proxy_set_header|server_name|worker_processes)\s[^\n]*;)[ \t]*\r?$"
        ).search,
        _INSTEAD,
    ),
    _Kind("HAProxy's configuration", _several_of_haproxy, _INSTEAD),
    _Kind("Caddy's configuration", re.compile(r"(?ms)^[^\s#<][^\n]*\{[ \t]*\r?$.*^\s+reverse_proxy\s").search, _INSTEAD),
    _Kind("JSON", lambda text: text.lstrip()[:1] in ("{", "[") and _is_json(text), f"{_KNOWN}; nothing of JSON"),
    _Kind(
        "YAML",
        re.compile(r"(?m)\A(?:\s*(?:#[^\n]*)?\n)*(?:---\s*$|[A-Za-z][\w.-]*:(?:\s|$))").search,
        f"{_KNOWN}; nothing of YAML: of Kubernetes, Traefik or Compose",
    ),
    _Kind("a page of HTML", re.compile(r"(?i)\A\s*<(?:!doctype|html)\b").search, f"{_KNOWN}: was it saved from a browser?"),
)
_apaches: Final = re.compile(r"(?im)^\s*<(?:VirtualHost|Location|IfModule|Proxy|Directory|LocationMatch|Files)\b").search


def foreign(source: Source) -> Diagnostic | None:
    """Return what a text is that is neither Apache's nor perijove's own; None if nothing says so."""
    text = source.text
    if text.startswith(("\udcff\udcfe", "\udcfe\udcff")) or "\0" in text[:400]:
        wide = text[1:2] == "\0" or text.startswith(("\udcff\udcfe", "\udcfe\udcff"))
        said = "save it as UTF-8: Apache and perijove read nothing else" if wide else _KNOWN
        return _told(source, "text in UTF-16" if wide else "no text", said)
    if not re.search(r"(?m)^[ \t]*[^\s#]", text):
        return Diagnostic(
            name="empty-file",
            severity=Severity.ERROR,
            message="there is nothing in this file" + (" but comments" if text.strip() else ""),
            where=Span(source, 1),
            help="name the file that has the lines of the hub's virtual host: `apachectl -S` lists them",
        )
    if _apaches(text):
        return None
    bare = text.removeprefix("\ufeff")
    kind = next((one for one in _KINDS if one.is_it(bare)), None)
    return None if kind is None else _told(source, kind.what, kind.help)


def _told(source: Source, what: str, help_text: str) -> Diagnostic:
    return Diagnostic(
        name="other-file",
        severity=Severity.ERROR,
        message=f"this is {what}, not Apache's configuration nor perijove's",
        where=Span(source, 1, 1, max(1, len(source.line(1)))),
        help=help_text,
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
