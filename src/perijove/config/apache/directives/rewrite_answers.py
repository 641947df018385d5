"""What RewriteRules leave on answers: cookies (the flag CO), and Vary for the fields that conditions have looked at.

Source: modules/mappers/mod_rewrite.c (add_cookie, lookup_header, apply_rewrite_list). Knows which notes they become, and the
edits of an answer that these become. Must not know when rules run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives.rewrite_conditions import condition
from perijove.config.apache.directives.rewrite_text import FIELDS, Around, expand
from perijove.config.apache.own_names import joined
from perijove.gateway.conditions import All, Condition, HasNote, Not, NotEmpty
from perijove.gateway.rules import EditField, Operation, Rule, SetNote, Then
from perijove.gateway.templates import Fact, Given, Note, RequestField, Template, Time

if TYPE_CHECKING:
    from perijove.config.apache.directives.rewrite_syntax import Cond, RuleLine
    from perijove.config.apache.flow import Flow
    from perijove.text.source import Span

_VARY: Final = b"\0vary"
_variable: Final = re.compile(r"%\{(?:HTTP:([^{}]+)|(HTTP_[A-Za-z_]+))\}", re.IGNORECASE).finditer
_EXPIRES: Final = "%a, %d-%b-%Y %H:%M:%S GMT"
_YES: Final = frozenset(("true", "1"))


def cookie(text: str, around: Around) -> tuple[bytes, Template] | None:
    """Return the note that a cookie becomes, and the text of its Set-Cookie; None if httpd makes none of it.

    Args:
        text: `name:value:domain:minutes:path:secure:httponly:samesite`, or with semicolons, with one at the beginning.
            It is cut before variables are filled in: httpd does that afterwards, so that a client may add parts.
        around: what the text may refer to.
    """
    words = _parts(text)
    if len(words) < 3:
        return None
    name, value, domain, minutes, path, secure, http, site = [*words, *[""] * 8][:8]
    parts: list[Template] = [expand(name, around), (b"=",), expand(value, around)]
    parts += [(b"; path=",), expand(path or "/", around), (b"; domain=",), expand(domain, around)]
    found = re.match(r"\s*([+-]?\d+)", minutes)
    if found and int(found[1]):
        parts.append((b"; expires=", Time(_EXPIRES, True, 60 * int(found[1]))))
    if secure.lower() in _YES | {"secure"}:
        parts.append((b"; secure",))
    if http.lower() in _YES | {"httponly"}:
        parts.append((b"; HttpOnly",))
    if site and site.lower() not in ("false", "0"):
        parts += [(b"; SameSite=",), expand(site, around)]
    return _note(name), joined([one for part in parts for one in part])


def _note(name: str) -> bytes:
    return b"\0cookie " + name.encode("utf-8", "surrogateescape")


def _parts(text: str) -> list[str]:
    """Cut a text at its marks, but for those in braces; empty parts are none (apr_strtok)."""
    mark = ";" if text.startswith(";") else ":"
    found = [""]
    depth = 0
    for one in text:
        depth += (one == "{") - (one == "}")
        if one == mark and depth <= 0:
            found.append("")
        else:
            found[-1] += one
    return [one for one in found if one]


def vary(line: RuleLine, around: Around, expression: Callable[[str, Span], Condition], flow: Flow) -> None:
    """Add what notes the names of fields that a rule's conditions have looked at; of those with OR, only the one that held."""
    before: list[Condition] = []  # of conditions with OR, those that did not hold
    for one in line.conditions:
        names = [] if one.novary else _names(one)
        if names or one.ornext or before:
            holds = condition(one, around, expression, keeps=False)
            for name in names:
                when: list[Condition] = [*(Not(other) for other in before), NotEmpty((RequestField(name.lower()),))]
                if one.ornext or before:
                    when.insert(-1, holds)
                text: Template = (Given((Note(_VARY),), (Note(_VARY), b", ")), name)
                flow.add(All(tuple(when)), SetNote(_VARY, text), Then.NEXT, line.span)
            before = [*before, holds] if one.ornext else []


def _names(cond: Cond) -> list[bytes]:
    if cond.kind is None:
        return []
    found = []
    for one in _variable(cond.text):
        name = one[1].encode("utf-8", "surrogateescape") if one[1] else FIELDS.get(one[2].upper(), b"").title()
        if name and name.lower() != b"host":  # virtual hosts are no variants
            found.append(name)
    return found


def edits(lines: Iterable[RuleLine]) -> list[Rule]:
    """Return the edits of an answer that rules ask for. Vary is for answers of our own that are no errors."""
    rules: dict[bytes, Rule] = {}
    varies = False
    for line in lines:
        for text in line.flags.cookies:
            words = _parts(text)
            if len(words) > 2:
                note = _note(words[0])
                add = EditField(Operation.ADD, b"Set-Cookie", (Note(note),), always=True)
                rules.setdefault(note, Rule(HasNote(note), add, Then.NEXT, line.span))
        ends = line.flags.proxy or line.flags.redirect or line.flags.refuse
        varies = varies or (not ends and any(_names(one) for one in line.conditions if not one.novary))
    found = list(rules.values())
    if varies:
        here = All((HasNote(_VARY), Not(NotEmpty((Fact.DESTINATION,)))))
        found.append(Rule(here, EditField(Operation.MERGE, b"Vary", (Note(_VARY),)), Then.NEXT))
    return found
