"""Directives and sections as they are in force, and Apache's own checks of each: known, allowed here, enough arguments.

Knows Apache's words for what is wrong (httpd's server/config.c and core.c), and what to type instead. What a value must be
like is said in `values`. Must not know how files are read.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from perijove.config.apache.modules import enabling
from perijove.config.apache.table import Command, How, Where, table
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Set

    from perijove.text.source import Span


class Word(NamedTuple):
    """An argument without its quotes, variables replaced."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive that is in force: `rest` is what follows its name, `via` the Include and Use lines it came by."""

    name: str
    words: tuple[Word, ...]
    rest: Word
    span: Span
    via: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section, named without its brackets; `rest` goes up to the closing one."""

    name: str
    words: tuple[Word, ...]
    rest: Word
    children: tuple[Directive | Section, ...]
    span: Span
    via: tuple[Span, ...] = ()
    # Whether the bracket that ends its line is there; Apache goes on without it in some sections.
    closed: bool = True

    def subject(self) -> tuple[Word, bool] | None:
        """Return what it is for, and whether that is a pattern: by the section's name, or behind `~`. None if nothing is said."""
        tilde = bool(self.words) and self.words[0].text == "~"
        words = self.words[tilde:]
        return (words[0], tilde or self.name.lower().endswith("match")) if words else None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a directive: a name for it, Apache's words, what to type; `word` is the argument that is meant."""

    name: str
    message: str
    help: str = ""
    word: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a directive stands: what may stand there, and the sections around it, the nearest last."""

    # server/config.c: (RSRC_CONF | OR_ALL) & ~(OR_AUTHCFG | OR_LIMIT)
    allowed: int = int((Where.RSRC_CONF | Where.ALL) & ~(Where.AUTHCFG | Where.LIMIT))
    sections: tuple[str, ...] = ()
    # What LoadModule has loaded; of modules that are not known, nobody can say what they bring.
    modules: frozenset[str] = frozenset()
    strangers: bool = False
    root: str = "/etc/apache2"  # ServerRoot: where relative paths begin
    # Names of providers that <AuthnProviderAlias> and <AuthzProviderAlias> have made so far.
    aliases: Set[str] = frozenset()

    def inside(self, name: str) -> Scope:
        """Return the scope of what stands in a section."""
        low = fold(name)
        if low in ("proxy", "proxymatch"):
            allowed = Where.ALL | Where.ACCESS_CONF | Where.PROXY_CONF
        elif low in ("requireall", "requireany", "requirenone", "authnprovideralias", "authzprovideralias"):
            allowed = Where.AUTHCFG
        elif low in _DIRECTORIES:
            allowed = Where.ALL | Where.ACCESS_CONF
        else:
            allowed = Where(self.allowed)
        return replace(self, allowed=int(allowed), sections=(*self.sections, name))

    def refuses(self, command: Command) -> str:
        """Return why a directive may not stand here, in Apache's words; empty if it may."""
        if not self.allowed & command.where:
            return f"{command.name} not allowed " + (f"in <{self.sections[-1]}> context" if self.sections else "here")
        if not command.within:
            return ""
        name = f"{command.name}>" if command.name.startswith("<") else command.name
        for kind, sections, words in _KINDS:
            found = next((one for one in reversed(self.sections) if fold(one) in sections), None)
            if kind in command.within and found:
                return f"{name} cannot occur within {words or f'<{found}> section'}"
        return ""


_DIRECTORIES = frozenset(
    ("directory", "directorymatch", "location", "locationmatch", "files", "filesmatch", "if", "elseif", "else")
)
# ap_check_cmd_context() asks in this order.
_KINDS = (
    ("vhost", frozenset(("virtualhost",)), "<VirtualHost> section"),
    (
        "limit",
        frozenset(("limit", "limitexcept", "requireall", "requireany", "requirenone")),
        "<Limit> or <LimitExcept> section",
    ),
    ("directory", frozenset(("directory", "directorymatch")), ""),
    ("location", frozenset(("location", "locationmatch")), ""),
    ("files", frozenset(("files", "filesmatch")), ""),
    ("proxy", frozenset(("proxy", "proxymatch")), ""),
    ("if", frozenset(("if", "elseif", "else")), ""),
)


def commands(name: str, modules: Collection[str]) -> tuple[Command, ...]:
    """Return the directives of that name that loaded modules have; sections are named with their opening bracket."""
    return tuple(one for one in table().commands.get(fold(name), ()) if one.module in modules)


def arity(command: Command, words: tuple[str, ...], *, blank: bool) -> str:
    """Return what is wrong with the number of arguments, in Apache's words; `blank` says that nothing follows the name.

    invoke_cmd(): an argument that is empty counts as missing, and after On or Off nothing is looked at.
    """
    about = f", {command.about}" if command.about else ""
    match command.how:
        case How.NO_ARGS:
            return "" if blank else f"{command.name} takes no arguments"
        case How.FLAG:
            return "" if words and fold(words[0]) in ("on", "off") else f"{command.name} must be On or Off"
        case How.ITERATE:
            return "" if words and words[0] else f"{command.name} requires at least one argument{about}"
        case How.ITERATE2:
            return "" if len(words) > 1 and words[0] else f"{command.name} requires at least two arguments{about}"
        case How.RAW_ARGS | How.TAKE_ARGV:
            return ""
    least, most, said = _COUNTS[command.how]
    if least <= len(words) <= most and all(words[:least]) and (command.how is not How.TAKE13 or len(words) != 2):
        return ""
    return f"{command.name} takes {said}{about}"


