"""What is edited in responses: ProxyPassReverse, cookies, Header.

Sources: modules/proxy/proxy_util.c (ap_proxy_location_reverse_map, ap_proxy_cookie_reverse_map), mod_headers.c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from perijove.config.apache import expires
from perijove.config.apache.paths import filled
from perijove.config.apache.scope import Scope
from perijove.config.apache.variables import of_responses
from perijove.config.apache.words import octets
from perijove.gateway.conditions import All, Any, Compares, Comparison, Condition, Not, NotEmpty, Pattern, both
from perijove.gateway.rules import EditField, Operation, ReplaceAttribute, ReplacePrefix, Rule, Then
from perijove.gateway.templates import Capture, Fact, Template

_OWN = Not(NotEmpty((Fact.DESTINATION,)))


def response_rules(
    merged: list[Scope],
    when: Callable[[Scope], Condition],
    members: Callable[[str, str], list[str]],
    origin: Template,
    via: list[Rule],
    interpolates: bool,
    balanced: bool,
) -> tuple[Rule, ...]:
    """Return the rules of a host's responses, in the order in which httpd makes the changes.

    Args:
        merged: all scopes, in the order in which they are merged.
        when: which requests a scope is for.
        members: the URLs that a balancer's stands for, which become a path; of any other URL itself.
        origin: scheme, name and port of the server's own URLs.
        via: what ProxyVia does.
        interpolates: ProxyPassInterpolateEnv is on.
        balanced: something here asks for variables of balancers.
    """
    # ap_proxy_http_process_response (mod_proxy_http.c)
    rules = list(via)
    for scope in merged:
        for one in scope.said.get("proxy-pass-reverse", ()):
            path = filled(one.path, one.interpolate and interpolates)
            public: Template = path if "://" in one.path else (*origin, *path)
            for url in members(one.url, one.path):
                prefix = filled(url, one.interpolate and interpolates)
                rules.append(Rule(when(scope), ReplacePrefix(prefix, public), Then.NEXT, one.origin))
    for scope in merged:
        for attribute in ("path", "domain"):
            for inside, outside, interpolate, span in scope.said.get(f"cookie-{attribute}s", ()):
                old, new = (filled(text, interpolate and interpolates) for text in (inside, outside))
                rules.append(Rule(when(scope), ReplaceAttribute(attribute, old, new), Then.NEXT, span))
    for scope in merged:
        # What <If> asks for makes variants of what is answered here (ap_expr_exec_ctx).
        for name, reached in scope.said.get("asks", ()):
            vary = EditField(Operation.APPEND, b"Vary", (name,))
            rules.append(Rule(both(_OWN, reached), vary, Then.NEXT, scope.origin))
    rules += _forced(merged, when)
    rules += expires.rules(merged, when)
    for always in (True, False):
        for scope in merged:
            for edit in scope.response:
                if edit.edit.always is always:
                    asked, does = (edit.when, edit.edit) if not balanced else of_responses((edit.when, edit.edit))
                    holds = both(when(scope), asked)
                    if edit.early and not always:  # an upstream's fields take the place of those that are there
                        holds = both(holds, _OWN)
                    rules.append(Rule(holds, does, Then.NEXT, edit.origin))
    return (*rules, *_charsets(merged, when))


_SENT: Final = All((_OWN, Not(Compares((Fact.STATUS,), Comparison.NUMBERS_SAME, (b"304",)))))


def _forced(merged: list[Scope], when: Callable[[Scope], Condition]) -> list[Rule]:
    """Return what ForceType makes of the types of files: what an upstream says of its own goes (core_override_type)."""
    rules: list[Rule] = []
    later: list[Condition] = []
    for scope in reversed(merged):
        if "forcetype" in scope.said:
            name = scope.said["forcetype"][0]
            if name.lower() != "none":
                edit = EditField(Operation.SET, b"Content-Type", (octets(name),))
                rules.append(Rule(All((_SENT, when(scope), *map(Not, later))), edit, Then.NEXT, scope.origin))
            later.append(when(scope))
    return rules


_WITHOUT_CHARSET: Final = Pattern(rb"(?is)\Atext/(?:plain|html)(?!.*charset=).*")


def _charsets(merged: list[Scope], when: Callable[[Scope], Condition]) -> list[Rule]:
    """Return what AddDefaultCharset does to the types of texts, as the last scope has it (ap_make_content_type)."""
    rules: list[Rule] = []
    later: list[Condition] = []
    for scope in reversed(merged):
        if "adddefaultcharset" not in scope.said:
            continue
        name = scope.said["adddefaultcharset"][0]
        if name.lower() != "off":
            value = (Capture(0), b"; charset=", b"iso-8859-1" if name.lower() == "on" else octets(name))
            edit = EditField(Operation.EDIT, b"Content-Type", value, _WITHOUT_CHARSET)
            holds = both(when(scope), Not(Any(tuple(later)))) if later else when(scope)
            rules.append(Rule(holds, edit, Then.NEXT, scope.origin))
        later.append(when(scope))
    return rules
