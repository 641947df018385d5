"""An explanation as a text, for a terminal or to be pasted into an issue, and as JSON.

Knows explanations only. Values that are secrets are left out in both.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, Final

from perijove.engine.mask import masked_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perijove.explain.model import Considered, Explanation, Line, Place

_PAINT: Final = {"bold": "\x1b[1m", "dim": "\x1b[2m", "good": "\x1b[1;32m", "bad": "\x1b[1;31m", "place": "\x1b[36m"}
_END: Final = "\x1b[0m"
_OUTCOMES: Final = {"forwarded": "good", "answered": "good", "refused": "bad"}
# What tells who somebody is; the rest of it is shown: that a field is there, and the scheme, may be what somebody looks for.
_SECRETS: Final = frozenset(("authorization", "proxy-authorization", "cookie", "x-xsrftoken", "x-api-key", "x-auth-token"))
_SHORTEST: Final = 6  # of a secret that is looked for in other texts
_HIDDEN: Final = "[…]"
_cookie_value: Final = re.compile(r"=[^;]*")


class _Text:
    """Lines that are being written."""

    def __init__(self, colour: bool) -> None:
        self.lines: list[str] = []
        self.colour = colour

    def paint(self, how: str, text: str) -> str:
        return f"{_PAINT[how]}{text}{_END}" if self.colour and text else text

    def title(self, text: str) -> None:
        self.lines += ["", self.paint("bold", text)]

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add names and values in two columns."""
        known = list(pairs)
        width = max((len(name) for name, _ in known), default=0)
        self.lines += [f"  {name:<{width}}  {value}".rstrip() for name, value in known]


def text(one: Explanation, *, colour: bool = False) -> str:
    """Return it for people."""
    out = _Text(colour)
    asked = one.request
    out.lines.append(f"{asked.method} {asked.url}")
    out.lines += [f"  {line}" for line in _fields(asked.fields)]
    out.lines.append(f"  from {asked.source}" + (", a trusted proxy" if one.trusted else ""))
    out.lines.append("")
    out.lines.append(out.paint(_OUTCOMES[one.outcome], one.summary))
    if one.refusal is not None and one.refusal.plain and one.refusal.code:
        out.lines.append(f"  {one.refusal.plain}")
    _where(out, one)
    if one.rules:
        out.title("rules")
        _rules(out, one.rules)
        if one.more:
            out.lines.append(f"  and {one.more} more that were looked at")
    if one.unreached:
        out.lines.append(out.paint("dim", f"  not reached: {_places(one.unreached)}"))
    if one.settings:
        out.title("settings")
        width = max(len(it.value) for it in one.settings)
        out.pairs((it.name, f"{it.value:<{width}}  {_at(it.place) or 'by default'}") for it in one.settings)
    if one.variables:
        out.title("variables")
        out.pairs((it.name, it.value) for it in one.variables)
    _sent(out, one)
    if one.answer is not None:
        out.title("answer")
        out.lines.append(f"  HTTP/1.1 {one.answer.status} {one.answer.reason}")
        out.lines += [f"  {line}" for line in _fields(one.answer.fields)]
        if one.answer.body:
            out.lines += ["", *(f"  {line}" for line in one.answer.body.splitlines())]
    return str(_covered(masked_text("\n".join(out.lines)), _secrets(one))) + "\n"


def _where(out: _Text, one: Explanation) -> None:
    out.lines.append("")
    chosen = [(name, it) for name, it in (("listener", one.listener), ("host", one.host)) if it is not None]
    for name, it in chosen:
        at = f" ({_at(it.place)})" if it.place else ""
        out.lines.append(f"{out.paint('bold', f'{name:<8}')}  {it.name}{at} – {it.why}")
    width = max((len(_at(it)) for it in one.sections), default=0)
    for number, section in enumerate(one.sections):
        name = "sections" if number == 0 else ""
        out.lines.append(f"{out.paint('bold', f'{name:<8}')}  {out.paint('place', f'{_at(section):<{width}}')}  {section.text}")


