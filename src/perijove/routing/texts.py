"""Texts that are made of a request, and patterns: from what is meant to what runs.

Knows each part of a text in both forms. Must not know who wants the text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from perijove.engine import texts
from perijove.engine.pattern import Pattern
from perijove.gateway import conditions, templates
from perijove.gateway.templates import Fact, Variable

# A part holds nothing of a request, so that one serves all texts.
_PARTS: Final[dict[Variable | Fact, texts.Part]] = {
    Variable.CLIENT_IP: texts.Value("address"),
    Variable.CLIENT_PORT: texts.Port(True),
    Variable.HOST: texts.Value("host"),
    Variable.HOSTNAME: texts.Hostname(),
    Variable.SCHEME: texts.Value("scheme"),
    Variable.SERVER_PORT: texts.Port(False),
    Variable.METHOD: texts.RequestLine("method"),
    Variable.TARGET: texts.RequestLine("target"),
    Variable.PATH: texts.Value("raw"),
    Variable.QUERY: texts.Value("query"),
    Variable.SEARCH: texts.RequestLine("search"),
    Variable.REQUEST_ID: texts.RequestId(),
    Fact.PATH: texts.Value("path"),
    Fact.QUERY: texts.Value("query"),
    Fact.PROTOCOL: texts.RequestLine("protocol"),
    Fact.REQUEST_LINE: texts.RequestLine("line"),
    Fact.SERVER_ADDRESS: texts.Value("local"),
    Fact.HTTPS: texts.Https(),
    Fact.IPV6: texts.Ipv6(),
    Fact.CONNECTION_ADDRESS: texts.ConnectionAddress(),
    Fact.NAME_SHOWN: texts.OfPeer("shown"),
    Fact.TLS_PROTOCOL: texts.OfPeer("protocol"),
    Fact.TLS_CIPHER: texts.OfPeer("cipher"),
    Fact.TLS_STRENGTH: texts.OfPeer("strength"),
    Fact.NAMED_PORT: texts.NamedPort(),
    Fact.USER: texts.Value("user"),
    Fact.STATUS: texts.Status(),
    Fact.CONTENT_TYPE: texts.ResponseField(b"content-type"),
    Fact.MICROSECONDS: texts.Began(),
    Fact.DURATION: texts.Duration(),
    Fact.HANDSHAKE: texts.Handshake(),
    Fact.HELD: texts.Value("held"),
    Fact.DESTINATION: texts.Destination(),
    Fact.CALLED: texts.Called(False),
    Fact.CALLED_PORT: texts.Called(True),
    Fact.SENT: texts.Sent(),
    Fact.ASKED: texts.Value("form"),
}


@lru_cache(1024)
def text(template: templates.Template) -> texts.Text:
    """Return a template as it runs. What rules of thousands of lines say is much the same: one text serves them all."""
    match template:
        case (bytes(to), templates.Rest(prefix, False)):
            return texts.Text((texts.Moved(to, prefix),))
    return texts.Text(tuple([_part(one) for one in template]))


def _part(one: templates.Part) -> bytes | texts.Part:
    match one:
        case bytes():
            return one
        case Variable() | Fact():
            return _PARTS[one]
        case templates.RequestField(name):
            return texts.RequestField(name)
        case templates.FieldLike(found):
            return texts.FieldLike(found)
        case templates.ResponseField(name):
            return texts.ResponseField(name)
        case templates.Note(name, missing):
            return texts.Note(name.lower(), missing)
        case templates.Capture(number):
            return texts.Capture(number)
        case templates.Kept(number):
            return texts.Kept(number)
        case templates.Rest(prefix, raw):
            return texts.Rest(prefix, raw)
        case templates.Call(function, argument):
            return texts.Call(function.value, text(argument))
        case templates.Look(table, key, missing):
            return texts.Look(dict(table), text(key), text(missing))
        case templates.Draw(choices, key, missing):
            return texts.Draw(dict(choices), text(key), text(missing))
        case templates.Encoded(argument, octets, plus):
            return texts.Encoded(text(argument), octets, plus)
        case templates.Without(argument, prefix):
            return texts.Without(text(argument), prefix)
        case templates.Given(subject, then, otherwise):
            return texts.Given(text(subject), text(then), text(otherwise))
        case templates.Time(form, utc, ahead):
            return texts.Time(form, utc, ahead)
    raise TypeError(f"{one!r} is no part of a text")


@lru_cache(1024)
def pattern(written: conditions.Pattern) -> Pattern:
    """Return a pattern as it runs."""
    return Pattern(written.pattern, written.guarded)
