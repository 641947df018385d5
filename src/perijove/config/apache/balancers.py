"""Balancers: BalancerMember, ProxySet and what chooses among members.

Knows what is said of `balancer://NAME` in <Proxy> sections. Sources: mod_proxy_balancer.c, set_worker_param and set_balancer_param
(modules/proxy/mod_proxy.c), ap_proxy_set_wstatus (proxy_util.c). Must not know which requests are for a balancer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.scope import Kind
from perijove.config.apache.targets import Target, target_of
from perijove.config.apache.upstreams import whole
from perijove.config.apache.words import octets
from perijove.config.apache.workers import parameters_of, passes_of, status_of, url_of
from perijove.gateway.actions import Turn
from perijove.gateway.conditions import Always, Compares, Comparison, Condition, HasNote, Setting
from perijove.gateway.rules import Balance, BalanceMember, Set, SetNote, Template
from perijove.gateway.templates import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from perijove.config.apache.directives.mod_proxy import Pass
    from perijove.config.apache.scope import Levels, Scope
    from perijove.config.apache.upstreams import Upstreams
    from perijove.text.source import Span

# What variables of balancers begin with: RequestHeader does not see them yet (proxy_handler comes after ap_headers_fixup).
TOLD: Final = b"\0BALANCER_"
_TURNS: Final = {"bytraffic": Turn.TRAFFIC, "bybusyness": Turn.BUSYNESS}
Member = tuple[Target, dict[str, str]]  # with what is said of it


class Balancers:
    """Balancers of one virtual host."""

    def __init__(self, levels: Levels, upstreams: Upstreams, tells: bool) -> None:
        """Read what is said of them; `tells`: responses ask for the variables that they set."""
        self.upstreams = upstreams
        self.tells = tells
        # By names, since there may be thousands: what each BalancerMember says, the main server's first, and what is said of the
        # balancer itself, by ProxySet and by whatever ProxyPass leads to it: it is one for all of them (add_pass, mod_proxy.c).
        self._members: dict[str, list[list[str]]] = {}
        self._sets: dict[str, dict[str, str]] = {}
        defined: dict[str, Span] = {}
        for level in levels.scopes:
            for scope in (level, *level.sections):
                for line in scope.said.get("balancermember", ()):
                    words = [word.text for word in line.words if "://" in word.text or "=" in word.text]
                    named = words.pop(0) if scope.kind is not Kind.PROXY else scope.path
                    self._members.setdefault(_called(named), []).append(words)
                    defined.setdefault(_called(named), line.span)
            for name, parameters, span in sorted(_said(level), key=lambda one: (one[2].line, one[2].column)):
                self._sets.setdefault(name, {}).update(parameters)
                defined.setdefault(name, span)
        # A member that asks for 100 (Continue) before it is sent anything.
        self.pings = any("ping" in parameters_of(words[1:]) for its in self._members.values() for words in its)
        if "proxy_balancer" in levels.modules:
            self._methods(levels, defined)

    def _methods(self, levels: Levels, defined: Mapping[str, Span]) -> None:
        """Tell of those without a method to choose by: httpd does not start (ap_proxy_initialize_balancer)."""
        for name, span in defined.items():
            method = self._sets.get(name, {}).get("lbmethod", "byrequests")
            if name.startswith("balancer://") and f"lbmethod_{method}" not in levels.modules:
                levels.scopes[0].warn("no-lbmethod", f"Cannot find LB Method: {method}: Apache does not start", span,
                                      f"load its module: `a2enmod lbmethod_{method}`")  # fmt: skip

    def members(self, target: Target, spares: bool = False) -> list[Member]:
        """Return the members of a balancer that are in use; the `spares`, too, if asked for."""
        found: list[Member] = []
        for words in self._members.get(_name(target), ()):
            parameters = parameters_of(words[1:])
            member = target_of(words[0])
            if member is not None and not set("ds" if spares else "hds") & status_of(parameters):
                found.append((member, parameters))
        return found

    def chooses(self, target: Target, members: Sequence[Member]) -> bool:
        """Tell whether something is to be chosen, or to be remembered of a choice: of one alone, that it has failed."""
        said = self._sets.get(_name(target), {})
        remembers = "failonstatus" in said or said.get("forcerecovery", "").lower() == "off"
        return len(members) > 1 or (bool(members) and (self.tells or remembers))

    def only(self, target: Target) -> Member | None:
        """Return the member that stands for a balancer of one, with the path behind it: a spare if there is no other."""
        for member, parameters in self.members(target) or self.members(target, spares=True):
            return _with_path(member, target), parameters
        return None

    def urls(self, url: str, public: str) -> list[str]:
        """Return the URLs that a balancer's stands for, which become a path here; of any other URL itself."""
        target = target_of(url)
        if target is None or target.scheme != "balancer":
            return [url]
        found: list[str] = []
        for words in self._members.get(_name(target), ()):  # all of them, also those that are not in use
            member = target_of(words[0])
            if member is None:
                continue
            origin = f"{member.scheme}://{member.authority}"
            # A slash alone is as good as nothing, and a member's own last one does not count (ap_proxy_location_reverse_map).
            if target.path not in ("", "/"):
                found.append(origin + member.path.removesuffix("/") + target.path)
                continue
            if public == "/" and not member.path.endswith("/"):  # there are not to be two of them
                found.append(origin + member.path + "/")
            found.append(origin + member.path)
        return found

    def choose(
        self, flow: Flow, one: Pass, when: Condition, members: Sequence[Member], send: Callable[[Pass, Target], None]
    ) -> None:
        """Add what chooses a member of the balancer that a ProxyPass leads to, and what sends the request there."""
        assert one.target is not None
        balancer = one.target
        note = b"\0" + octets(_name(balancer))
        targets = [(_with_path(member, balancer), its) for member, its in members]
        after = Label()
        flow.add(when, self._choice(balancer, note, targets), origin=one.origin, otherwise=after)
        for number, (target, its) in enumerate(targets):
            other = Label()
            is_it = Compares((Note(note),), Comparison.SAME, (b"%d" % number,))
            upgrades = self.upstreams.upgrades(target, its)
            flow.add(is_it, Set(Setting.UPGRADES, upgrades), origin=one.origin, otherwise=other)
            if self.tells:
                self._tell(flow, balancer, note, target, its, one.origin)
            send(replace(one, parameters=its), target)
            flow.place(other)
        flow.place(after)

    def _tell(self, flow: Flow, balancer: Target, note: bytes, target: Target, its: dict[str, str], span: Span) -> None:
        """Add the variables of a request that goes to a member (proxy_balancer_pre_request)."""
        said: list[tuple[bytes, Template]] = [
            (b"NAME", (octets(_name(balancer)),)),
            (b"WORKER_NAME", (octets(url_of(target).removesuffix(balancer.path)),)),
            (b"WORKER_ROUTE", (octets(its.get("route", "")),)),
        ]
        noted = ((b"SESSION_STICKY", b" sticky"), (b"SESSION_ROUTE", b" session"), (b"ROUTE_CHANGED", b" changed"))
        for name, value in said:
            flow.add(Always(), SetNote(TOLD + name, value), origin=span)
        for name, what in noted:
            flow.add(HasNote(note + what), SetNote(TOLD + name, (Note(note + what),)), origin=span)

    def _choice(self, balancer: Target, note: bytes, targets: Sequence[Member]) -> Balance:
        said = self._sets.get(_name(balancer), {})
        cookie, _, parameter = said.get("stickysession", "").partition("|")
        section = self.upstreams.deciding(balancer)[-1]
        members = tuple(
            BalanceMember(
                self.upstreams.name(target, its, section),
                round(100 * float(its.get("loadfactor", "1"))),
                octets(its.get("route", "")),
                octets(its.get("redirect", "")),
                "h" in status_of(its),
                whole(its.get("retry"), 60.0),
                int(its.get("lbset", "0")),
            )
            for target, its in targets
        )
        return Balance(
            f"balancer://{balancer.authority}",
            note,
            members,
            octets(cookie),
            octets(parameter or cookie),
            b";:" if said.get("scolonpathdelim", "").lower() == "on" else b";",
            int(said.get("maxattempts", len(members) - 1)),
            said.get("nofailover", "").lower() != "on",
            _TURNS.get(said.get("lbmethod", ""), Turn.REQUESTS),
            b"" if said.get("stickysessionsep", ".").lower() == "off" else octets(said.get("stickysessionsep", ".")),
            frozenset(int(one) for one in re.findall(r"[0-9]+", said.get("failonstatus", ""))),
            said.get("forcerecovery", "").lower() != "off",
        )


def _said(level: Scope) -> Iterator[tuple[str, dict[str, str], Span]]:
    """Yield what is said of balancers in a server: their names, parameters, and where."""
    for scope in (level, *level.sections):
        for line in scope.said.get("proxyset", ()):
            words = [word.text for word in line.words]
            named = scope.path if scope is not level else words.pop(0)
            yield _called(named), parameters_of(words), line.span
    for one in passes_of(level):
        if one.target is not None and one.target.scheme == "balancer":
            yield _name(one.target), one.parameters, one.origin


def _called(url: str) -> str:
    """Return the name of the balancer that a URL is of: no path is a part of it (ap_proxy_define_balancer)."""
    scheme, marked, rest = url.lower().partition("://")
    return scheme + marked + rest.partition("/")[0]


def _name(target: Target) -> str:
    return f"balancer://{target.authority.lower()}"


def _with_path(member: Target, balancer: Target) -> Target:
    return replace(member, path=member.path + balancer.path)  # rewrite_url (mod_proxy_balancer.c)