def _rules(out: _Text, rules: Sequence[Considered]) -> None:
    width = max(len(_at(it.place)) for it in rules)
    margin = " " * (width + 6)
    before: Considered | None = None
    for it in rules:
        if it.stage in ("request", "response") and (before is None or it.stage != before.stage):
            out.lines.append(out.paint("dim", f"  of the {it.stage}"))
        again = before is not None and (it.stage, it.place, it.when, it.matched) == (
            before.stage, before.place, before.when, before.matched,
        )  # fmt: skip
        before = it
        if not again:
            mark = out.paint("good", "✓") if it.matched else out.paint("dim", "·")
            written = it.place.text if it.place else ""
            at = out.paint("place", f"{_at(it.place):<{width}}")
            out.lines.append(f"  {mark} {at}  {written if it.matched else out.paint('dim', written)}")
            out.lines.append(margin + (it.when if it.matched else out.paint("dim", f"no: {it.when}")))
        if it.matched:
            out.lines += [f"{margin}→ {does}" for does in it.does]
        out.lines += [f'{margin}{value.name}: "{value.value}"' for value in it.values if value.name != "path"]
        shown = [f'${number} "{found}"' for number, found in enumerate(it.captures) if number and found is not None]
        if shown:
            out.lines.append(margin + ", ".join(shown))


def _sent(out: _Text, one: Explanation) -> None:
    if one.sent is None:
        return
    out.title("upstream gets")
    speaks = "TLS" if one.sent.tls else "no TLS"
    out.lines.append(out.paint("dim", f"  at {one.sent.address}, {speaks}"))
    out.lines += [f"  {one.sent.line}", *(f"  {line}" for line in _fields(one.sent.fields))]
    if one.mapped:
        out.title("if upstream answers with")
        width = max(len(f"{it.name}: {it.before}") for it in one.mapped)
        for it in one.mapped:
            after = "is taken away" if it.after is None else "stays" if it.after == it.before else f"→ {it.after}"
            out.lines.append(f"  {f'{it.name}: {it.before}':<{width}}  {after}")
    if one.added:
        out.title("responses get")
        out.lines += [f"  {line}" for line in _fields(one.added)]


def _at(place: Place | None) -> str:
    return "" if place is None else f"{place.file}:{place.line}"


def _places(places: Sequence[Place]) -> str:
    """Return places, the file of several lines once."""
    files: dict[str, list[int]] = {}
    for one in places:
        lines = files.setdefault(one.file, [])
        if one.line not in lines:
            lines.append(one.line)
    return "; ".join(f"{file}:{', '.join(map(str, lines))}" for file, lines in files.items())


def _fields(lines: Iterable[Line]) -> list[str]:
    return [f"{name}: {hidden(name, value)}" for name, value in lines]


def hidden(name: str, value: str) -> str:
    """Return a field's value without what tells who somebody is."""
    lower = name.lower()
    if lower not in _SECRETS:
        return value
    if lower == "cookie":
        return _cookie_value.sub(f"={_HIDDEN}", value)
    scheme, space, rest = value.partition(" ")
    return f"{scheme}{space}{_HIDDEN}" if rest else _HIDDEN


def data(one: Explanation) -> dict[str, Any]:
    """Return it for machines: what `json.dumps` takes."""
    found: dict[str, Any] = _covered(dataclasses.asdict(one), _secrets(one))
    for message in (found["request"], found["sent"]):
        if message is not None:
            message["fields"] = [(name, hidden(name, value)) for name, value in message["fields"]]
    return found


def _secrets(one: Explanation) -> list[str]:
    """Return what tells who somebody is, wherever rules may have put it; the shortest could be part of anything."""
    found: list[str] = []
    for name, value in one.request.fields:
        if name.lower() in _SECRETS:
            pieces = re.split(r"[;=]", value) if name.lower() == "cookie" else [value, value.partition(" ")[2]]
            found += [piece.strip() for piece in pieces]
    return sorted((each for each in found if len(each) >= _SHORTEST), key=len, reverse=True)


def _covered(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, _HIDDEN)
        return value
    if isinstance(value, dict):
        return {name: _covered(each, secrets) for name, each in value.items()}
    return [_covered(each, secrets) for each in value] if isinstance(value, list | tuple) else value
