"""Workers: what httpd keeps of each URL that something is sent to, with the parameters that hold there.

A ProxyPass whose URL begins as a worker's shares it, and its own parameters are ignored; a request has the worker with the
longest name that its URL begins with, wherever it was sent from.
Source: modules/proxy/proxy_util.c (ap_proxy_get_worker_ex, ap_proxy_define_worker, ap_proxy_strcmp_match), mod_proxy.c (add_pass).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives.mod_proxy import SCHEMES, Pass, Target

if TYPE_CHECKING:
    from perijove.config.apache.scope import Scope

_wildcards: Final = re.compile(r"(?:\$[0-9])+")
_unescaped: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker: its name is how URLs begin that are its; in one of ProxyPassMatch, `$1` is anything."""

    name: str
    parameters: Mapping[str, str]
    wild: bool = False

    def pattern(self) -> bytes:
        """Return a pattern that finds this worker's URLs."""
        head, slash, path = _parted(self.name)
        if "$" in head:
            head, slash, path = "", "", self.name
        parts = _wildcards.split(path) if self.wild else [path]
        rest = b".*".join(re.escape(_unescaped.sub(r"\1", one).encode("utf-8", "surrogateescape")) for one in parts)
        start = re.escape(head.encode("utf-8", "surrogateescape"))
        # A URL that is shorter than the name is not this worker's; and one without a path gets one.
        least = b"(?=.{%d})" % len(self.name) if self.wild else b""
        whole = least + start + (b"/" + rest if slash else rest)
        if slash and rest in (b"", b".*"):
            whole = rb"(?:%b|%b%b(?=\?|\Z))" % (
                whole,
                least.replace(b"%d" % len(self.name), b"%d" % (len(self.name) - 1)),
                start,
            )
        return rb"(?s)\A" + whole

    def begins(self, url: str) -> bool:
        """Tell whether a URL is this worker's, whatever follows it."""
        head = _parted(self.name)[0]
        if "$" not in head and not url.startswith(head):
            return False  # as most are: no pattern is needed to see that
        return re.match(self.pattern(), url.encode("utf-8", "surrogateescape")) is not None


def _parted(name: str) -> tuple[str, str, str]:
    scheme, mark, rest = name.partition("://")
    authority, slash, path = rest.partition("/")
    return scheme + mark + authority, slash, path


def url_of(target: Target) -> str:
    """Return the URL of a target as names of workers have it: scheme and host in lower case, no usual port."""
    scheme = target.scheme.lower()
    authority = target.authority.lower().removesuffix(f":{SCHEMES[scheme][1]}" if scheme in SCHEMES else "\0")
    return f"{scheme}://{authority}{target.path}"


def workers(levels: Sequence[Scope]) -> tuple[Worker, ...]:
    """Return the workers of a server, in the order of its levels; the longest name first, of two as long the first."""
    found: list[Worker] = []
    for level in levels:
        own: list[Worker] = []
        for one in sorted(_passes(level), key=lambda one: (one.origin.line, one.origin.column)):
            if one.target is None or one.target.scheme == "balancer":
                continue
            url = url_of(one.target)
            wild = one.pattern is not None
            # What a name must have of a URL at least: its scheme and authority, or all of it if it has no path.
            least = len(_parted(url)[0])
            if not any(other.wild is wild and len(other.name) >= least and other.begins(url) for other in own):
                own.append(Worker(url, one.parameters, wild))
        found += own
    return tuple(sorted(found, key=lambda one: -len(one.name)))


def _passes(scope: Scope) -> Iterator[Pass]:
    yield from scope.said.get("proxy-pass", ())
    for section in scope.sections:
        yield from _passes(section)
