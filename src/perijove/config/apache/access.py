"""Who may: what Require, Order, Allow and Deny of all sections mean together.

Sources: server/request.c (ap_process_request_internal, what Satisfy says), modules/aaa/mod_authz_core.c, mod_access_compat.c,
mod_auth_basic.c. Knows scopes and what was said in them. Must not know how requests are routed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from perijove.config.apache import reasons
from perijove.config.apache.directives.mod_authz import combined, with_members
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.settings import has_local_page
from perijove.config.apache.words import octets
from perijove.gateway.conditions import (
    All,
    Always,
    Any,
    Compares,
    Comparison,
    Condition,
    Matches,
    Never,
    Not,
    NotEmpty,
    PathPrefix,
    Pattern,
    both,
)
from perijove.gateway.rules import Authenticate, Refuse, SetNote, Then
from perijove.gateway.templates import Fact, Note, RequestField

if TYPE_CHECKING:
    from perijove.config.apache.directives.mod_authz import Verdict
    from perijove.config.apache.scope import Scope

_TLS: Final = NotEmpty((Fact.TLS_PROTOCOL,))
_TELLS: Final = frozenset(
    ("authtype", "authname", "users", "authgroupfile", "authbasicprovider")
)  # what says how users are told
_ASKS: Final = Matches((RequestField(b"authorization"),), Pattern(rb"(?i)\ABasic "))
_MET: Final = b"\0met"
_MET_BEFORE: Final = b"\0redirect_met"
When = Callable[["Scope"], Condition]  # which requests a scope is for


class Access:
    """What the scopes of a host say of access, in the order in which they are merged."""

    def __init__(self, merged: Sequence[Scope], when: When) -> None:
        self.merged = merged
        self.when = when

    def rules(self, flow: Flow) -> None:
        """Add the rules that refuse whoever may not."""
        allowed = Label()
        if self.keeps_out() and any(has_local_page(scope) for scope in self.merged):
            self._same_sections(flow, allowed)
        self._methods(flow)
        self._tls(flow)
        self._order(flow, allowed)
        self._require(flow)
        flow.place(allowed)

    def keeps_out(self) -> bool:
        """Tell whether anything said here keeps anybody out."""
        for scope in self.merged:
            if any(
                name in scope.said
                for name in ("access-order", "access-deny", "tls-required", "tls-asked", "certificate-required", "methods")
            ):
                return True
            if any(one.needs_user or not isinstance(one.when, Always) for one in scope.said.get("require", ())):
                return True
        return False

    def _same_sections(self, flow: Flow, allowed: Label) -> None:
        """Ask no page of an error that lies in the very sections of what it is given for (ap_process_request_internal).

        Which sections a request is in is noted, and the note is there under another name when the page is asked for.
        """
        flow.add(Always(), SetNote(_MET, (b"all",)))
        for at, scope in enumerate(self.merged):
            when = self.when(scope)
            if not isinstance(when, Always):
                flow.add(when, SetNote(_MET, (Note(_MET), b",%d" % at)))
        flow.go(allowed, Compares((Note(_MET),), Comparison.SAME, (Note(_MET_BEFORE),)))

    def _methods(self, flow: Flow) -> None:
        """am_check_access (mod_allowmethods.c): the last section that names methods decides."""
        done = Label()
        for scope in reversed(self.merged):
            if "methods" in scope.said:
                allowed, origin = scope.said["methods"]
                flow.add(both(self.when(scope), Not(allowed)), Refuse(405, reasons.METHOD), Then.STOP, origin)
                flow.go(done, self.when(scope), origin)
        flow.place(done)

    def _tls(self, flow: Flow) -> None:
        """ssl_hook_Access (ssl_engine_kernel.c): all that sections ask of the connection, whatever others let in."""
        for scope in self.merged:
            if "tls-required" in scope.said:
                when = both(self.when(scope), Not(_TLS))
                flow.add(when, Refuse(403, reasons.TLS_REQUIRED), Then.STOP, scope.said["tls-required"])
        for scope in self.merged:  # clients are not asked for certificates, so none has one
            if "certificate-required" in scope.said:
                when = both(self.when(scope), _TLS)
                flow.add(when, Refuse(403, reasons.CERTIFICATE_REQUIRED), Then.STOP, scope.said["certificate-required"])
        for scope in self.merged:
            for asked, origin in scope.said.get("tls-asked", ()):
                when = both(self.when(scope), All((_TLS, Not(asked))))
                flow.add(when, Refuse(403, reasons.TLS_ASKED), Then.STOP, origin)

    # ------------------------------------------------------------------ Order, Allow, Deny, Satisfy

    def _order(self, flow: Flow, allowed: Label) -> None:
        """find_allowdeny: what Order says of those that Allow and Deny name; with Satisfy Any it is enough."""
        done = Label()
        for scope in reversed(self.merged):
            if not any(f"access-{name}" in scope.said for name in ("order", "allow", "deny")):
                continue
            when = self.when(scope)
            allow = Any(tuple(scope.said.get("access-allow", ())) or (Never(),))
            deny = Any(tuple(scope.said.get("access-deny", ())) or (Never(),))
            strict = scope.said.get("access-order", "deny,allow") in ("allow,deny", "mutual-failure")
            lets: Condition = All((allow, Not(deny))) if strict else Any((allow, Not(deny)))
            if self._satisfy(scope) == "any":
                flow.go(allowed, both(when, lets), scope.origin)
                flow.go(done, when, scope.origin)
            else:
                flow.go(done, both(when, lets), scope.origin)
                flow.add(when, Refuse(403, reasons.DENIED_COMPAT), Then.STOP, scope.origin)
        flow.place(done)

    def _satisfy(self, scope: Scope) -> str:
        found = "all"
        for one in self.merged:
            if "access-satisfy" in one.said and (one is scope or isinstance(self.when(one), Always)):
                found = str(one.said["access-satisfy"])
        return found

    # ------------------------------------------------------------------ Require

    def _require(self, flow: Flow) -> None:
        """Of sections with Require the last that applies decides, together with those before if AuthMerging says so."""
        allowed = Label()
        said: list[Scope] = []
        found: list[tuple[Scope, int, Condition]] = []  # who says how users are told, which Require decides, and of what
        for scope in self.merged:
            if scope.said.get("require"):
                found.append((scope, len(said), self.when(scope)))
                said.append(scope)
            elif not _TELLS.isdisjoint(scope.said):
                found += ((scope, at, both(self.when(one), self.when(scope))) for at, one in enumerate(said))
        for scope, at, when in reversed(found):
            self._decide(flow, said, at, scope, when, allowed)
        flow.place(allowed)

    def _decide(self, flow: Flow, said: Sequence[Scope], at: int, scope: Scope, when: Condition, allowed: Label) -> None:
        """Add what the Requires of a section say; of users, what is said up to a scope, its own or one behind it."""
        origin = said[at].said["require"][0].origin or said[at].origin
        lets, could, asks = self._verdict(said, at)
        flow.go(allowed, both(when, lets), origin)
        if asks:
            realm, users = self._users(scope)
            if realm is None:
                flow.add(when, Refuse(500, reasons.NO_AUTHENTICATION), Then.STOP, origin)
            else:
                flow.add(both(when, Not(could)), Refuse(403, reasons.DENIED), Then.STOP, origin)
                if users is None:
                    flow.add(both(when, _ASKS), Refuse(500, reasons.NO_USERS), Then.STOP, origin)
                flow.add(when, Authenticate(realm, users or ()), origin=origin)
                flow.go(allowed, both(when, lets), origin)
                flow.add(when, Authenticate(realm, ()), origin=origin)  # a user, but not one of those: 401 again
        flow.add(when, Refuse(403, reasons.DENIED), Then.STOP, origin)

    def _verdict(self, said: Sequence[Scope], at: int) -> tuple[Condition, Condition, bool]:
        """Return when a section lets in, when it might, and whether that depends on who asks (merge_authz_dir_config)."""
        own = self._known(said[at])
        merging = said[at].said.get("authmerging", "off")
        if merging == "off" or at == 0:
            return own.when, own.could, own.needs_user
        # What sections before say: the nearest that applies, with those before that as its own AuthMerging has it.
        before: Condition = Never()
        might: Condition = Never()
        asks = own.needs_user
        whens = [self.when(one) for one in said[:at]]
        for number, when in enumerate(whens):
            lets, could, its = self._verdict(said, number)
            before = Any((All((when, lets)), All((Not(when), before))))
            might = Any((All((when, could)), All((Not(when), might))))
            asks = asks or its
        some = Any(tuple(whens))
        if merging == "and":
            return All((own.when, Any((Not(some), before)))), All((own.could, Any((Not(some), might)))), asks
        return Any((own.when, All((some, before)))), Any((own.could, All((some, might)))), asks

    def _known(self, scope: Scope) -> Verdict:
        """Return what a section says, with the members of groups that it asks for."""
        its: Verdict = combined(scope.said["require"])
        members: dict[str, list[str]] = {}
        for one in self._until(scope):
            members = one.said.get("authgroupfile", members)
        return replace(its, when=with_members(its.when, members), could=with_members(its.could, members))

    def _users(self, scope: Scope) -> tuple[bytes | None, tuple[tuple[bytes, bytes], ...] | None]:
        """Return the realm, None if nobody is asked, and users with their hashes, None if their file cannot be read."""
        realm: bytes | None = None
        kind = "none"
        users: tuple[tuple[bytes, bytes], ...] | None = ()
        providers: Sequence[str] = ()
        for one in self._until(scope):
            kind = one.said.get("authtype", kind)
            if "authname" in one.said:
                realm = octets(one.said["authname"])
            users = one.said.get("users", users)
            providers = one.said.get("authbasicprovider", providers)
        if providers and "file" not in providers:
            users = None  # who looks passwords up is not there
        return (realm or b"") if kind.lower() == "basic" else None, users

    def _until(self, scope: Scope) -> Iterator[Scope]:
        """Yield the scopes that say how users of a section are told: itself the last."""
        for one in self.merged:
            if one is scope or isinstance(self.when(one), Always) or _may_enclose(one, scope):
                yield one
            if one is scope:
                return


def _may_enclose(one: Scope, other: Scope) -> bool:
    """Tell whether what is in the other section is in the one, too; of patterns, whether it says who users are."""
    paths = [scope.condition.prefix for scope in (one, other) if isinstance(scope.condition, PathPrefix)]
    if len(paths) < 2:
        return "authname" in one.said
    return paths[1].startswith(paths[0]) and paths[1][len(paths[0].rstrip(b"/")) :][:1] in (b"", b"/")
