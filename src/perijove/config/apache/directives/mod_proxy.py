"""mod_proxy: ProxyPass and its like.

Sources: modules/proxy/mod_proxy.c (add_pass, set_* and the directive table), docs/manual/mod/mod_proxy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives import directive
from perijove.config.apache.directives.parameters import is_parameter
from perijove.config.apache.patterns import compiled
from perijove.config.apache.scope import Kind, Scope, within
from perijove.config.apache.targets import Target, bad_port, target_of
from perijove.config.apache.words import is_wildcard
from perijove.config.apache.workers import url_of, workers
from perijove.gateway.conditions import Setting

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive, Word
    from perijove.gateway.conditions import Pattern
    from perijove.text.source import Span

ERRORS: Final = tuple(range(400, 600))


@dataclass(slots=True)
class Pass:
    """A ProxyPass or ProxyPassMatch."""

    path: str  # a prefix, or a pattern; of one in a section its section's
    target: Target | None  # None: `!`
    origin: Span
    pattern: Pattern | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    nocanon: bool = False
    mapping: str = ""  # encoded, servlet: it is matched before the path is decoded, which it stays without
    interpolate: bool = False


@dataclass(slots=True)
class Reverse:
    """A ProxyPassReverse: what of the upstream is which path here."""

    path: str
    url: str
    origin: Span
    interpolate: bool = False


def passes(scope: Scope) -> list[Pass]:
    """Return the ProxyPasses of a scope, in order."""
    found: list[Pass] = scope.said.setdefault("proxy-pass", [])
    return found


@directive("ProxyPass", "ProxyPassMatch")
def proxy_pass(line: Directive, scope: Scope) -> None:
    """Map a part of the URL space to an upstream."""
    words = list(line.words)
    regex = line.name.lower() == "proxypassmatch"
    inside = scope.kind in (Kind.LOCATION, Kind.IF)
    if not inside and words and words[0].text == "~":
        if regex:
            help_text = "leave `~` out: the path is a pattern already"
            scope.error("bad-value", "ProxyPassMatch invalid syntax ('~' usage).", words[0].span, help_text)
            return
        words.pop(0)
        regex = True
    path: Word | None = None
    if not inside or (words and _is_path(words[0]) and len(words) > 1 and "=" not in words[1].text):
        path = words.pop(0)
        if inside:
            scope.error("location-path-argument", f"{line.name}|ProxyPassMatch can not have a path when defined in a location.",
                        path.span, f"leave `{path.text}` out: the section says which paths")  # fmt: skip
            return
    if not words:
        scope.error("proxypass-without-url", f"{line.name} needs a path when not defined in a location", line.span,
                    f"write `{line.name} /path http://127.0.0.1:8000/path`")  # fmt: skip
        return
    url = words.pop(0)
    entry = Pass(path.text if path else scope.path, None, line.span)
    if not _parameters(line, words, entry, scope, url.text.startswith("balancer:")):
        return
    if regex or (inside and (scope.regex or is_wildcard(scope.path))):
        # A section's path that has one of these is taken for a pattern, whatever the section is (add_pass, apr_fnmatch_test).
        if regex or is_wildcard(entry.path):
            entry.pattern = compiled(entry.path, False, path.span if path else line.span, scope)
            if entry.pattern is None:
                return
    if url.text != "!":
        entry.target = target_of(url.text)
        if entry.target is None:
            scope.error("proxypass-url", f"{line.name}: `{url.text}` is no URL: Unable to parse URL", url.span,
                        "write scheme, host and port: `http://127.0.0.1:8000/`")  # fmt: skip
            return
        why = bad_port(entry.target, entry.pattern is not None)
        if why:
            scope.error(
                "proxypass-url", f"{line.name}: {why}", url.span, "write scheme, host and port: `http://127.0.0.1:8000/`"
            )
            return
    passes(scope).append(entry)


def _is_path(word: Word) -> bool:
    return word.text.startswith(("/", "^", "(", ".")) and not word.text.startswith("/!")


def _parameters(line: Directive, words: list[Word], entry: Pass, scope: Scope, balancer: bool) -> bool:
    """Read `key=value`s and flags; tell whether they are right (add_pass)."""
    for word in words:
        lower = word.text.lower()
        if lower == "nocanon":
            entry.nocanon = True
        elif lower == "interpolate":
            entry.interpolate = True
        elif lower in ("noquery", "mapping"):
            continue
        else:
            key, equals, value = word.text.partition("=")
            if not equals:
                scope.error("proxypass-parameter", f"Invalid {line.name} parameter. Parameter must be in the form 'key=value'.",
                            word.span, "write `key=value`, or put a remark on a line of its own")  # fmt: skip
                return False
            if key.lower() == "mapping":
                if value.lower() not in ("encoded", "servlet"):
                    scope.error("proxypass-parameter", "unknown mapping", word.span, "write `encoded` or `servlet`")
                    return False
                entry.mapping = value.lower()
                continue
            if not is_parameter(f"{line.name} {entry.path}:", word, scope, balancer):
                return False
            entry.parameters[key.lower()] = value
    return True


@directive("ProxyPassReverse")
def proxy_pass_reverse(line: Directive, scope: Scope) -> None:
    """Map URLs in responses back."""
    words = [word for word in line.words if word.text.lower() != "interpolate"]
    if scope.kind is Kind.LOCATION:
        if len(words) != 1:
            scope.error("location-path-argument", "ProxyPassReverse can not have a path when defined in a location", line.span,
                        "write only the URL: the section says which path")  # fmt: skip
            return
        path, url = scope.path, words[0].text
    elif not 2 <= len(words) <= 3:  # a third word that is not `interpolate` means nothing
        scope.error("proxypassreverse-path", "ProxyPassReverse needs a path when not defined in a location", line.span,
                    "write `ProxyPassReverse /path http://127.0.0.1:8000/path`")  # fmt: skip
        return
    else:
        path, url = words[0].text, words[1].text
    found: list[Reverse] = scope.said.setdefault("proxy-pass-reverse", [])
    found.append(Reverse(path, url, line.span, line.words[-1].text.lower() == "interpolate"))


@directive("ProxyPassReverseCookiePath", "ProxyPassReverseCookieDomain")
def proxy_pass_reverse_cookie(line: Directive, scope: Scope) -> None:
    """Map a cookie's Path or Domain back."""
    key = "cookie-paths" if line.name.lower().endswith("path") else "cookie-domains"
    scope.said.setdefault(key, []).append((line.words[0].text, line.words[1].text, len(line.words) > 2, line.span))


