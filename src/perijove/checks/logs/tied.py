"""Which line of a configuration a message in a log is about, and what is told of it.

Where requests go is asked of the tables. A finding of a check that a log confirms is told once, with how often it was seen. Knows
subjects, sites and what was read of logs. Must not know how anything is shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from perijove.checks.logs.family import Tie
from perijove.checks.remedy import line_of, same
from perijove.checks.sites import origins
from perijove.text.diagnostic import Confidence, Diagnostic, Evidence, Severity
from perijove.text.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perijove.checks.logs.family import Family
    from perijove.checks.logs.reading import Log, Seen
    from perijove.checks.subject import Subject
    from perijove.explain.model import Explanation

_SEVERITIES: Final = list(Severity)
_PORTS: Final = {"http": "80", "ws": "80", "https": "443", "wss": "443"}
_SOCKETS: Final = frozenset(("ws", "wss"))
_SECURE: Final = frozenset(("https", "wss"))


def told(subject: Subject, found: Sequence[Diagnostic], logs: Sequence[Log], *, untied: bool = True) -> list[Diagnostic]:
    """Return what checks have found, and what logs say besides.

    Args:
        subject: the configuration.
        found: what checks say of it.
        logs: what was read.
        untied: tell also what is about no line of this configuration.
    """
    left = list(found)
    for family, where, evidence in _about(subject, logs):
        at = _confirmed(left, family, where)
        if at is not None:
            before = left[at]
            worse = min(before.severity, family.severity, key=_SEVERITIES.index)
            both = (*before.evidence, *evidence)
            left[at] = replace(before, severity=worse, confidence=Confidence.HIGH, evidence=both)
        elif where is not None or untied:
            left.append(_diagnostic(family, where, evidence))
    return left


def _about(subject: Subject, logs: Sequence[Log]) -> Iterator[tuple[Family, Span | None, tuple[Evidence, ...]]]:
    """Yield what is said, of which line, and where that was seen, once for each log.

    A message that names too little to be tied, of a family that is tied elsewhere in the same log, tells of that once more.
    """
    found: dict[tuple[str, str], tuple[Family, Span | None, dict[str, list[Seen]]]] = {}
    for log in logs:
        placed = [(one, _where(subject, one)) for one in log.seen.values()]
        tied: dict[str, Span] = {}
        for one, where in placed:
            if where is not None:
                tied.setdefault(one.family.name, where)
        for one, where in placed:
            where = where or tied.get(one.family.name)
            key = (one.family.name, "" if where is None else f"{where.source.name}:{where.line}")
            found.setdefault(key, (one.family, where, {}))[2].setdefault(log.name, []).append(one)
    for family, where, several in found.values():
        yield family, where, tuple(_evidence(name, seen) for name, seen in several.items())


def _evidence(name: str, several: Sequence[Seen]) -> Evidence:
    """Return what a log has of one thing. What httpd tells in several lines, each with a code of its own, counts once."""
    first = min(several, key=lambda one: one.line)
    last = max(several, key=lambda one: one.last_line)
    codes: Counter[bytes] = Counter()
    for one in several:
        codes.update(one.codes)
    return Evidence(name, first.line, last.last_line, max(codes.values()), first.time, last.last_time, first.text)


def _diagnostic(family: Family, where: Span | None, evidence: tuple[Evidence, ...]) -> Diagnostic:
    # What is about no line that is known may as well be another's.
    sure = Confidence.HIGH if where is not None or family.tie is Tie.NONE else Confidence.MEDIUM
    return Diagnostic(
        name=family.name,
        severity=family.severity,
        confidence=sure,
        message=family.message
        if where is not None
        else family.message.replace("this line's", "an").replace("this line", "a line"),
        where=where,
        sees=family.sees,
        help=family.help,
        evidence=evidence,
    )


def _confirmed(found: Sequence[Diagnostic], family: Family, where: Span | None) -> int | None:
    """Return which finding a message confirms: one of the same line, or else one that may be."""
    fitting = [at for at, one in enumerate(found) if one.name in family.confirms]
    of_line = [at for at in fitting if same(found[at].where, where)]
    if of_line:
        return of_line[0]
    if where is None or family.tie in (Tie.ORIGIN, Tie.SOCKET):
        return fitting[0] if fitting else None
    return None


# ---------------------------------------------------------------------- places


def _where(subject: Subject, one: Seen) -> Span | None:
    said = one.said
    match one.family.tie:
        case Tie.PATH:
            if "path" in said:
                return _of_path(subject, one, said["path"], said.get("scheme", "") in _SOCKETS)
            return _of_address(subject, said["address"], one.family.secure) if "address" in said else _only(subject)
        case Tie.HOST:
            return _of_host(subject, one, said["path"])
        case Tie.SOCKET:
            return _of_path(subject, one, said["socket"], True) if "socket" in said else _only(subject)
        case Tie.ADDRESS:
            for name in ("worker", "address"):
                secure = said["scheme"] in _SECURE if "scheme" in said else None
                if name in said and (found := _of_address(subject, said[name], secure)) is not None:
                    return found
            return None
        case Tie.ORIGIN:
            return _of_origin(subject, said.get("origin", ""))
        case Tie.LINE:
            return _of_line(subject, said["file"], said["line"]) if "line" in said else None
        case Tie.NONE:
            return None


def _only(subject: Subject) -> Span | None:
    """Return the line that leads to the hub, if there is but one."""
    return line_of(subject, subject.sites[0].page) if len(subject.sites) == 1 else None


def _of_path(subject: Subject, one: Seen, path: str, websocket: bool) -> Span | None:
    """Return the line that decides where a path goes; of several hosts that of the one where it fails so, or the hub's."""
    first: Span | None = None
    for found in _asked(subject, path, websocket):
        line = line_of(subject, found)
        if line is not None and found.refusal is not None and found.refusal.code in one.family.codes:
            return line
        if not one.family.secure or (found.sent is not None and found.sent.tls):
            first = first or line
    return first


