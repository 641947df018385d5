"""What Apache's own functions say of arguments that no rule of counting covers: one function for each directive.

Add a check: a function that takes the directive or section and returns a Fault or None, and its line in `VALUES`.
Knows what `apachectl configtest` says. Must not know what a directive leads to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.config.apache.addresses import parsed
from perijove.config.apache.arguments import ARGUMENTS
from perijove.config.apache.arguments.kinds import atoi, complaint
from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.modules import enabling
from perijove.config.apache.words import fold, is_wildcard

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.config.apache.directive import Scope

_FIELD_ACTIONS = ("add", "set", "setifempty", "append", "merge", "unset", "echo", "note", "edit", "edit*")
_AUTHORIZATION = frozenset(("require", "requireall", "requireany", "requirenone"))
_REGEX_SECTIONS = ("<DirectoryMatch", "<FilesMatch", "<LocationMatch")
_NO_COMMENT = "a comment needs a line of its own: here `#` begins an argument"


def _in_location(scope: Scope) -> bool:
    return any(fold(one) in ("location", "locationmatch") for one in scope.sections)


def _comment(item: Directive | Section, message: str) -> Fault | None:
    found = next((i for i, one in enumerate(item.words) if one.text.startswith("#")), None)
    return None if found is None else Fault("trailing-comment", message, _NO_COMMENT, found)


def error(item: Directive | Section, scope: Scope) -> Fault | None:
    """`Error "…"` refuses the configuration in the author's words."""
    said = " ".join(one.text for one in item.words) or "The Error directive was used with no message."
    return Fault("error-directive", said, "the file says so itself, by `Error`")


def listen(item: Directive | Section, scope: Scope) -> Fault | None:
    """Take an address and perhaps a protocol."""
    if not 1 <= len(item.words) <= 2:
        message = "Listen requires 1 or 2 arguments."
        return _comment(item, message) or Fault("argument-count", message, "write `Listen 443` or `Listen 192.0.2.1:443 https`")
    return None


def field(item: Directive | Section, scope: Scope) -> Fault | None:
    """Header and RequestHeader: an action, a field, and what the action needs (mod_headers.c: header_cmd)."""
    words = [one.text for one in item.words]
    first = 0
    if item.name == "Header" and words and fold(words[0]) in ("always", "onsuccess"):
        first = 1
    rest = words[first:]
    action = fold(rest[0]) if rest else ""
    if action not in _FIELD_ACTIONS:
        listed = ", ".join(f"'{one}'" for one in _FIELD_ACTIONS[:-1])
        return Fault(
            "field-action",
            f"first argument must be {listed}, or '{_FIELD_ACTIONS[-1]}'.",
            f"write `{item.name} set NAME VALUE`",
            first if rest else None,
        )
    # Of the words that may follow, `early`, `env=` and `expr=` end the line.
    most = {"unset": 3, "echo": 3, "edit": 5, "edit*": 5}.get(action, 4)
    if action in ("edit", "edit*") and len(rest) < 4:
        return Fault(
            "too-few-arguments",
            "Header edit requires a match and a substitution",
            f"write `{item.name} edit NAME PATTERN TEXT`",
        )
    if action not in ("edit", "edit*", "unset", "echo") and len(rest) < 3:
        return Fault("too-few-arguments", "Header requires three arguments", f"write `{item.name} {rest[0]} NAME VALUE`")
    if len(rest) > most:
        early = item.name == "RequestHeader" and fold(rest[most - 1]) == "early"
        message = "RequestHeader has too many arguments" if early else "Too many arguments to directive"
        help_ = "put a value that has spaces into quotes"
        return _comment(item, message) or Fault("too-many-arguments", message, help_, first + most)
    if len(rest) == most and not fold(rest[most - 1]).startswith(("early", "env=", "expr=")):
        message = f"Unknown parameter: {rest[most - 1]}"
        help_ = "put a value that has spaces into quotes; after it only `early`, `env=…` or `expr=…` may stand"
        return _comment(item, message) or Fault("unknown-parameter", message, help_, first + most - 1)
    return None


