"""Conditions, actions and texts of rules in plain words.

Knows the gateway's rules. Must not know how they run, nor dialects: what somebody wrote stands beside these words.
"""

from __future__ import annotations

import dataclasses
import re
from enum import Enum
from typing import Any

from perijove.gateway import actions, conditions, templates
from perijove.gateway.rules import Action, Condition
from perijove.gateway.templates import Fact, Template, Variable

_FACTS = {
    Fact.PATH: "path",
    Fact.QUERY: "query",
    Fact.DESTINATION: "upstream-url",
    Fact.HANDSHAKE: "handshake",
}


def octets(text: bytes) -> str:
    """Return octets as people read them."""
    decoded = text.decode("utf-8", "surrogateescape")
    if decoded.isprintable():
        return decoded
    return "".join(one if one.isprintable() else "".join(f"\\x{octet:02x}" for octet in _octets(one)) for one in decoded)


def _octets(one: str) -> bytes:
    return one.encode("utf-8", "surrogateescape")


def template(text: Template) -> str:
    """Return a text, with what depends on the request in braces."""
    return "".join(octets(one) if isinstance(one, bytes) else "{" + _part(one) + "}" for one in text)


def _part(one: Any) -> str:
    match one:
        case Variable():
            return one.value
        case Fact():
            return _FACTS.get(one, one.value)
        case templates.RequestField(name):
            return f"field {octets(name)}"
        case templates.ResponseField(name):
            return f"response field {octets(name)}"
        case templates.Note(name):
            return _variable(name)
        case templates.Capture(number):
            return f"${number}"
        case templates.Kept(number):
            return f"%{number}"
        case templates.Rest(prefix, raw):
            return ("rest of the path" if prefix else "path") + (" as it was sent" if raw else "")
        case templates.Call(function, argument):
            return f"{function.value} of {template(argument)}"
        case templates.Look(_, key):
            return f"{template(key)} looked up"
    return _other(one)


def pattern(one: conditions.Pattern) -> str:
    """Return a pattern as it was written, if that is known."""
    return f"`{one.source or octets(one.pattern)}`"


_COMPARED = {
    conditions.Comparison.SAME: "is",
    conditions.Comparison.SAME_FOLDED: "is, without case,",
    conditions.Comparison.LESS: "is less than",
    conditions.Comparison.MORE: "is more than",
    conditions.Comparison.NUMBERS_SAME: "as a number is",
    conditions.Comparison.NUMBERS_LESS: "as a number is less than",
    conditions.Comparison.NUMBERS_MORE: "as a number is more than",
}


def condition(one: Condition) -> str:
    """Return a condition in words."""
    match one:
        case conditions.Always():
            return "always"
        case conditions.Never():
            return "never"
        case conditions.PathPrefix(prefix):
            return "always" if prefix == b"/" else f"path is under {octets(prefix)}"
        case conditions.PathIs(path):
            return f"path is {octets(path)}"
        case conditions.PathMatches(found):
            return f"path matches {pattern(found)}"
        case conditions.Matches(subject, found):
            return f"{template(subject)} matches {pattern(found)}"
        case conditions.Compares(left, how, right):
            return f'{template(left)} {_COMPARED.get(how, how.value)} "{template(right)}"'
        case conditions.Within(subject, networks):
            return f"{template(subject)} is in {', '.join(map(str, networks))}"
        case conditions.NotEmpty((Fact.ASKED,)):
            return "the client asks for a URL of another server"
        case conditions.NotEmpty(subject):
            return f"{template(subject)} is not empty"
        case conditions.HasNote(name):
            return f"{_variable(name)} is set"
        case conditions.SettingIs(setting, value):
            return f"{setting_name(setting)} is {shown(setting, value)}"
        case conditions.All(of):
            return " and ".join(_several(of)) or "always"
        case conditions.Any(of):
            return " or ".join(_several(of)) or "never"
        case conditions.Not(of=inner):
            return f"not ({condition(inner)})"
    return _other(one)


def _several(of: tuple[Condition, ...]) -> list[str]:
    """Return each of several conditions, in brackets where it is made of several itself."""
    found = {condition(one): isinstance(one, conditions.All | conditions.Any) for one in of}
    return [
        f"({said})" if many and (" and " in said or " or " in said) else said
        for said, many in found.items()
        if said != "always"
    ]


def subjects(one: Condition) -> list[Template]:
    """Return the texts that a condition asks for, in order, each once."""
    found: list[Template] = []
    match one:
        case conditions.PathPrefix() | conditions.PathIs() | conditions.PathMatches():
            found = [(Fact.PATH,)]
        case conditions.Compares(left, _, right):
            found = [left, right]
        case conditions.All(of) | conditions.Any(of):
            found = [text for each in of for text in subjects(each)]
        case conditions.Not(of=inner):
            found = subjects(inner)
        case _:
            subject = getattr(one, "subject", None)
            found = [] if subject is None else [subject]
    return list(dict.fromkeys(text for text in found if any(not isinstance(part, bytes) for part in text)))