def _flag(setting: Setting, names: str) -> None:
    @directive(names)
    def set_flag(line: Directive, scope: Scope) -> None:
        scope.settings[setting] = line.words[0].text.lower() == "on"
        scope.set_at[setting] = line.span


_flag(Setting.PRESERVE_HOST, "ProxyPreserveHost")
_flag(Setting.FORWARDED_FIELDS, "ProxyAddHeaders")


@directive("ProxyErrorOverride")
def error_override(line: Directive, scope: Scope) -> None:
    """Answer with our own pages in place of the upstream's errors: all of them, or those that are named."""
    words = [word.text for word in line.words]
    if words[0].lower() not in ("on", "off"):
        scope.error("bad-value", "ProxyErrorOverride first parameter must be one of: off | on", line.words[0].span)
        return
    for word in line.words[1:]:
        wrong = "" if re.fullmatch(r"4[0-9]{2}|5[0-9]{2}", word.text) else "must be valid HTTP Status Codes >=400 && <600"
        if words[0].lower() == "off":
            scope.error("bad-value", "ProxyErrorOverride: status codes must follow a value of 'on'", word.span, "write `On`")
            return
        if wrong:
            message = f"ProxyErrorOverride: status codes to intercept {wrong}"
            scope.error("bad-value", message, word.span, "write the status of an error: `404`")
            return
    named = tuple(int(text) for text in words[1:])
    scope.settings[Setting.OVERRIDE_ERRORS] = (named or ERRORS) if words[0].lower() == "on" else ()
    scope.set_at[Setting.OVERRIDE_ERRORS] = line.span


@directive("ProxyRequests")
def proxy_requests(line: Directive, scope: Scope) -> None:
    """Be a forward proxy."""
    scope.said["proxy-requests"] = (line.words[0].text.lower() == "on", line.span)