def rewrite(item: Directive | Section, scope: Scope) -> Fault | None:
    """RewriteRule and RewriteCond: two words, and flags in brackets."""
    if len(item.words) < 2:
        return Fault(
            "argument-count", f"{item.name}: bad argument line '{item.rest.text}'", "write a pattern and what follows from it"
        )
    if len(item.words) == 3:
        flags = item.words[2].text
        if not (flags.startswith("[") and flags.endswith("]") and len(flags) > 1):
            message = f"{item.name}: bad flag delimiters"
            help_ = "flags stand in brackets without spaces: `[P,L]`; put words that have spaces into quotes"
            return _comment(item, message) or Fault("bad-flags", message, help_, 2)
    return None


def proxy_pass(item: Directive | Section, scope: Scope) -> Fault | None:
    """ProxyPass and ProxyPassMatch: a path unless it stands in a section, a target, and parameters (mod_proxy.c: add_pass)."""
    words = [one.text for one in item.words]
    inside = _in_location(scope) or any(fold(one) in ("proxy", "proxymatch") for one in scope.sections)
    if words[:1] == ["~"] and not inside:  # what follows is a pattern
        words[0] = ""
    named = 0
    taken: list[int] = []
    for i, one in enumerate(words):
        if named == 0 and not inside:
            named = int(i > 0 or bool(one) or not item.words[0].text)
        elif named == (0 if inside else 1):
            if inside and one.startswith("/"):
                return Fault(
                    "path-in-location",
                    "ProxyPass|ProxyPassMatch can not have a path when defined in a location.",
                    "the section names the path: leave it out here",
                    i,
                )
            named += 1
        else:
            taken.append(i)
    if named < (1 if inside else 2):
        return Fault(
            "too-few-arguments",
            "ProxyPass|ProxyPassMatch needs a path when not defined in a location",
            f"write `{item.name} /PATH http://HOST:PORT/PATH`",
        )
    for i in taken:
        if "=" not in words[i] and fold(words[i]) not in ("nocanon", "interpolate", "noquery"):
            message = "Invalid ProxyPass|ProxyPassMatch parameter. Parameter must be in the form 'key=value'."
            return _comment(item, message) or Fault("bad-parameter", message, "parameters look like `timeout=600`", i)
    return None


def proxy_pass_reverse(item: Directive | Section, scope: Scope) -> Fault | None:
    """Take a path only outside of `<Location>` (mod_proxy.c: add_pass_reverse)."""
    count = sum(fold(one.text) != "interpolate" for one in item.words)
    if scope.sections and fold(scope.sections[-1]) != "virtualhost":
        if count > 1:
            message = f"{item.name} can not have a path when defined in a location"
            return _comment(item, message) or Fault(
                "path-in-location", message, "the section names the path: leave it out here", 0
            )
        return None
    if count < 2:
        message = f"{item.name} needs a path when not defined in a location"
        return Fault("too-few-arguments", message, f"write `{item.name} /PATH http://HOST:PORT/PATH`")
    return None


def redirect(item: Directive | Section, scope: Scope) -> Fault | None:
    """Redirect: perhaps a status, a path unless it stands in a section, and a URL for 3xx (mod_alias.c)."""
    words = [fold(one.text) for one in item.words]
    named = {"permanent": 301, "temp": 302, "seeother": 303, "gone": 410}
    status = named.get(words[0], atoi(words[0]) if words[0][:1].isdigit() else 0)
    if len(words) == 3 and not status:
        message = f"{item.name}: invalid first argument (of three)"
        help_ = "write `permanent`, `temp`, `seeother`, `gone` or a number first"
        return _comment(item, message) or Fault("bad-status", message, help_, 0)
    if scope.sections and fold(scope.sections[-1]) != "virtualhost":
        return None
    gone = bool(status) and not 300 <= status <= 399
    if not gone and len(words) - bool(status) < 2:
        return Fault("too-few-arguments", "URL to redirect to is missing", f"write `{item.name} /PATH https://HOST/PATH`")
    return None


