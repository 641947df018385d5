"""Who may: Require and its blocks, Order/Allow/Deny, and Basic authentication.

Sources: modules/aaa/mod_authz_core.c (how Require's verdicts combine), mod_authz_host.c, mod_access_compat.c, mod_auth_basic.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directive import Directive
from perijove.config.apache.directives import directive
from perijove.config.apache.expression import condition, unquoted
from perijove.config.apache.modules import stranger
from perijove.config.apache.parts import parts
from perijove.config.apache.scope import within
from perijove.config.apache.subnets import LOCALHOST, LOOPBACK, SubnetError, networks
from perijove.config.apache.table import table
from perijove.config.apache.values import PROVIDERS as KNOWN
from perijove.config.apache.words import octets
from perijove.gateway.conditions import (
    All,
    Always,
    Any,
    Compares,
    Comparison,
    Condition,
    HasNote,
    Never,
    Not,
    NotEmpty,
    Within,
    both,
)
from perijove.gateway.templates import Fact, Variable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perijove.config.apache.directive import Section, Word
    from perijove.config.apache.scope import Scope
    from perijove.gateway.conditions import Network
    from perijove.text.source import Span

_EMULATED: Final = ("authz_core", "authz_host", "authz_user", "authz_groupfile")
# Those that httpd has a number for (ap_method_number_of).
_METHODS: Final = frozenset(
    (
        "GET",
        "HEAD",
        "PUT",
        "POST",
        "DELETE",
        "CONNECT",
        "OPTIONS",
        "TRACE",
        "PATCH",
        "PROPFIND",
        "PROPPATCH",
        "MKCOL",
        "COPY",
        "MOVE",
        "LOCK",
        "UNLOCK",
        "VERSION-CONTROL",
        "CHECKOUT",
        "UNCHECKOUT",
        "CHECKIN",
        "UPDATE",
        "LABEL",
        "REPORT",
        "MKWORKSPACE",
        "MKACTIVITY",
        "BASELINE-CONTROL",
        "MERGE",
    )
)
PROVIDERS: Final = {name: module for name, module in KNOWN.items() if module in _EMULATED or name == "ssl"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A Require, or a block of them."""

    when: Condition
    needs_user: bool  # whether it can only be known when somebody has said who they are
    could: Condition  # whether it might hold for somebody (AUTHZ_DENIED_NO_USER), or for nobody (AUTHZ_DENIED)
    methods: Condition = field(default_factory=Always)  # of which methods it says something (<Limit>)
    origin: Span | None = None
    unknown: bool = False  # whether something is asked that nobody here can tell


@dataclass(frozen=True, slots=True)
class InGroup(Any):
    """Whether a user is in one of these groups: nobody is, until it is known which file says so."""

    groups: tuple[str, ...] = ()


def with_members(condition: Condition, members: Mapping[str, Sequence[str]]) -> Condition:
    """Return a condition with the members of groups in place of these."""
    match condition:
        case InGroup(groups=groups):
            users = [user for group in groups for user in members.get(group, ())]
            return Any(tuple(Compares((Fact.USER,), Comparison.SAME, (octets(one),)) for one in users))
        case All(of):
            return All(tuple(with_members(one, members) for one in of))
        case Any(of):
            return Any(tuple(with_members(one, members) for one in of))
        case Not(one):
            return Not(with_members(one, members))
        case _:
            return condition


def requires(scope: Scope) -> list[Verdict]:
    """Return the verdicts of a scope, in order."""
    found: list[Verdict] = scope.said.setdefault("require", [])
    return found


@directive("Require")
def require(line: Directive, scope: Scope) -> None:
    """Let some in."""
    verdict = verdict_of(line, scope)
    if verdict is not None:
        requires(scope).append(replace(verdict, origin=line.span))


