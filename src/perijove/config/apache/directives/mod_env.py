"""mod_env and mod_setenvif: variables of a request.

Sources: modules/metadata/mod_env.c, mod_setenvif.c (add_setenvif_core, match_headers).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives import directive
from perijove.config.apache.patterns import compiled
from perijove.config.apache.scope import Kind, Noting, Scope
from perijove.gateway.conditions import Always, Condition, Groups, Matches
from perijove.gateway.templates import Capture, Fact, FieldLike, Note, Part, RequestField, Template, Variable

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive

_SPECIAL: Final[dict[str, Template]] = {
    "remote_addr": (Variable.CLIENT_IP,),
    "remote_host": (Variable.CLIENT_IP,),
    "server_addr": (Fact.SERVER_ADDRESS,),
    "request_uri": (Fact.PATH,),  # in sections; outside of them nothing has been decoded yet
    "request_method": (Variable.METHOD,),
    "request_protocol": (Fact.PROTOCOL,),
}

_is_plain: Final = re.compile(r"(?:[^\\^.$|()\[\]*+?{}]|\\[\\^.$|()\[\]*+?{}])*\Z", re.DOTALL).match


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@directive("SetEnv", "UnsetEnv", "PassEnv")
def set_env(line: Directive, scope: Scope) -> None:
    """Set variables when access has been checked (fixup_env_module)."""
    words = [word.text for word in line.words]
    if line.name.lower() == "setenv":
        value = _octets(words[1]) if len(words) > 1 else b""
        scope.notes.append(Noting(_octets(words[0]), (value,), Always(), line.span, late=True))
        return
    for name in words:
        if line.name.lower() == "unsetenv":
            scope.notes.append(Noting(_octets(name), None, Always(), line.span, late=True))
        elif name in os.environ:
            scope.notes.append(Noting(_octets(name), (os.environb[_octets(name)],), Always(), line.span, late=True))


@directive("SetEnvIf", "SetEnvIfNoCase", "BrowserMatch", "BrowserMatchNoCase")
def set_env_if(line: Directive, scope: Scope) -> None:
    """Set variables by what a field, or something else of the request, says."""
    words = list(line.words)
    browser = line.name.lower().startswith("browser")
    attribute = "User-Agent" if browser else words.pop(0).text
    if len(words) < 2:
        scope.error("setenvif-arguments", f"Missing envariable expression for {line.name}", line.span,
                    f"write `{line.name} {'' if browser else attribute + ' '}pattern NAME=value`")  # fmt: skip
        return
    pattern = compiled(words[0].text, line.name.lower().endswith("nocase"), words[0].span, scope)
    if pattern is None:
        return
    special = _SPECIAL.get(attribute.lower())
    if attribute.lower() == "request_uri" and scope.kind in (Kind.SERVER, Kind.HOST):
        special = (Variable.PATH,)  # match_headers, as a hook of post_read_request
    subject: Template = special if special is not None else (RequestField(_octets(attribute)),)
    if re.fullmatch(r"[-A-Za-z0-9_]*", attribute) is None:  # is_header_regex
        names = compiled(attribute, line.name.lower().endswith("nocase"), line.words[0].span, scope)
        if names is None:
            return
        subject = (FieldLike(names.pattern),)
    when: Condition = Matches(subject, pattern, captures=True)
    if special is None and not browser and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", attribute):
        # A name that is no field's may be that of a variable which was set before.
        when = Matches((RequestField(_octets(attribute)), Note(_octets(attribute))), pattern, captures=True)
    # What is no pattern is only looked for: nothing is filled into values (non_regex_pattern).
    filled = (lambda value: (_octets(value),)) if _is_plain(words[0].text) else _value
    for word in words[1:]:
        name, equals, value = word.text.partition("=")
        if name.startswith("!"):
            scope.notes.append(Noting(_octets(name[1:]), None, when, line.span))
        else:
            scope.notes.append(Noting(_octets(name), filled(value) if equals else (b"1",), when, line.span))


def _value(text: str) -> Template:
    """ap_pregsub: `$1` is a capture, `\\` takes the next character as it is; `&` is nothing special since 2.4."""
    parts: list[Part] = []
    literal = ""
    at = 0
    while at < len(text):
        mark = text[at]
        if mark == "$" and text[at + 1 : at + 2].isdigit():
            parts += [_octets(literal), Capture(int(text[at + 1]))]
            literal = ""
            at += 2
        elif mark == "\\" and text[at + 1 : at + 2] in ("$", "&", "\\"):
            literal += text[at + 1]
            at += 2
        else:
            literal += mark
            at += 1
    parts.append(_octets(literal))
    return tuple(part for part in parts if part != b"") or (b"",)


@directive("SetEnvIfExpr")
def set_env_if_expr(line: Directive, scope: Scope) -> None:
    """Set variables by an expression."""
    from perijove.config.apache.expression import condition

    when = condition(line.words[0].text, line.words[0].span, scope, groups=Groups.CAPTURES)
    if when is None:
        return
    for word in line.words[1:]:
        name, equals, value = word.text.partition("=")
        noting = None if name.startswith("!") else _value(value) if equals else (b"1",)
        scope.notes.append(Noting(_octets(name.lstrip("!")), noting, when, line.span))
