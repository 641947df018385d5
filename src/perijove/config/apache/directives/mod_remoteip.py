"""mod_remoteip: whose address a request is taken to come from.

Source: modules/metadata/mod_remoteip.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from perijove.config.apache.addresses import resolved
from perijove.config.apache.directives import directive
from perijove.config.apache.scope import root_of
from perijove.config.apache.subnets import LOCALHOST, SubnetError, networks
from perijove.gateway.rules import TrustField

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from perijove.config.apache.directive import Directive
    from perijove.config.apache.scope import Scope
    from perijove.gateway.conditions import Network
    from perijove.text.source import Span


@directive("RemoteIPHeader", "RemoteIPProxiesHeader")
def header(line: Directive, scope: Scope) -> None:
    """Name the field that says it."""
    scope.said[line.name.lower()] = line.words[0].text


@directive("RemoteIPTrustedProxy", "RemoteIPInternalProxy")
def proxies(line: Directive, scope: Scope) -> None:
    """Name those who are believed."""
    said = scope.said.setdefault(line.name.lower(), [])
    for word in line.words:
        said.extend(_networks(word.text, "", word.span, line, scope))


@directive("RemoteIPTrustedProxyList", "RemoteIPInternalProxyList")
def proxies_of_file(line: Directive, scope: Scope) -> None:
    """Name a file with those who are believed, words in lines; what follows a word that begins with `#` is a remark (proxylist_read)."""
    word = line.words[0]
    path = root_of(scope, word.text)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            texts = [text for each in file for text in _before_remark(each.split())]
    except OSError as error:
        scope.error("no-such-file", f"{line.name}: Could not open file {path}: {error.strerror}", word.span,
                    "name a file of addresses on this machine")  # fmt: skip
        return
    said = scope.said.setdefault(line.name.lower().removesuffix("list"), [])
    for text in texts:
        said.extend(_networks(text, f" in {path}", word.span, line, scope))


def _networks(text: str, place: str, span: Span, line: Directive, scope: Scope) -> tuple[Network, ...]:
    """Return what an address stands for; of what is none nothing, after that was told (proxies_set)."""
    try:
        found = LOCALHOST if text.lower() == "localhost" else networks(text)
        if found is None and "/" in text:
            raise SubnetError(f"the subnet /{text.partition('/')[2]} is invalid")
    except SubnetError as error:
        message = f"RemoteIP: Error parsing IP {text}{place} ({error}) for {line.name}"
        scope.error("bad-address", message, span, "write `10.0.0.0/8`")
        return ()
    if found is None:
        found = tuple(ip_network(one.partition("%")[0]) for one in sorted(resolved(text)))
        if not found:
            message = f"RemoteIP: Error parsing IP {text}{place} (Name or service not known error) for {line.name}"
            scope.error("unknown-host", message, span, "write an address: a name is looked up once, when Apache starts")
    return found


def _before_remark(words: Sequence[str]) -> list[str]:
    return list(takewhile(lambda word: not word.startswith("#"), words))


def trusted(levels: Sequence[Scope]) -> TrustField | None:
    """Return whose address counts, as a server and its virtual host say; None if that of the connection does."""
    said: dict[str, Any] = {}
    for level in levels:
        said |= {name: level.said[name] for name in _NAMES if name in level.said}
    if "remoteipheader" not in said:
        return None
    return TrustField(
        str(said["remoteipheader"]).encode(),
        _those(said.get("remoteiptrustedproxy")),
        _those(said.get("remoteipinternalproxy")),
        str(said.get("remoteipproxiesheader", "")).encode(),
    )


def _those(said: Sequence[IPv4Network | IPv6Network] | None) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return who is believed. Where nobody is named everybody is, so names that are not looked up must not leave the list empty."""
    return () if said is None else tuple(said) or (_NOBODY,)


_NOBODY: Final = ip_network("0.0.0.0/32")  # no client has it (RFC 1122 §3.2.1.3)
_NAMES = ("remoteipheader", "remoteipproxiesheader", "remoteiptrustedproxy", "remoteipinternalproxy")