def verdict_of(line: Directive, scope: Scope) -> Verdict | None:
    """Return what a Require says, or None after an error was told."""
    words = list(line.words)
    refuses = bool(words) and words[0].text.lower() == "not"
    if refuses:
        words.pop(0)
    if not words:
        scope.error("require-without-provider", "Require needs a provider", line.span, "write `Require all granted`")
        return None
    name = words[0].text.lower()
    if name not in PROVIDERS or PROVIDERS[name] not in scope.modules:
        if not _is_of_others(name, words[0].text, scope):
            scope.error("unknown-provider", f"Unknown Authz provider: {words[0].text}", words[0].span,
                        f"load its module: `a2enmod {PROVIDERS[name]}`" if name in PROVIDERS else f"known are {', '.join(sorted(PROVIDERS))}")  # fmt: skip
            return None
        return Verdict(Never(), False, Never(), unknown=True)  # nobody is let in by it, be it `not` or not
    when = _provider(name, words, line, scope)
    if when is None:
        return None
    # Of an expression as well: who is not known may still say who they are (expr_check_authorization).
    needs = name in ("user", "valid-user", "group") or any(part is Fact.USER for part in parts(when))
    whole = Not(when) if refuses else when
    return Verdict(whole, needs, Always() if needs else whole)


def _is_of_others(name: str, written: str, scope: Scope) -> bool:
    """Tell whether httpd may have who answers a Require: another of its modules, one of somebody else's, or an alias."""
    if name in PROVIDERS:
        return False
    strangers = any(one not in table().sources for one in scope.modules)
    known = name in KNOWN or name.startswith("claim") or stranger(name) is not None
    return known or strangers or written in within(scope)[-1].said.get("authz-aliases", ())


def _provider(name: str, words: list[Word], line: Directive, scope: Scope) -> Condition | None:
    given = [word.text for word in words[1:]]
    match name:
        case "all":
            if given not in (["granted"], ["denied"]):
                scope.error("bad-require", "Require all: Unknown argument", line.span, "write `granted` or `denied`")
                return None
            return Always() if given == ["granted"] else Never()
        case "local":
            return Within((Variable.CLIENT_IP,), LOOPBACK)
        case "ssl":
            return NotEmpty((Fact.TLS_PROTOCOL,))  # ssl_authz_require_ssl_check (ssl_engine_kernel.c)
        case "ip" if not given:
            scope.error("bad-address", "'require ip' requires an argument", line.span, "write `Require ip 10.0.0.0/8`")
            return None
        case "ip":
            found: list[Network] = []
            for word in words[1:]:
                try:
                    its = networks(word.text)
                except SubnetError:
                    its = None
                if its is None:
                    hint = "put spaces between addresses, and no commas" if "," in word.text else "write `10.0.0.0/8`"
                    scope.error("bad-address", f"ip address '{word.text}' appears to be invalid", word.span, hint)
                    return None
                found += its
            return Within((Variable.CLIENT_IP,), tuple(found))
        case "forward-dns" if all(word.lower().rstrip(".") == "localhost" for word in given):
            return Within((Variable.CLIENT_IP,), LOOPBACK)  # RFC 6761 §6.3: whatever the DNS says
        case "method" if not _METHODS.issuperset(given):
            unknown = next(one for one in given if one not in _METHODS)
            scope.error("bad-value", f"Invalid Method '{unknown}'", line.span, "write methods in capitals: `GET POST`")
            return None
        case "method":
            return _of_methods(given)
        case "env":
            return Any(tuple(HasNote(octets(one)) for one in given))
        case "expr":
            return condition(unquoted(_behind(line.rest.text, "expr")), line.span, scope)
        case "valid-user":
            return NotEmpty((Fact.USER,))
        case "user":
            return Any(tuple(Compares((Fact.USER,), Comparison.SAME, (octets(one),)) for one in given))
        case "group":
            return InGroup((), tuple(given))
        case "host" if any(word.lower() == "localhost" for word in given):
            return Within((Variable.CLIENT_IP,), LOCALHOST)
        case _:
            scope.warn("not-emulated", f"`Require {name}` asks the DNS for names, which is not done: nobody is let in by it",
                       line.span, "write addresses: `Require ip 10.0.0.0/8`")  # fmt: skip
            return Never()