def alias(item: Directive | Section, scope: Scope) -> Fault | None:
    """Alias and ScriptAlias: two words, one inside a section."""
    inside = bool(scope.sections) and fold(scope.sections[-1]) != "virtualhost"
    if inside and len(item.words) == 2:
        message = f"{item.name} cannot occur within directory context"
        return Fault("path-in-location", message, "the section names the path: give only the file", 0)
    if not inside and len(item.words) == 1:
        return Fault(
            "too-few-arguments", f"{item.name} must have two arguments when used globally", f"write `{item.name} /PATH /FILE`"
        )
    return None


def set_env_if(item: Directive | Section, scope: Scope) -> Fault | None:
    """SetEnvIf and its like: a name, a pattern, and at least one variable (mod_setenvif.c)."""
    parts = ["header-field name", "regular expression", "envariable expression"]
    if item.name.startswith("BrowserMatch"):
        parts = parts[1:]
    elif item.name == "SetEnvIfExpr":
        parts = ["expression", "envariable expression"]
    if len(item.words) < len(parts):
        part = parts[len(item.words)]
        return Fault(
            "too-few-arguments", f"Missing {part} for {item.name}", f"write `{item.name} {' '.join(map(_sample, parts))}`"
        )
    return None


def _sample(part: str) -> str:
    return {"header-field name": "NAME", "regular expression": "PATTERN", "expression": '"EXPR"'}.get(part, "VARIABLE=VALUE")


def server_alias(item: Directive | Section, scope: Scope) -> Fault | None:
    """Names of a virtual host."""
    if not any(fold(one) == "virtualhost" for one in scope.sections):
        return Fault(
            "not-allowed-here", "ServerAlias only used in <VirtualHost>", "move it into the `<VirtualHost>` that it names"
        )
    return None


def options(item: Directive | Section, scope: Scope) -> Fault | None:
    """Refuse words that Options does not know, or in an order that it does not (core.c: set_options)."""
    known = ("indexes", "includes", "includesnoexec", "followsymlinks", "symlinksifownermatch", "execcgi", "multiviews")
    first = fold(item.words[0].text) if item.words else ""
    signed = False  # a word before has a sign
    for i, one in enumerate(item.words):
        sign, name = (one.text[:1], fold(one.text[1:])) if one.text[:1] in ("+", "-") else ("", fold(one.text))
        # Behind `All` and `None` some may be added and taken away.
        if (signed and not sign) or (sign and not signed and i and first not in ("all", "none")):
            message = "Either all Options must start with + or -, or no Option may."
            return Fault("bad-value", message, "write `+` before those that have no sign, too", i)
        signed = bool(sign)
        if name not in (*known, "runscripts", "none", "all"):
            message = f"Illegal option {one.text[len(sign) :]}"
            help_ = "options stand with spaces between them: `Options -Indexes +FollowSymLinks`"
            return _comment(item, message) or Fault("bad-value", message, help_, i)
        if name in ("none", "all") and i:
            message = f"'Options {name.title()}' must be the first {'Option' if name == 'none' else 'option'} given."
            return Fault("bad-value", message, f"put `{name.title()}` first, or write it alone", i)
        if name in ("none", "all") and sign:
            message = f"You may not use 'Options +{name.title()}' or 'Options -{name.title()}'."
            return Fault("bad-value", message, f"write `Options {name.title()}`", i)
    return None


