"""A virtual host with what it has of the main server: its scopes in the order in which httpd merges them.

Sources: ap_location_walk, ap_if_walk (server/request.c). Knows which requests each scope is for. Must not know what is said in them,
but for what changes a path or the name of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.config.apache import files
from perijove.config.apache.identity import identity
from perijove.config.apache.own_names import own_names
from perijove.config.apache.proxy_sections import proxied_to
from perijove.config.apache.scope import Kind, Levels, Scope, ifs
from perijove.gateway.conditions import All, Always, Any, Condition, HasNote, Never, Not
from perijove.gateway.rules import Encoding
from perijove.gateway.templates import Fact, Note

if TYPE_CHECKING:
    from perijove.gateway.rules import Refuse
    from perijove.gateway.templates import Template
    from perijove.text.source import Span

TRANSLATED: Final = b"\0translated"  # the note of requests whose path is what it will be
WALKED: Final = b"\0walked"  # the note of that URL


class Host:
    """One virtual host, or the main server by itself."""

    def __init__(self, server: Scope, scope: Scope) -> None:
        self.scope = scope
        self.levels = Levels((server,) if scope is server else (server, scope))
        self.said = self.levels.said
        self.modules = self.levels.modules
        self.identity = identity(scope)
        self.names = own_names(
            self.identity.name,
            self.identity.port,
            self.said("canonical-name", "off") == "on",
            self.said("documentroot", ("",))[0],
            self.identity.scheme,
            self.said("physical-port", "off") == "on",
        )
        self.called: list[str] = [self.identity.name, *scope.said.get("server-alias", ())]
        self.forwards: bool = self.said("proxy-requests", (False, None))[0]
        # Sections apply in this order (ap_location_walk: those of the main server first; ap_if_walk last).
        sections = self.levels.sections
        self.directories = files.in_order(sections)
        self.proxies = [one for one in sections if one.kind is Kind.PROXY]
        self.locations = [one for one in sections if one.kind is Kind.LOCATION]
        self.walked = [*self.locations, *ifs(sections)]
        # Those of them that say something of redirects, and of variables: there may be thousands that do not.
        self.redirecting = [one for one in (*self.directories, *self.walked) if one.said.get("redirects")]
        self.noting = [one for one in self.walked if one.notes]
        # All scopes in the order in which they are merged: a later one wins.
        self.inner = [*self.directories, *self.proxies, *self.walked]
        self.merged = [*self.levels.scopes, *self.inner]
        # A path may be another than the one that was asked for; then, or with MergeSlashes Off, it may have double slashes.
        rewriting = [one.rewriting for one in self.levels.scopes if one.rewriting]
        self.rewrites = any(line.flags.passthrough for one in rewriting for line in one.rules)
        self.slashes = self.rewrites or not self.said("merge-slashes", True)
        self.failures: dict[bytes, tuple[Refuse, Span | None]] = {}  # how requests that lead nowhere are refused
        self._noted = {id(one): HasNote(name) for one, name in self.noted()}
        # What <Proxy> sections are compared with, and whether that must be kept: what sections themselves lead to is not.
        rules = [line for one in self.merged if one.rewriting for line in one.rewriting.rules]
        leads = any("handler" in one.said for one in self.merged)
        leads = leads or (any(one.rewriting for one in self.inner) and any(line.flags.proxy for line in rules))
        self.keeps_url = leads and bool(self.proxies)
        # A host has nothing of what the main server says of them (merge_core_dir_configs, server/core.c).
        self.encoded_slashes: str = scope.said.get("encoded-slashes", "off")
        # Slashes that have been kept encoded are not encoded once more (proxy_http_canon: PROXY_CANONENC_NOENCODEDSLASHENCODING).
        self.encoding = Encoding.SLASHES if self.encoded_slashes == "nodecode" else Encoding.CANONICAL

    @property
    def walked_url(self) -> Template:
        """The URL that something led to before sections had their say (proxy_walk, mod_proxy.c)."""
        return (Note(WALKED),) if self.keeps_url else (Fact.DESTINATION,)

    def failure(self, refusal: Refuse, origin: Span | None) -> bytes:
        """Return the name of a note that requests have which are to be refused so, when they are to be sent."""
        name = b"\0cannot be sent, %d" % len(self.failures)
        self.failures[name] = (refusal, origin)
        return name

    def when(self, scope: Scope) -> Condition:
        """Return which requests a scope is for."""
        return proxied_to(scope, self.walked_url) if scope.kind is Kind.PROXY else scope.condition

    def answered(self, scope: Scope) -> Condition:
        """Return which answers a scope is for.

        Of what is answered before the changed path is looked at, it is the path that was asked for which says in which sections it is.
        """
        its = self.when(scope)
        entered = self._noted.get(id(scope))
        if entered is None:
            return its
        return Any((All((HasNote(TRANSLATED), its)), All((Not(HasNote(TRANSLATED)), entered))))

    def noted(self) -> list[tuple[Scope, bytes]]:
        """Return sections whose ProxyPass, Redirect and Header apply to a path that rules have changed since, each with a note's name."""
        if not self.rewrites:
            return []
        found = [(one, b"\0section %d" % number) for number, one in enumerate(self.walked)]
        return [(one, name) for one, name in found if "proxy-pass" in one.said or "redirects" in one.said or one.response]

    def inside(self) -> Condition:
        """Return whether a request is in any section, whatever that says."""
        if any(one.path == "*" for one in self.proxies):
            return Always()
        found = tuple(one.condition for one in self.walked)
        return Any(found) if found else Never()

    def entered(self, section: Scope) -> Condition:
        """Return whether the path was in a section before rules changed it (ap_location_walk)."""
        return self._noted.get(id(section), section.condition)