def _of_methods(names: Sequence[str]) -> Condition:
    """Return whether a request has one of these methods; HEAD has the number of GET (ap_method_number_of)."""
    every = dict.fromkeys(name for one in names for name in (("GET", "HEAD") if one in ("GET", "HEAD") else (one,)))
    return Any(tuple(Compares((Variable.METHOD,), Comparison.SAME, (octets(one),)) for one in every))


def _behind(text: str, word: str) -> str:
    """Return what stands behind a word: an expression's quotes are its own."""
    return re.split(rf"(?i)\b{word}\s+", text, maxsplit=1)[-1]


def block(section: Section, scope: Scope) -> None:
    """RequireAll, RequireAny, RequireNone: add what they say."""
    verdict = _block(section, scope)
    if verdict is not None:
        requires(scope).append(verdict)


_ASKS: Final = frozenset(("require", "requireall", "requireany", "requirenone"))


def others(section: Section) -> list[Directive]:
    """Return what stands in a block and asks nothing: it is said of what is around (ap_walk_config with the same settings)."""
    found: list[Directive] = []
    for one in section.children:
        if isinstance(one, Directive):
            found += [one] if one.name.lower() not in _ASKS else []
        elif one.name.lower() in _ASKS:
            found += others(one)
    return found


def _block(section: Section, scope: Scope) -> Verdict | None:
    found: list[Verdict] = []
    for one in section.children:
        if one.name.lower() not in _ASKS:
            continue  # it is said of what is around: see `others`
        verdict = verdict_of(one, scope) if isinstance(one, Directive) else _block(one, scope)
        if verdict is not None:
            found.append(verdict)
    if not found:
        return None
    of = tuple(one.when for one in found)
    could = tuple(one.could for one in found)
    needs = any(one.needs_user for one in found)
    unknown = any(one.unknown for one in found)
    if unknown and section.name.lower() == "requirenone":
        return Verdict(Never(), False, Never(), unknown=True)
    match section.name.lower():
        case "requireall":
            return Verdict(All(of), needs, All(could), unknown=unknown)
        case "requireany":
            return Verdict(Any(of), needs, Any(could), unknown=unknown)
        case _:
            return Verdict(Not(Any(of)), needs, Always() if needs else Not(Any(of)))


def combined(found: list[Verdict]) -> Verdict:
    """Return what Requires that stand beside each other mean: any of those that are for the method lets in.

    If none is, everybody is let in, whatever was said around them (apply_authz_sections, mod_authz_core.c).
    """
    whens: tuple[Condition, ...] = tuple(both(one.methods, one.when) for one in found)
    could: tuple[Condition, ...] = tuple(both(one.methods, one.could) for one in found)
    if not any(isinstance(one.methods, Always) for one in found):
        others = Not(Any(tuple(one.methods for one in found)))
        whens, could = (others, *whens), (others, *could)
    return Verdict(Any(whens), any(one.needs_user for one in found), Any(could))


@directive("AuthMerging")
def auth_merging(line: Directive, scope: Scope) -> None:
    """Say what becomes of what sections before required: Off, And, Or."""
    if line.words[0].text.lower() not in ("off", "and", "or"):
        scope.error("bad-value", "AuthMerging must be one of: Off | And | Or", line.words[0].span, "write `Off`")
        return
    scope.said["authmerging"] = line.words[0].text.lower()