# Who answers what Require may ask: the groups of authorization providers of httpd's modules.
PROVIDERS = {
    "all": "authz_core",
    "env": "authz_core",
    "method": "authz_core",
    "expr": "authz_core",
    "ip": "authz_host",
    "host": "authz_host",
    "local": "authz_host",
    "forward-dns": "authz_host",
    "user": "authz_user",
    "valid-user": "authz_user",
    "group": "authz_groupfile",
    "file-group": "authz_owner",
    "file-owner": "authz_owner",
    "dbm-group": "authz_dbm",
    "dbm-file-group": "authz_dbm",
    "dbd-group": "authz_dbd",
    "dbd-login": "authz_dbd",
    "dbd-logout": "authz_dbd",
    "ldap-user": "authnz_ldap",
    "ldap-group": "authnz_ldap",
    "ldap-dn": "authnz_ldap",
    "ldap-attribute": "authnz_ldap",
    "ldap-filter": "authnz_ldap",
    "ldap-search": "authnz_ldap",
    "ssl": "ssl",
    "ssl-verify-client": "ssl",
}


_TEXTS = frozenset(("user", "group", "host", "forward-dns", "dbm-group", "dbd-group", "ldap-user", "ldap-group", "ldap-dn",
                    "ldap-attribute", "ldap-filter", "ldap-search"))  # fmt: skip


def require(item: Directive | Section, scope: Scope) -> Fault | None:
    """Refuse what no loaded module can answer (mod_authz_core.c: add_authz_provider). Names have case."""
    at = int(bool(item.words) and fold(item.words[0].text) == "not")
    name = item.words[at].text if len(item.words) > at else ""
    module = PROVIDERS.get(name)
    outer = scope.sections[-1] if scope.sections else ""
    if name and (name in scope.aliases or module in scope.modules or (module is None and scope.strangers)):
        if name in ("ssl", "ssl-verify-client") and len(item.words) > at + 1:
            return Fault("too-many-arguments", f"'Require {name}' does not take arguments", "", at + 1)
        if name in _TEXTS:
            text = item.rest.text.strip().split(None, at + 1)
            told = complaint(text[-1], item, scope, text=True) if len(text) > at + 1 else None
            if told is not None:
                return Fault("bad-expression", f"Cannot parse expression in require line: {told[0]}", told[1], at + 1)
        if at and fold(outer) != "requireall":
            within = outer if fold(outer) in _AUTHORIZATION else "RequireAny"
            message = f"negative Require directive has no effect in <{within}> directive"
            return Fault("no-effect", message, "put it into `<RequireAll>`, beside what lets somebody in", 0)
        return None
    if name == "valid":
        hint = "write `Require valid-user`, with a hyphen"
        return Fault("unknown-authorization", f"Unknown Authz provider: {name}", hint, at)
    hint = enabling(module) if module else "write `Require all granted`, `Require ip 192.0.2.0/24` or `Require valid-user`"
    return Fault("unknown-authorization", f"Unknown Authz provider: {name}", hint, at)


def requires(item: Directive | Section, scope: Scope) -> Fault | None:
    """Refuse a `<Require…>` that has an argument."""
    if item.words:
        return Fault("too-many-arguments", f"<{item.name}> directive doesn't take additional arguments", "", 0)
    return None


def required(item: Section, scope: Scope) -> Fault | None:
    """Refuse a `<Require…>` with nothing in it, or one that can let nobody in (mod_authz_core.c: add_authz_section)."""
    asked = [one for one in item.children if fold(one.name) in _AUTHORIZATION]
    outer = fold(scope.sections[-1]) if scope.sections else ""
    if not asked:
        message = f"<{item.name}> directive contains no authorization directives"
        return Fault("empty-section", message, "write a `Require` into it, or take it out")
    if fold(item.name) == "requirenone" and outer != "requireall":
        within = scope.sections[-1] if outer in _AUTHORIZATION else "RequireAny"
        message = f"<RequireNone> directive has no effect in <{within}> directive"
        return Fault("no-effect", message, "put it into `<RequireAll>`, beside what lets somebody in")
    if outer not in _AUTHORIZATION and _negative(item):
        message = f"<{item.name}> directive contains only negative authorization directives"
        return Fault("no-effect", message, "say who may enter, too: `Require all granted`")
    return None


def _negative(item: Directive | Section) -> bool:
    if isinstance(item, Directive):
        return bool(item.words) and fold(item.words[0].text) == "not"
    asked = [one for one in item.children if fold(one.name) in _AUTHORIZATION]
    return fold(item.name) == "requirenone" or (fold(item.name) == "requireall" and all(map(_negative, asked)))