_COUNTS = {
    How.TAKE1: (1, 1, "one argument"),
    How.TAKE2: (2, 2, "two arguments"),
    How.TAKE3: (3, 3, "three arguments"),
    How.TAKE12: (1, 2, "1-2 arguments"),
    How.TAKE13: (1, 3, "one or three arguments"),
    How.TAKE23: (2, 3, "two or three arguments"),
    How.TAKE123: (1, 3, "one, two or three arguments"),
}


def unknown(name: str, *, assumed: bool, near: bool = True) -> Fault:
    """Return what is said of a directive that no loaded module has; `near` looks for one that is called much the same."""
    message = f"Invalid command '{name}', perhaps misspelled or defined by a module not included in the server configuration"
    its = table().commands.get(fold(name), ())
    if its:
        why = "which no file that was read loads, and which is not assumed" if assumed else "which is not loaded"
        return Fault("module-not-loaded", message, f"it belongs to mod_{its[0].module}, {why}; {enabling(its[0].module)}")
    found = _nearest(fold(name)[:_LONGEST]) if near else ""
    if found:
        close = ">" if name.startswith("<") else ""
        return Fault("unknown-directive", message, f"the nearest name is `{found}{close}`")
    return Fault("unknown-directive", message, "no directive of Apache is called so")


_LONGEST = 64  # letters of a name; no directive has as many


@lru_cache(1024)
def _nearest(name: str) -> str:
    section = name.startswith("<")
    here = [key for key in table().commands if key.startswith("<") == section]
    near = difflib.get_close_matches(name, here, 1, 0.75)
    return table().commands[near[0]][0].name if near else ""


def few(command: Command, message: str, words: tuple[Word, ...]) -> Fault:
    """Return the fault of a wrong number of arguments, with help."""
    comment = next((i for i, one in enumerate(words) if one.text.startswith("#")), None)
    if comment is not None:
        return Fault("trailing-comment", message, "a comment needs a line of its own: here `#` begins an argument", comment)
    if command.how is How.FLAG:
        return Fault("not-on-or-off", message, f"write `{command.name} On` or `{command.name} Off`", 0 if words else None)
    least, most, _ = _COUNTS.get(command.how, (1, 64, ""))
    if len(words) > most:
        help_ = _TOO_MANY.get(command.name, "put an argument that has spaces into quotes")
        if words[most - 1].text.endswith(","):
            help_ = f"leave out the space behind the comma: `{command.name} {words[most - 1].text}{words[most].text}`"
        return Fault("too-many-arguments", message, help_, most)
    sample = _SAMPLES.get(command.name)
    help_ = f"write `{command.name} {sample}`" if sample else command.about
    return Fault("too-few-arguments" if len(words) < least or not words else "empty-argument", message, help_)


_TOO_MANY = {
    "ServerName": "a host has one ServerName: further names go into `ServerAlias`",
    "Require": "write one `Require` for each",
}
# What to type of directives whose own help, which httpd's message ends with, says no more than what they are for.
_SAMPLES = {
    "BalancerMember": "http://127.0.0.1:8000",
    "CustomLog": "/var/log/apache2/access.log combined",
    "Define": "NAME VALUE",
    "DocumentRoot": "/var/www/html",
    "ErrorDocument": '503 "The hub is starting."',
    "ErrorLog": "/var/log/apache2/error.log",
    "Include": "/etc/apache2/conf-available/hub.conf",
    "IncludeOptional": "/etc/apache2/conf-enabled/*.conf",
    "LoadModule": "ssl_module /usr/lib/apache2/modules/mod_ssl.so",
    "LogLevel": "warn",
    "NameVirtualHost": "…`, or take it out: it does nothing since httpd 2.4, and hosts are `<VirtualHost *:443>",
    "ProxyPassReverse": "/PATH http://127.0.0.1:8000/PATH",
    "ProxyRemote": "* http://HOST:3128",
    "RemoteIPHeader": "X-Forwarded-For",
    "RemoteIPInternalProxy": "10.0.0.0/8",
    "RemoteIPTrustedProxy": "10.0.0.0/8",
    "RewriteBase": "/PATH/",
    "SSLCertificateFile": "/etc/ssl/certs/hub.pem",
    "SSLCertificateKeyFile": "/etc/ssl/private/hub.key",
    "SSLProtocol": "all -SSLv3 -TLSv1 -TLSv1.1",
    "ServerAdmin": "admin@example.org",
    "ServerAlias": "hub.example.org",
    "ServerName": "hub.example.org",
    "SetEnv": "NAME VALUE",
    "SetHandler": '"proxy:http://127.0.0.1:8000/"',
    "Timeout": "60",
    "Use": "MACRO ARGUMENT",
    "User": "www-data",
    "allow": "from all",
    "deny": "from all",
}


def misplaced(command: Command, message: str) -> Fault:
    """Return the fault of a directive that may not stand where it does."""
    where = []
    if command.where & Where.RSRC_CONF:
        where.append("outside of all sections" if "vhost" in command.within else "at the top or in `<VirtualHost>`")
    if command.where & (Where.ACCESS_CONF | Where.ALL):
        kinds = [one for one in ("directory", "location") if one not in command.within]
        if kinds:
            where.append("in " + " or ".join(f"`<{one.title()}>`" for one in kinds))
    if command.where & Where.PROXY_CONF:
        where.append("in `<Proxy>`")
    return Fault("not-allowed-here", message, f"it may stand {', '.join(where)}" if where else "")