def _of_host(subject: Subject, one: Seen, path: str) -> Span | None:
    """Return the virtual host in which a path fails so."""
    for found in _asked(subject, path, False):
        if found.refusal is not None and found.refusal.code in one.family.codes and found.host is not None:
            return subject.span(found.host.place)
    return None


def _asked(subject: Subject, path: str, websocket: bool) -> Iterator[Explanation]:
    """Yield what becomes of a path, on each virtual host, those that lead to a hub first."""
    if subject.gateway is None or not path.startswith("/"):
        return
    for origin in dict.fromkeys((*(site.origin for site in subject.sites), *origins(subject.gateway))):
        found = subject.ask(origin + path, websocket=websocket)
        if found is not None:
            yield found


def _of_address(subject: Subject, address: str, secure: bool | None = None) -> Span | None:
    """Return the line whose URL has a host and port. Some messages have no port: then it must be the only one of that host."""
    host, colon, port = address.lower().rpartition(":")
    if not colon or not port.isdigit():
        host, port = address.lower(), ""
    fitting = [one for one in _upstreams(subject) if one.host == host and port in ("", one.port)]
    if not port and len({one.port for one in fitting}) > 1:
        return None
    return next((one.span for one in (*(one for one in fitting if one.secure is secure), *fitting)), None)


class _Upstream(NamedTuple):
    host: str
    port: str
    secure: bool
    span: Span


def _upstreams(subject: Subject) -> Iterator[_Upstream]:
    for one in subject.mapped:
        yield _upstream(one.scheme, one.authority, one.target.span)
    for written in subject.directives("balancermember"):
        for word in written.words:
            scheme, mark, rest = word.text.lower().partition("://")
            if mark:
                yield _upstream(scheme, rest.partition("/")[0], word.span)


def _upstream(scheme: str, authority: str, span: Span) -> _Upstream:
    host, colon, port = authority.rpartition(":")
    if not colon or not port.isdigit():
        host, port = authority, _PORTS.get(scheme, "")
    return _Upstream(host, port, scheme in _SECURE, span)


def _of_origin(subject: Subject, origin: str) -> Span | None:
    host = origin.lower().rpartition(":")[0] or origin.lower()
    named = [site for site in subject.sites if site.authority.lower() in (origin.lower(), host)]
    likely = named or (subject.sites if len(subject.sites) == 1 else ())
    return line_of(subject, likely[0].page) if likely else None


def _of_line(subject: Subject, file: str, line: str) -> Span | None:
    """Return a line that a message names; the file may have been given by another path."""
    exact = [source for name, source in subject.sources.items() if name == file]
    alike = [source for name, source in subject.sources.items() if name.rpartition("/")[2] == file.rpartition("/")[2]]
    for source in (*exact, *alike):
        text = source.line(int(line[:9]))
        if text.strip():
            return Span(source, int(line[:9]), len(text) - len(text.lstrip()) + 1, len(text.strip()))
    return None