def captures(one: Condition) -> bool:
    """Tell whether a condition keeps what its pattern found for the rule's own texts."""
    match one:
        case conditions.PathMatches(found):
            return found.groups > 0
        case conditions.Matches():
            return one.captures
        case conditions.All(of) | conditions.Any(of):
            return any(map(captures, of))
    return False


def action(one: Action) -> str:
    """Return what a rule does, in words."""
    match one:
        case actions.Nothing():
            return ""
        case actions.Forward(upstream, mapping):
            return f"forward to {upstream}" + (
                "" if mapping is None else f", {octets(mapping.public)} becoming {octets(mapping.upstream)}"
            )
        case actions.ForwardTo(upstream, path):
            return f"forward to {upstream}, path {template(path)}"
        case actions.ForwardAnywhere(url):
            return f"forward to {template(url)}"
        case actions.ForwardAsked(by):
            return "forward to where its URL leads" + ("" if by is None else f", by way of {by}")
        case actions.Bar(refusal):
            return f"refuse with {refusal.status}"
        case actions.ServeTree(path):
            return f"answer with the file {template(path)}"
        case actions.TrustField(name):
            return f"the client's address is what {octets(name)} says"
        case actions.Redirect(status, location):
            return f"redirect, {status}, to {template(location)}"
        case actions.Respond(status):
            return f"answer with {status}"
        case actions.ServeFile(directory):
            return f"answer with a file of {directory}"
        case actions.Refuse(status):
            return f"refuse with {status}"
        case actions.Authenticate(realm):
            return f'ask for a name and a password for "{octets(realm)}"'
        case actions.Rewrite(path):
            return f"path becomes {template(path)}"
        case actions.SetNote(name, value):
            return f'{_variable(name)} becomes "{template(value)}"'
        case actions.Balance(name, members=members):
            return f"{name}: choose one of {', '.join(its.upstream for its in members)}"
        case actions.UnsetNote(name):
            return f"forget {_variable(name)}"
        case actions.Set(setting, value):
            return f"{setting_name(setting)}: {shown(setting, value)}"
        case actions.EditField():
            return _edit(one)
        case actions.MapUrl(upstream=inside, public=public):
            return f"URLs: {template(inside)} becomes {template(public)}"
        case actions.ReplacePrefix(prefix, public):
            return f"URLs: {template(prefix)} becomes {template(public)}"
        case actions.ReplaceAttribute(attribute, old, new):
            return f"cookies: {attribute} {template(old)} becomes {template(new)}"
        case actions.MapCookie():
            return f"cookies: {_cookie(one) or 'as they are'}"
    return _other(one)


def _edit(one: actions.EditField) -> str:
    name, value = octets(one.name), template(one.value)
    words = {
        actions.Operation.SET: f'{name} becomes "{value}"',
        actions.Operation.ADD: f'add {name} "{value}"',
        actions.Operation.DEFAULT: f'{name} becomes "{value}" if it is not there',
        actions.Operation.REMOVE: f"remove {name}",
        actions.Operation.APPEND: f'append "{value}" to {name}',
        actions.Operation.MERGE: f'append "{value}" to {name} unless it is in it',
    }
    if one.operation in words:
        return words[one.operation]
    found = "" if one.pattern is None else pattern(one.pattern)
    return f'in {name}, {"every " if one.operation is actions.Operation.EDIT_ALL else ""}{found} becomes "{value}"'


def _cookie(one: actions.MapCookie) -> str:
    parts = []
    if one.path_from is not None and one.path_to is not None:
        parts.append(f"path {octets(one.path_from)} {_becomes(one.path_to)}")
    if one.domain_from is not None and one.domain_to is not None:
        parts.append(f"domain {octets(one.domain_from)} {_becomes(one.domain_to)}")
    if one.secure is not None:
        parts.append("Secure where the client speaks https" if one.secure else "not Secure where the client speaks http")
    return ", ".join(parts)


def _becomes(value: bytes) -> str:
    return f"becomes {octets(value)}" if value else "is taken away"


def setting_name(one: conditions.Setting) -> str:
    """Return what a setting is called."""
    return "WebSockets" if one is conditions.Setting.UPGRADES else one.value


def shown(setting: conditions.Setting, value: object) -> str:
    """Return a setting's value."""
    if setting is conditions.Setting.UPGRADES:
        return "passed on" if value else "not passed on"
    return _value(value)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, bytes):
        return octets(value)
    if isinstance(value, tuple):
        return ", ".join(_value(one[0]) if isinstance(one, tuple) and one else _value(one) for one in value) or "none"
    return "none" if value is None else str(value)


def _other(one: object) -> str:
    """Return whatever has no words of its own: its name, and the texts in it."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(one).__name__).lower()
    values = [getattr(one, item.name) for item in dataclasses.fields(one)] if dataclasses.is_dataclass(one) else []
    said = [
        template(each) if isinstance(each, tuple) else each.value if isinstance(each, Enum) else _value(each) for each in values
    ]
    return " ".join([name, *(each for each in said if each)])


def _variable(name: bytes) -> str:
    """Return what a variable is called; one that no configuration can name is a dialect's own, and says what it is for."""
    return f"note “{octets(name[1:])}”" if name[:1] == b"\0" else f"variable {octets(name)}"
