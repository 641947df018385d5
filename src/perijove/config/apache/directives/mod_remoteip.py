"""mod_remoteip: whose address a request is taken to come from.

Source: modules/metadata/mod_remoteip.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from perijove.config.apache.directives import directive
from perijove.config.apache.directives.mod_authz import networks
from perijove.config.apache.scope import root_of
from perijove.gateway.rules import TrustField

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from perijove.config.apache.directive import Directive
    from perijove.config.apache.scope import Scope


@directive("RemoteIPHeader", "RemoteIPProxiesHeader")
def header(line: Directive, scope: Scope) -> None:
    """Name the field that says it."""
    scope.said[line.name.lower()] = line.words[0].text


@directive("RemoteIPTrustedProxy", "RemoteIPInternalProxy")
def proxies(line: Directive, scope: Scope) -> None:
    """Name those who are believed."""
    said = scope.said.setdefault(line.name.lower(), [])
    for word in line.words:
        its = networks(word.text)
        if its is None:
            scope.warn("not-emulated", f"`{word.text}` is a name, which is not looked up", word.span, "write an address")
            continue
        said.extend(its)


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
        its = networks(text)
        if its is None:
            scope.warn("not-emulated", f"`{text}` in {path} is a name, which is not looked up", word.span, "write an address")
            continue
        said.extend(its)


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
