"""Workers: what httpd keeps of each URL that something is sent to, with the parameters that hold there.

A ProxyPass whose URL begins as a worker's shares it, and its own parameters are ignored; a request has the worker with the
longest name that its URL begins with, wherever it was sent from. ProxySet makes a worker of a URL that has none, and speaks of the
one that it has else.
Source: modules/proxy/proxy_util.c (ap_proxy_get_worker_ex, ap_proxy_define_worker, ap_proxy_strcmp_match), mod_proxy.c (add_pass).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.config.apache.targets import SCHEMES, Target, target_of

if TYPE_CHECKING:
    from perijove.config.apache.directives.mod_proxy import Pass
    from perijove.config.apache.scope import Scope
    from perijove.text.source import Span

_wildcards: Final = re.compile(r"(?:\$[0-9])+")
_unescaped: Final = re.compile(r"\\(.)", re.DOTALL)


# A target, its parameters, whether it is of a pattern, whether it is ProxySet that says so, and where.
_Said = tuple["Target | None", dict[str, str], bool, bool, "Span"]


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker: its name is how URLs begin that are its; in one of ProxyPassMatch, `$1` is anything."""

    name: str
    parameters: dict[str, str]
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

    def once(self) -> bool:
        """Tell whether each of its connections is used once: so are those of a pattern, unless something is said of it."""
        if self.wild and "$" in self.name and not {"disablereuse", "enablereuse"} & self.parameters.keys():
            return True
        return used_once(self.parameters)

    def unusable(self) -> bool:
        """Tell whether nothing is sent to it: it is disabled or stopped."""
        return bool(set("ds") & status_of(self.parameters))

    def begins(self, url: str) -> bool:
        """Tell whether a URL is this worker's, whatever follows it."""
        head, slash, path = _parted(self.name)
        if "$" not in head:
            if not url.startswith(head):
                return False
            if not self.wild:  # as most are: no pattern is needed
                return url.startswith(head + slash + _unescaped.sub(r"\1", path)) or (
                    slash == "/" and not path and url[len(head) :][:1] in ("", "?")
                )
        return re.match(self.pattern(), url.encode("utf-8", "surrogateescape")) is not None

    def beginnings(self) -> tuple[str, ...]:
        """Return texts of which a URL begins with one if it is this worker's, or may become so by what `$1` stands for."""
        head, slash, path = _parted(self.name)
        if "$" in head:
            head, slash, path = "", "", self.name
        first = _unescaped.sub(r"\1", _wildcards.split(path)[0] if self.wild else path)
        literal = head + slash + first if first else head
        return (literal, self.name.partition("$")[0]) if self.wild else (literal,)


class Index:
    """Finds the few workers that a URL may belong to, of thousands: by how their names begin."""

    def __init__(self, workers: Iterable[Worker] = ()) -> None:
        self.workers: list[Worker] = []
        self._by_beginning: dict[str, list[int]] = {}
        self._sizes: set[int] = set()
        for one in workers:
            self.add(one)
        self._names = sorted((one.name, number) for number, one in enumerate(self.workers))

    def add(self, worker: Worker) -> None:
        """Add a worker. `longer` does not find it."""
        for text in worker.beginnings():
            self._by_beginning.setdefault(text, []).append(len(self.workers))
            self._sizes.add(len(text))
        self.workers.append(worker)

    def near(self, url: str) -> list[Worker]:
        """Return the workers that a URL may belong to, in their order: all that `begins` it are among them."""
        return [self.workers[number] for number in sorted(self._numbers(url))]

    def longer(self, url: str) -> list[Worker]:
        """Return those, and all whose names begin with the URL, in their order."""
        found = self._numbers(url)
        at = bisect_left(self._names, (url,))
        while at < len(self._names) and self._names[at][0].startswith(url):
            found.add(self._names[at][1])
            at += 1
        return [self.workers[number] for number in sorted(found)]

    def _numbers(self, url: str) -> set[int]:
        sizes = (size for size in self._sizes if size <= len(url))
        return {number for size in sizes for number in self._by_beginning.get(url[:size], ())}


def status_of(parameters: Mapping[str, str]) -> set[str]:
    """Return the letters of a worker's status that are set: `+H`, `D`, `-H` (ap_proxy_set_wstatus)."""
    found: set[str] = set()
    sign = "+"
    for letter in parameters.get("status", "").lower():
        if letter in "+-":
            sign = letter
        elif sign == "+":
            found.add(letter)
        else:
            found.discard(letter)
    return found


def used_once(parameters: Mapping[str, str]) -> bool:
    """Tell whether connections are used once by what parameters say."""
    return parameters.get("disablereuse", "").lower() == "on" or parameters.get("enablereuse", "").lower() == "off"


def parameters_of(words: Iterable[str]) -> dict[str, str]:
    """Return what `key=value`s say."""
    return {key.lower(): value for key, _, value in (word.partition("=") for word in words)}


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
        own = Index()
        said: list[_Said] = [
            *((one.target, one.parameters, one.pattern is not None, False, one.origin) for one in passes_of(level)),
            *_sets(level),
        ]
        for target, parameters, wild, sets, _ in sorted(said, key=lambda one: (one[4].line, one[4].column)):
            if target is None or target.scheme == "balancer":
                continue
            url = url_of(target)
            # What a name must have of a URL at least: its scheme and authority, or all of it if it has no path.
            least = len(_parted(url)[0])
            shared = [one for one in own.near(url) if one.wild is wild and len(one.name) >= least and one.begins(url)]
            if not shared:
                own.add(Worker(url, dict(parameters), wild))
            elif sets:
                max(shared, key=lambda other: len(other.name)).parameters.update(parameters)
        found += own.workers
    return tuple(sorted(found, key=lambda one: -len(one.name)))


def passes_of(scope: Scope) -> Iterator[Pass]:
    """Yield what ProxyPass says in a scope and in its sections."""
    yield from scope.said.get("proxy-pass", ())
    for section in scope.sections:
        yield from passes_of(section)


def _sets(scope: Scope) -> Iterator[_Said]:
    """Return what each ProxySet says, and where (set_proxy_param, mod_proxy.c)."""
    for one in (scope, *scope.sections):
        for line in one.said.get("proxyset", ()):
            words = [word.text for word in line.words]
            named = words.pop(0) if one is scope else one.path
            yield None if one.regex else target_of(named), parameters_of(words), False, True, line.span