def section(item: Directive | Section, scope: Scope) -> Fault | None:
    """Refuse a section without its bracket or its argument, or with one too many (core.c)."""
    assert isinstance(item, Section)
    name = fold(item.name)
    if not item.closed:
        return Fault("bracket-missing", f"<{item.name}> directive missing closing '>'", f"write `<{item.name} …>`")
    if name == "else":
        return Fault("too-many-arguments", "<Else> does not take an argument", "", 0) if item.words else None
    if name in ("proxy", "proxymatch"):
        if len(item.words) > 1 and (name == "proxymatch" or "://" not in item.words[0].text):
            kind = "wildchar" if is_wildcard(item.words[0].text) else "non"
            message = f"<{item.name}> arguments are not supported for {kind} url."
            if name == "proxymatch":
                message = f"Multiple <{item.name}> arguments not (yet) supported."
            help_ = f"write `<ProxyMatch {item.words[1].text}>`" if item.words[0].text == "~" else "put it into quotes"
            return Fault("too-many-arguments", message, help_, 1)
        return None
    if not item.words:
        return Fault("too-few-arguments", f"<{item.name}> directive requires additional arguments", f"write `<{item.name} …>`")
    if name in ("if", "elseif") and len(item.words) > 1:
        message = f"Multiple <{item.name}> arguments not supported."
        return Fault("too-many-arguments", message, "put the expression into quotes", 1)
    if name == "virtualhost":
        for i, word in enumerate(item.words):
            address = parsed(word.text.removesuffix(":*"))
            if address is None:
                help_ = "write `*:443`, `192.0.2.1:443` or `[2001:db8::1]:443`; a port is a number from 1 to 65535"
                return Fault("bad-port", "The address or port is invalid", help_, i)
            if not address.host:
                return Fault("bad-port", "Missing address for VirtualHost", f"write `*:{word.text}`", i)
    single = ("directory", "directorymatch", "location", "locationmatch", "files", "filesmatch")
    if name in single and len(item.words) > 1 + _tilde(item):
        message = f"Multiple <{item.name}> arguments not (yet) supported."
        return Fault("too-many-arguments", message, "put a path that has spaces into quotes", 1 + _tilde(item))
    return None


def _tilde(item: Section) -> int:
    return int(bool(item.words) and item.words[0].text == "~" and not item.name.endswith("Match"))


VALUES: dict[str, Callable[[Directive | Section, Scope], Fault | None]] = {
    "Alias": alias,
    "BrowserMatch": set_env_if,
    "BrowserMatchNoCase": set_env_if,
    "Error": error,
    "Header": field,
    "Listen": listen,
    "Options": options,
    "ProxyPass": proxy_pass,
    "ProxyPassMatch": proxy_pass,
    "ProxyPassReverse": proxy_pass_reverse,
    "Redirect": redirect,
    "RequestHeader": field,
    "Require": require,
    "RewriteCond": rewrite,
    "RewriteRule": rewrite,
    "ScriptAlias": alias,
    "ServerAlias": server_alias,
    "SetEnvIf": set_env_if,
    "SetEnvIfExpr": set_env_if,
    "SetEnvIfNoCase": set_env_if,
    "<Directory": section,
    "<Else": section,
    "<ElseIf": section,
    "<Files": section,
    "<If": section,
    "<Limit": section,
    "<LimitExcept": section,
    "<Location": section,
    "<Proxy": section,
    "<ProxyMatch": section,
    "<RequireAll": requires,
    "<RequireAny": requires,
    "<RequireNone": requires,
    "<VirtualHost": section,
    **dict.fromkeys(_REGEX_SECTIONS, section),
    **ARGUMENTS,
}

# What is checked when it is known what stands in a section.
FILLED: dict[str, Callable[[Section, Scope], Fault | None]] = {
    "<RequireAll": required,
    "<RequireAny": required,
    "<RequireNone": required,
}