@directive("ProxyTimeout", "Timeout")
def timeout(line: Directive, scope: Scope) -> None:
    """Bound a wait: seconds, as atoi reads them, without a unit (core.c: set_timeout; mod_proxy.c: set_proxy_timeout)."""
    word = line.words[0]
    found = re.match(r"[ \t]*([+-]?[0-9]+)", word.text)
    seconds = int(found[1]) if found else 0
    if line.name.lower() == "proxytimeout" and seconds < 1:
        scope.error("bad-timeout", "Proxy Timeout must be at least 1 second.", word.span, "write seconds: `60`")
        return
    if not re.fullmatch("[0-9]+", word.text):
        taken = f"it is taken for {seconds} seconds" if seconds > 0 else "it is left out"
        scope.warn("bad-timeout", f"`{word.text}` is no number of seconds: {taken}", word.span, "write seconds: `60`")
        if seconds <= 0:
            return
    scope.said[line.name.lower()] = float(seconds)


@directive("ProxyVia")
def proxy_via(line: Directive, scope: Scope) -> None:
    """Say Via."""
    text = line.words[0].text.lower()
    if text not in ("on", "off", "full", "block"):
        scope.error(
            "bad-value", "ProxyVia must be one of: off | on | full | block", line.words[0].span, "write `Off`, or take it out"
        )
        return
    scope.said["proxy-via"] = text


@directive("ProxyPassInterpolateEnv")
def interpolate(line: Directive, scope: Scope) -> None:
    """Fill in variables of the request."""
    scope.said["interpolate"] = line.words[0].text.lower() == "on"


@directive("ProxyWebsocketFallbackToProxyHttp")
def fallback(line: Directive, scope: Scope) -> None:
    """Whether mod_proxy_http takes over what is asked of a ws: URL."""
    scope.said["websocket-fallback"] = line.words[0].text.lower() == "on"


@directive("AllowCONNECT")
def allow_connect(line: Directive, scope: Scope) -> None:
    """Name ports that a forward proxy connects to."""
    ports: list[tuple[int, int]] = scope.said.setdefault("allow-connect", [])
    for word in line.words:
        first, dash, last = word.text.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            scope.error("bad-value", "AllowCONNECT: port numbers must be numeric", word.span, "write a port, or `1024-65535`")
            return
        ports.append((int(first), int(last) if dash else int(first)))


@directive("ProxyBlock", "NoProxy")
def hosts(line: Directive, scope: Scope) -> None:
    """Name hosts: that are not proxied to, or not by way of a remote proxy."""
    scope.said.setdefault(line.name.lower(), []).extend(word.text for word in line.words)


@directive("ProxyRemote", "ProxyRemoteMatch")
def remote(line: Directive, scope: Scope) -> None:
    """Name a remote proxy for some URLs."""
    url = line.words[1]
    scheme, mark, rest = url.text.partition("://")
    if not scheme or not mark or not rest:
        scope.error("bad-url", f"{line.name}: Bad syntax for a remote proxy server", url.span, "write `http://HOST:PORT`")
        return
    port = rest.rpartition("]")[2].rpartition(":")
    if port[1] and not re.match("[0-9]", port[2]):
        message = f"{line.name}: Bad syntax for a remote proxy server (bad port number)"
        scope.error("bad-url", message, url.span, "write `http://HOST:PORT`")
        return
    scope.said.setdefault("proxy-remote", []).append((line.name.lower(), line.words[0].text, line.words[1].text, line.span))


@directive("ProxyDomain")
def domain(line: Directive, scope: Scope) -> None:
    """Name the domain of hosts that are asked for without one."""
    if not line.words[0].text.startswith("."):
        message = "ProxyDomain: domain name must start with a dot."
        scope.error("bad-value", message, line.words[0].span, f"write `.{line.words[0].text}`")
        return
    scope.said["proxy-domain"] = line.words[0].text


@directive("ProxyMaxForwards")
def max_forwards(line: Directive, scope: Scope) -> None:
    """Set Max-Forwards."""
    scope.said["max-forwards"] = line.words[0].text


@directive("BalancerInherit", "BalancerGrowth", "BalancerPersist")
def balancer(line: Directive, scope: Scope) -> None:
    """Say how balancers are kept."""
    scope.said.setdefault(line.name.lower(), []).append(line)


@directive("ProxyHCExpr", "ProxyHCTemplate")
def health(line: Directive, scope: Scope) -> None:
    """Give a name to what tells whether a member is well: nobody is asked, but members may say the name."""
    scope.said.setdefault(line.name.lower(), []).append(line.words[0].text)