@directive("Order", "Allow", "Deny", "Satisfy")
def access_compat(line: Directive, scope: Scope) -> None:
    """Control access as httpd 2.2 did."""
    words = [word.text for word in line.words]
    name = line.name.lower()
    if name in ("allow", "deny"):
        if not words or words[0].lower() != "from":
            scope.error(
                "allow-without-from", "allow and deny must be followed by 'from'", line.span, f"write `{line.name} from all`"
            )
            return
        conditions: list[Condition] = scope.said.setdefault(f"access-{name}", [])
        for word in line.words[1:]:
            text = word.text
            if text.lower() == "all":
                conditions.append(Always())
            elif text.lower().startswith("env="):
                note = text[4:]
                has = HasNote(octets(note.lstrip("!")))
                conditions.append(Not(has) if note.startswith("!") else has)
            else:
                try:
                    its = LOCALHOST if text.lower() == "localhost" else networks(text)
                    if its is None and "/" in text:
                        raise SubnetError("An IP address was expected")
                except SubnetError as error:
                    scope.error("bad-address", str(error), word.span, "write `10.0.0.0/8`")
                    return
                if its is None:
                    scope.warn(
                        "not-emulated", f"`{line.name} from {text}` asks the DNS for names, which is not done", word.span
                    )
                    continue
                conditions.append(Within((Variable.CLIENT_IP,), its))
        return
    scope.said[f"access-{name}"] = "".join(words).lower()
    if name == "satisfy" and scope.said["access-satisfy"] not in ("any", "all"):
        scope.error("bad-value", "Satisfy either 'any' or 'all'.", line.span, "write `Satisfy all`")
    if name == "order" and scope.said["access-order"] not in ("allow,deny", "deny,allow", "mutual-failure"):
        scope.error("bad-order", "unknown order", line.span, "write `Order allow,deny`, without a space")


@directive("AllowMethods")
def allow_methods(line: Directive, scope: Scope) -> None:
    """Name the methods that are answered at all, or `reset` (am_allowmethods, mod_allowmethods.c)."""
    words = [word.text for word in line.words]
    if not words:
        scope.error(
            "too-few-arguments", "AllowMethods: No method or 'reset' keyword given", line.span, "write `AllowMethods GET POST`"
        )
        return
    if words[0].lower() == "reset":
        scope.said["methods"] = (Always(), line.span)
        return
    for word in line.words:
        if word.text not in _METHODS:
            scope.error(
                "bad-value", f"AllowMethods: Invalid Method '{word.text}'", word.span, "write methods in capitals: `GET POST`"
            )
            return
    scope.said["methods"] = (_of_methods(words), line.span)


@directive("AuthType", "AuthName", "AuthBasicProvider", "AuthGroupFile")
def auth(line: Directive, scope: Scope) -> None:
    """Say how users are told."""
    scope.said[line.name.lower()] = line.words[0].text if line.words else ""
    if line.name.lower() == "authbasicprovider":
        scope.said["authbasicprovider"] = tuple(word.text.lower() for word in line.words)
    if line.name.lower() == "authgroupfile":
        scope.said["authgroupfile"] = _groups(line, scope)


@directive("AuthUserFile")
def user_file(line: Directive, scope: Scope) -> None:
    """Name the file of users and their passwords' hashes."""
    users: list[tuple[bytes, bytes]] = []
    lines = _lines(line, scope)
    if lines is None:
        scope.said["users"] = None
        return
    for text in lines:
        name, colon, hashed = text.partition(b":")
        if colon:
            users.append((name, hashed.split(b":")[0]))
    scope.said["users"] = tuple(users)


def _groups(line: Directive, scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in _lines(line, scope) or ():
        group, colon, members = text.decode("utf-8", "surrogateescape").partition(":")
        if colon:
            found.setdefault(group.strip(), []).extend(members.split())
    return found


def _lines(line: Directive, scope: Scope) -> list[bytes] | None:
    from perijove.config.apache.scope import root_of

    path = root_of(scope, line.words[0].text)
    try:
        with open(path, "rb") as file:
            return [text for text in file.read().splitlines() if text.strip() and not text.startswith(b"#")]
    except OSError as error:
        # httpd starts all the same, and answers 500 for each request; nobody is let in here either.
        scope.warn("unreadable-file", f"`{path}` cannot be read: {error.strerror}: nobody is let in by it", line.words[0].span)
        return None
