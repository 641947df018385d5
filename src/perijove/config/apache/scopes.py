"""From what httpd reads to scopes: each directive is given to its meaning, in the scope it stands in.

Knows sections. Must not know what directives mean (`directives`), nor what scopes mean together (`lower`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from perijove.config.apache import files, glob
from perijove.config.apache.directive import Directive, Section
from perijove.config.apache.directives import (
    REGISTRY,
    core,
    mod_alias,
    mod_authz,
    mod_env,
    mod_expires,
    mod_headers,
    mod_mime,
    mod_proxy,
    mod_remoteip,
    mod_reqtimeout,
    mod_rewrite,
    mod_ssl,
)
from perijove.config.apache.expression import condition as expression
from perijove.config.apache.expression import fields_asked
from perijove.config.apache.patterns import compiled, named_groups
from perijove.config.apache.scope import Kind, Scope
from perijove.config.apache.words import is_wildcard, octets
from perijove.gateway.conditions import (
    All,
    Always,
    Any,
    Compares,
    Comparison,
    Condition,
    Never,
    Not,
    PathMatches,
    PathPrefix,
    Pattern,
    both,
)
from perijove.gateway.templates import Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perijove.config.apache.reading import Reading
    from perijove.text.diagnostic import Diagnostic

_MODULES = (
    core,
    mod_alias,
    mod_authz,
    mod_env,
    mod_headers,
    mod_mime,
    mod_proxy,
    mod_remoteip,
    mod_expires,
    mod_reqtimeout,
    mod_rewrite,
    mod_ssl,
)  # importing them fills the registry
# What is asked for by name elsewhere (`%{SERVER_NAME}`), wherever it stands.
_FIRST = frozenset(("servername", "usecanonicalname", "usecanonicalphysicalport", "documentroot", "serveradmin"))
_FILES = frozenset(("directory", "directorymatch", "files", "filesmatch"))
_COMPATIBLE = frozenset(("order", "allow", "deny", "satisfy"))  # mod_access_compat's
_AUTHORIZATION = frozenset(("requireall", "requireany", "requirenone"))


def scopes(reading: Reading, tell: Callable[[Diagnostic], None]) -> tuple[Scope, list[Scope]]:
    """Return the server's scope, and those of its virtual hosts, in order."""
    server = Scope(Kind.SERVER, reading.modules, tell)
    server.said["serverroot"] = reading.root
    hosts: list[Scope] = []
    _fill(server, reading.items, hosts)
    return server, hosts


def _fill(scope: Scope, items: Sequence[Directive | Section], hosts: list[Scope]) -> None:
    for one in items:
        if isinstance(one, Directive) and one.name.lower() in _FIRST:
            REGISTRY[one.name.lower()](one, scope)
    elses: list[Condition] = []  # of the If that stands before
    for one in items:
        if isinstance(one, Directive):
            meaning = REGISTRY.get(one.name.lower())
            if meaning is not None and one.name.lower() not in _FIRST:
                meaning(one, scope)
            elses = []
            continue
        name = one.name.lower()
        if name not in ("elseif", "else"):
            elses = []
        if name == "virtualhost":
            host = Scope(Kind.HOST, scope.modules, scope.tell, parent=scope, origin=one.span)
            host.said["addresses"] = [word.text for word in one.words]
            hosts.append(host)
            _fill(host, one.children, hosts)
        elif name in ("location", "locationmatch"):
            _section(scope, one, hosts, _location(scope, one))
        elif name in ("proxy", "proxymatch"):
            _section(scope, one, hosts, _proxy(scope, one))
        elif name in ("if", "elseif", "else"):
            _section(scope, one, hosts, _if(scope, one, name, elses))
        elif name in _AUTHORIZATION:
            mod_authz.block(one, scope)
        elif name in ("limit", "limitexcept"):
            _limit(scope, one, hosts, name)
        elif name in _FILES:
            _section(scope, one, hosts, files.section(scope, one, name))


def _section(scope: Scope, section: Section, hosts: list[Scope], made: Scope | None) -> None:
    if made is not None:
        made.origin = section.span
        made.parent = scope
        scope.sections.append(made)
        _fill(made, section.children, hosts)


def _location(scope: Scope, section: Section) -> Scope | None:
    """ap_location_walk, server/request.c: what a Location is for."""
    subject = section.subject()
    if subject is None:
        return None
    word, regex = subject
    path = word.text
    made = Scope(Kind.LOCATION, scope.modules, scope.tell, path=path, regex=regex)
    if regex:
        pattern = compiled(path, False, word.span, scope)
        if pattern is None:
            return None
        made.condition = PathMatches(pattern, named_groups(path))
    elif is_wildcard(path):
        made.condition = PathMatches(Pattern(glob.pattern_of(octets(path), pathname=True), 0, False, path), merged=True)
    elif "//" in path:
        made.condition = Never()  # it is compared with paths that have no two slashes in a row
    else:
        made.condition = PathPrefix(octets(path), merged=True)  # ap_no2slash
    made.condition = both(scope.condition, made.condition)
    return made


def _proxy(scope: Scope, section: Section) -> Scope | None:
    subject = section.subject()
    if subject is None:
        return None
    return Scope(Kind.PROXY, scope.modules, scope.tell, path=subject[0].text, regex=subject[1])


def _if(scope: Scope, section: Section, name: str, elses: list[Condition]) -> Scope | None:
    before = tuple(Not(one) for one in elses)
    made = Scope(Kind.IF, scope.modules, scope.tell)
    condition: Condition = Always()
    if name != "else":
        if not section.words:
            return None
        found = expression(section.words[0].text, section.words[0].span, scope)
        if found is None:
            return None
        condition = found
        if name == "if":
            elses.clear()
            before = ()
        elses.append(condition)
        reached = All((scope.condition, *before))
        made.said["asks"] = [(name, reached) for name in fields_asked(section.words[0].text)]
    parts = (*before, condition)
    if not isinstance(scope.condition, Always):
        parts = (scope.condition, *parts)
    made.condition = parts[0] if len(parts) == 1 else All(parts)
    return made


def _limit(scope: Scope, section: Section, hosts: list[Scope], name: str) -> None:
    """<Limit> and <LimitExcept>: what is said of access in them holds for some methods; all else holds as if it stood outside."""
    methods = [word.text for word in section.words]
    # HEAD is limited with GET (ap_method_number_of).
    listed: list[Condition] = [
        Compares((Variable.METHOD,), Comparison.SAME, (one.encode(),))
        for one in [*methods, *(["HEAD"] if "GET" in methods else [])]
    ]
    only: Condition = Any(tuple(listed)) if listed else Never()
    if name == "limitexcept":
        only = Not(only)
    made = Scope(Kind.IF, scope.modules, scope.tell)
    made.condition = both(scope.condition, only)
    before = len(mod_authz.requires(scope))
    compatible = tuple(one for one in section.children if one.name.lower() in _COMPATIBLE)
    _fill(scope, [one for one in section.children if one not in compatible], hosts)
    verdicts = mod_authz.requires(scope)
    verdicts[before:] = [replace(one, methods=only) for one in verdicts[before:]]
    _section(scope, replace(section, children=compatible), [], made)