@directive("ProxySet", "BalancerMember")
def member(line: Directive, scope: Scope) -> None:
    """Describe a worker, or a member of a balancer."""
    words = list(line.words)
    named = scope.path if scope.kind is Kind.PROXY else ""
    member = line.name.lower() == "balancermember"
    if not named and words:
        named = words.pop(0).text
    if member:
        if (
            scope.kind is Kind.PROXY and named.lower().startswith("balancer:") and not named.lower().startswith("balancer://")
        ) or (scope.kind is not Kind.PROXY and len(words) > 0 and "://" not in named and not named.startswith("unix:")):
            message = f"BalancerMember Bad syntax for a balancer name ({named})"
            scope.error("balancermember-url", message, line.span, "write `balancer://NAME`")
            return
        if scope.kind in (Kind.LOCATION, Kind.DIRECTORY) and named.lower().startswith("balancer:"):
            message = "BalancerMember can not have a balancer name when defined in a location"
            scope.error("balancermember-url", message, line.span, "write it into `<Proxy balancer://NAME>`")
            return
        if not words or ("://" not in words[0].text and not words[0].text.startswith("unix:")):
            scope.error("balancermember-url", "BalancerMember must define remote proxy server", line.span,
                        "write `BalancerMember http://127.0.0.1:8000` in <Proxy \"balancer://name\">")  # fmt: skip
            return
        words.pop(0)
    if not member and target_of(named) is None:
        says = "Unable to parse URL" if scope.regex else "URL must be absolute!"
        scope.error("proxyset-url", f"ProxySet {says}: {named}", line.span, 'name a worker: `<Proxy "http://127.0.0.1:8000/">`')
        return
    balances = not member and named.lower().startswith("balancer:")
    if not member and scope.kind is not Kind.PROXY and not _is_known(named, scope):
        message = f"ProxySet can not find '{named}' {'Balancer' if balances else 'Worker'}."
        scope.error("proxyset-url", message, line.span, "put it behind the ProxyPass or the `<Proxy>` that it is of")
        return
    for word in words:
        if "=" not in word.text:
            scope.error("proxypass-parameter", f"Invalid {line.name} parameter. Parameter must be in the form 'key=value'",
                        word.span, "write `key=value`, or put a remark on a line of its own")  # fmt: skip
            return
        if not is_parameter(f"{line.name}:", word, scope, balances):
            return
    scope.said.setdefault(line.name.lower(), []).append(line)


def _is_known(named: str, scope: Scope) -> bool:
    """Tell whether what stands before has made a worker or balancer of a URL, in the same server (set_proxy_param)."""
    server = next(one for one in within(scope) if one.kind in (Kind.SERVER, Kind.HOST))
    target = target_of(named)
    if target is None or target.scheme != "balancer":
        return target is not None and any(one.begins(url_of(target)) for one in workers((server,)) if not one.wild)
    name = named.lower().rstrip("/")
    members = [line.words[0].text for line in server.said.get("balancermember", ())]
    members += [one.path for one in server.sections if {"balancermember", "proxyset"} & one.said.keys()]
    balanced = [one.target.url for one in _all_passes(server) if one.target is not None and one.target.scheme == "balancer"]
    return any(one.lower().startswith(name) for one in (*members, *balanced))


def _all_passes(scope: Scope) -> list[Pass]:
    return [*passes(scope), *(one for section in scope.sections for one in _all_passes(section))]


@directive("ProxyReceiveBufferSize", "ProxyIOBufferSize")
def buffer_size(line: Directive, scope: Scope) -> None:
    """Say how large buffers are: here they are as they are."""
    found = re.match(r"\s*[+-]?[0-9]+", line.words[0].text)
    if 0 != (int(found[0]) if found else 0) < 512:
        message = f"{line.name} must be >= 512 bytes, or 0 for system default."
        scope.error("bad-value", message, line.words[0].span, "write 0, or leave it out")


@directive("ProxyBadHeader")
def bad_header(line: Directive, scope: Scope) -> None:
    """Say what becomes of answers with lines that are no fields: here they are refused."""
    if line.words[0].text.lower() not in ("iserror", "ignore", "startbody"):
        message = "ProxyBadHeader must be one of: IsError | Ignore | StartBody"
        scope.error("bad-value", message, line.words[0].span, "write `IsError`")
