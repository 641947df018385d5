"""Rules that run one after the other, until the request's fate is known.

A program is a row of steps; each has a condition, something to do, and where to go on if the condition held and if it did not.
So order is the only precedence, and loops, chains and exclusions are jumps. What it ends with is a plan, made once for each
combination of what was chosen, and a `State` with what is this request's own. Must not know dialects, sockets or time.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import time
from typing import TYPE_CHECKING, Any, Final

from perijove.engine.edits import edit_request
from perijove.engine.head import consists
from perijove.engine.state import KEPT, REFUSED, State, decoded, encoded, encoded_but_slashes, normalized, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.engine.conditions import Test
    from perijove.engine.edits import FieldOperation
    from perijove.engine.head import RequestHead
    from perijove.engine.local import Tree
    from perijove.engine.pattern import Pattern
    from perijove.engine.peer import Peer
    from perijove.engine.plan import Look, Plan
    from perijove.engine.texts import Text

END: Final = 1 << 30  # where a step leads that is the last
_MOST_STEPS: Final = 100_000  # of one request: a rewriting that never ends is refused, as Apache does after 32,000 rounds
_LONGEST: Final = 16_380  # of a held text: twice the longest request line of httpd (LimitRequestLine), as there
_PLANS: Final = 4096  # combinations that are kept

# How a path is spelt for an upstream.
CANONICAL: Final = 0
ESCAPED: Final = 1
AS_IS: Final = 2
SLASHES: Final = 3  # canonical, but for slashes that are encoded already: where they have been kept


class Action:
    """Something that is done to the state. It answers whether the program goes on."""

    __slots__ = ()

    def act(self, state: State) -> bool:
        """Do it; False ends the program."""
        raise NotImplementedError


class Step:
    """A rule as it runs."""

    __slots__ = ("action", "matched", "missed", "needs", "number", "test", "without")

    def __init__(
        self, number: int, test: Test | None, action: Action | None, matched: int, missed: int, needs: int = 0
    ) -> None:
        """Describe it.

        Args:
            number: of the rule.
            test: its condition; None is always.
            action: what is done; None is nothing.
            matched: the step that is next if the condition holds.
            missed: the one that is next if it does not.
            needs: mask of fields without which it cannot hold: most requests end here.
        """
        self.number = number
        self.test = test
        self.action = action
        self.matched = matched
        self.missed = missed
        self.needs = needs
        self.without = missed  # where it goes on for those that lack these fields


class Forward(Action):
    """Send it to an upstream."""

    __slots__ = ("absolute", "encoding", "origin", "path", "upstream", "whole")

    def __init__(self, upstream: Any, path: Text | None, encoding: int, whole: bool = False, named: bytes = b"") -> None:
        self.upstream = upstream
        self.origin = named or b"%b://%b" % (b"https" if upstream.tls else b"http", upstream.authority)
        self.absolute: bytes = getattr(upstream, "absolute", b"")
        self.path = path  # None: as it was sent
        self.encoding = encoding
        self.whole = whole  # the path has the query in it

    def act(self, state: State) -> bool:
        """Do it."""
        state.status = 0
        state.upstream = self.upstream
        if self.path is None:
            state.target = state.wanted
            state.origin = self.origin
            state.onward = state.raw
            return True
        path = self.path.text(state)
        state.origin = self.origin
        state.onward = path
        spelt = _spelt(path, self.encoding)
        if spelt is None:
            state.status = 400
            return False
        path = spelt
        if not path or path[0] != 0x2F:
            path = b"/" + path
        if self.whole:
            target = path
        elif spelt is state.raw and state.query is state.asked:
            target = state.wanted  # path and query are what they were
        else:
            target = path if state.query is None else path + b"?" + state.query
        # What is canonical, and a query as it came, can stand in a request line.
        if (self.encoding != CANONICAL or state.query is not state.asked) and not consists(target, _IS_TARGET):
            state.status = 403  # Apache's AH10415: what cannot stand in a request line
            return False
        state.target = self.absolute + target if self.absolute else target
        return True


# RFC 9110 §5.5 calls the upper ones obs-text; httpd lets them pass in a target that is sent as it is.
_IS_TARGET: Final = bytes(0x21 <= octet < 0x7F or octet >= 0x80 for octet in range(256))
_FIELD_OCTETS: Final = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
_ESCAPE_KEEPS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$-_.+!*'(),:@&=/~;%")
_ESCAPED: Final = [bytes((octet,)) if octet in _ESCAPE_KEEPS else b"%%%02x" % octet for octet in range(256)]


def _escaped(path: bytes) -> bytes:
    return b"".join([_ESCAPED[octet] for octet in path])


def _spelt(path: bytes, encoding: int) -> bytes | None:
    """Return a path as it goes upstream; None if it cannot be spelt so."""
    if encoding == CANONICAL:
        return encoded(path)
    if encoding == SLASHES:
        return encoded_but_slashes(path)
    return _escaped(path) if encoding == ESCAPED else path


class Anywhere(Action):
    """Send it to where a URL says."""

    __slots__ = ("encoding", "find", "url", "whole")

    def __init__(self, url: Text, encoding: int, find: Callable[[bytes, bytes], object], whole: bool = False) -> None:
        self.url = url
        self.encoding = encoding
        self.whole = whole  # the URL has the query in it
        self.find = find  # an upstream for a scheme and an authority; None if that is nonsense

    def act(self, state: State) -> bool:
        """Do it."""
        url = self.url.text(state)
        scheme, _, rest = url.partition(b"://")
        authority, slash, path = rest.partition(b"/")
        port = authority.rpartition(b"]")[2].rpartition(b":")
        named = b"?" in authority or b"#" in authority
        if port[1] and (port[2] or named) and not (port[2].isdigit() and 0 < int(port[2][:6]) < 65536):
            # What is no number is a part of a name that nobody has; with a question mark it is not even that.
            # That nobody has it is found out behind what cannot stand in a request line.
            spelt = _spelt(slash + path, self.encoding)
            odd = spelt is not None and not consists(spelt, _IS_TARGET)
            state.status = 400 if port[2].isdigit() or named else 403 if odd else 500
            return False
        upstream = self.find(scheme.lower(), authority.lower())
        if upstream is None:
            state.status = 500
            return False
        state.status = 0
        state.upstream = upstream
        state.origin = scheme + b"://" + authority
        state.onward = slash + path
        spelt = _spelt(slash + path or b"/", self.encoding)
        if spelt is None:
            state.status = 400
            return False
        path = spelt
        state.target = path if self.whole or state.query is None else path + b"?" + state.query
        if not consists(state.target, _IS_TARGET):
            state.status = 403
            return False
        return True


class ForwardAsked(Action):
    """Send it to where its own target says: a forward proxy's request."""

    __slots__ = ("by", "find")

    def __init__(self, find: Callable[[bytes, bytes], object], by: object) -> None:
        self.find = find  # an upstream for a scheme and an authority; None if none of them is spoken
        self.by = by  # another proxy that is asked

    def act(self, state: State) -> bool:
        """Do it."""
        state.elsewhere = True
        upstream = self.find(state.form, state.host) if self.by is None else self.by
        if upstream is None:
            state.status = 500
            return False
        state.status = 0
        state.upstream = upstream
        state.target = state.wanted
        if state.form != b"connect":
            rest = state.whole[state.whole.find(b"://") + 3 :]
            asked = rest.find(b"?")
            if asked >= 0 and b"/" not in rest[:asked]:  # there is no path, and what is made of that is no authority
                if self.by is None:
                    state.status = 400
                    return False
                state.target = rest[asked:] + b"/"
        if self.by is not None:
            # As proxy_http_canon has it.
            state.target = state.whole if state.form == b"connect" else state.form + b"://" + state.host + state.target
        state.origin = state.host if state.form == b"connect" else state.whole
        state.onward = b""
        return True


class Finish(Action):
    """Answer with a status, and perhaps a Location; with 405 and 200, that is Allow. `phrase`: in place of the usual."""

    __slots__ = ("location", "phrase", "status")

    def __init__(self, status: int, location: Text | None, phrase: bytes) -> None:
        self.status = status
        self.location = location
        self.phrase = phrase

    def act(self, state: State) -> bool:
        """Do it."""
        state.status = self.status
        state.phrase = self.phrase
        if self.location is None:
            return False
        location = self.location.text(state)
        if location.translate(None, _FIELD_OCTETS):  # what would end a field line (RFC 9110 §5.5)
            state.status = 500
            location = b""
        state.location = location
        return False


class ServeTree(Action):
    """Answer with a file of a tree."""

    __slots__ = ("path", "tree")

    def __init__(self, path: Text, tree: Tree) -> None:
        self.path = path
        self.tree = tree

    def act(self, state: State) -> bool:
        """Do it."""
        fields = {name: value for name in _CONDITIONAL if (value := state.field(name))}
        found = self.tree.answer(self.path.text(state), fields)
        state.status = found.status
        state.content = found.content
        state.content_lines = found.lines
        if found.status == 301:
            state.location = state.scheme + b"://" + state.host + encoded(state.path) + b"/"
            if state.query is not None:
                state.location += b"?" + state.query
        return False


_CONDITIONAL: Final = (b"range", b"if-none-match", b"if-modified-since", b"if-range")


class Answer(Action):
    """Answer as a plan says that was made beforehand."""

    __slots__ = ("plan",)

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def act(self, state: State) -> bool:
        """Do it."""
        state.plan = self.plan
        return False


class Authenticate(Action):
    """Ask for a name and a password (RFC 7617)."""

    __slots__ = ("challenge", "right")

    def __init__(self, realm: bytes, right: Callable[[bytes, bytes], bool]) -> None:
        self.challenge = b'Basic realm="%b"' % realm.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        self.right = right  # whether a password is that of a user

    def act(self, state: State) -> bool:
        """Do it."""
        # A forward proxy asks for itself, not for the server behind it (RFC 9110 §11.7; ap_get_basic_auth_pw, server/protocol.c).
        asked = b"proxy-authorization" if state.elsewhere else b"authorization"
        scheme, _, credentials = state.field(asked).partition(b" ")
        if scheme.lower() == b"basic":
            try:
                name, colon, password = base64.b64decode(credentials.strip(), validate=True).partition(b":")
            except binascii.Error:
                name = colon = password = b""
            if colon and self.right(name, password):
                state.user = name
                return True
        state.status = 407 if state.elsewhere else 401
        state.location = self.challenge
        return False


class SetNote(Action):
    """Set a variable."""

    __slots__ = ("name", "value")

    def __init__(self, name: bytes, value: Text) -> None:
        self.name = name
        self.value = value

    def act(self, state: State) -> bool:
        """Do it."""
        state.note(self.name, self.value.text(state))
        return True


class UnsetNote(Action):
    """Forget a variable."""

    __slots__ = ("name",)

    def __init__(self, name: bytes) -> None:
        self.name = name

    def act(self, state: State) -> bool:
        """Do it."""
        if self.name in state.notes:
            del state.notes[self.name]
        return True


class Set(Action):
    """Set a setting."""

    __slots__ = ("_after", "_last", "_made", "number", "value")

    def __init__(self, number: int, value: object) -> None:
        self.number = number
        self.value = value
        # What was made of others, by their ids. There are as many as rules can make, so the same are made once.
        self._after: dict[int, tuple[tuple[object, ...], tuple[object, ...]]] = {}
        self._last: tuple[object, ...] | None = None  # mostly the next request's, too, and what was made of it
        self._made: tuple[object, ...] | None = None

    def act(self, state: State) -> bool:
        """Do it."""
        before = state.settings
        if before is self._last and self._made is not None:
            state.settings = self._made
            return True
        found = self._after.get(id(before))
        if found is None:
            after = before
            if before[self.number] != self.value:
                after = (*before[: self.number], self.value, *before[self.number + 1 :])
            found = self._after[id(before)] = (before, after)  # what is kept keeps its id
        self._last = before
        state.settings = self._made = found[1]
        return True


class SetMore(Set):
    """Set more of a setting that is pairs of a key and a value: of a key the last value counts."""

    __slots__ = ()

    def act(self, state: State) -> bool:
        """Do it."""
        before = state.settings
        found = self._after.get(id(before))
        if found is None:
            pairs: Any = before[self.number]
            more: Any = self.value
            value = tuple((dict(pairs) | dict(more)).items())
            after = before if value == pairs else (*before[: self.number], value, *before[self.number + 1 :])
            found = self._after[id(before)] = (before, after)  # what is kept keeps its id
        state.settings = found[1]
        return True


class Select(Action):
    """Choose an edit of a field, which is made later."""

    __slots__ = ("bit",)

    def __init__(self, number: int) -> None:
        self.bit = 1 << number

    def act(self, state: State) -> bool:
        """Do it."""
        state.selected |= self.bit
        return True


class EditNow(Action):
    """Edit a field of the request, before it is decided on."""

    __slots__ = ("operations",)

    def __init__(self, operation: FieldOperation) -> None:
        self.operations = (operation,)

    def act(self, state: State) -> bool:
        """Do it."""
        state.snapshot()
        edit_request(self.operations, state)
        return True


class TrustField(Action):
    """The client's address is what a field says, as far as those who say it are trusted (remoteip_modify_request)."""

    __slots__ = ("inside", "lower", "name", "networks", "passed")

    def __init__(self, name: bytes, networks: tuple[Any, ...], inside: tuple[Any, ...], passed: bytes) -> None:
        self.name = name
        self.lower = name.lower()
        self.networks = networks
        self.inside = inside
        self.passed = passed

    def act(self, state: State) -> bool:
        """Do it."""
        rest: bytes | None = state.field(self.lower)
        if not rest:
            return True
        at = ipaddress.ip_address(state.address.decode("latin-1")) if state.address[:1] != b"u" else None
        passed: list[bytes] = []
        address = state.address
        while rest:
            inside = _within(at, self.inside)
            if (self.networks or self.inside) and not inside and not _within(at, self.networks):
                break
            before, comma, last = rest.rpartition(b",")
            try:
                said = ipaddress.ip_address(last.strip(b" \t").decode("latin-1"))
            except ValueError:
                break
            if not inside and _is_private(said):
                break
            if not inside:
                passed.append(address)
            address = str(said).encode()
            at = said
            rest = before.rstrip(b" \t") if comma else b""
        if address == state.address:
            return True
        state.address = address
        state.snapshot()
        lines = [line for line in state.lines or [] if line[0].lower() != self.lower]
        if rest:
            lines.append((self.name, rest))
        if passed and self.passed:
            lower = self.passed.lower()
            lines = [line for line in lines if line[0].lower() != lower]
            lines.append((self.passed, b", ".join(passed)))
        state.lines = lines
        return True


def _within(address: Any, networks: tuple[Any, ...]) -> bool:
    for network in networks:  # noqa: SIM110
        if address is None or (network.version == address.version and address in network):
            return True
    return False


_GLOBAL6: Final = ipaddress.ip_network("2000::/3")
_PRIVATE4: Final = tuple(
    ipaddress.ip_network(one) for one in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
)


def _is_private(address: Any) -> bool:
    if address.version == 6:
        return address not in _GLOBAL6
    return _within(address, _PRIVATE4)


class Hold(Action):
    """Hold a text."""

    __slots__ = ("made",)

    def __init__(self, made: Text) -> None:
        self.made = made

    def act(self, state: State) -> bool:
        """Do it."""
        held = self.made.text(state)
        if len(held) > _LONGEST:
            state.status = 500
            return False
        state.held = held
        return True


class SplitQuery(Action):
    """Take the query from the held text."""

    __slots__ = ("append", "discard", "last")

    def __init__(self, append: bool, last: bool, discard: bool) -> None:
        self.append = append
        self.last = last
        self.discard = discard

    def act(self, state: State) -> bool:
        """Do it."""
        if self.discard:
            state.query = None
        held = state.held
        at = held.rfind(b"?") if self.last else held.find(b"?")
        if at < 0:
            return True
        query = held[at + 1 :]
        state.held = held[:at]
        if self.append:
            if query:
                query = query + b"&" + (state.query or b"")
            else:
                query = state.query or b""
        state.query = query.removesuffix(b"&") or None
        return True


class Count(Action):
    """Count how often it is done."""

    __slots__ = ("most", "what")

    def __init__(self, what: bytes, most: int) -> None:
        self.what = what
        self.most = most

    def act(self, state: State) -> bool:
        """Do it."""
        if state.counts is None:
            state.counts = {}
        count = state.counts.get(self.what, 0) + 1
        state.counts[self.what] = count
        if count > self.most:
            state.status = 500
            return False
        return True


class Withdraw(Action):
    """Forget where the request was to be sent."""

    __slots__ = ()

    def act(self, state: State) -> bool:
        """Do it."""
        state.upstream = None
        state.target = state.origin = state.onward = b""
        return True


class Rewrite(Action):
    """Change path and query."""

    __slots__ = ("handling", "path", "query")

    def __init__(self, path: Text, query: Text | None, handling: str) -> None:
        self.path = path
        self.query = query
        self.handling = handling

    def act(self, state: State) -> bool:
        """Do it."""
        query = b"" if self.query is None else self.query.text(state)
        state.path = self.path.text(state)
        before = state.query
        if self.handling == "replace":
            state.query = query or None
        elif self.handling == "append":
            state.query = query + b"&" + before if query and before else query or before
        elif self.handling == "discard":
            state.query = None
        return True


def _lacks(step: Step, state: State) -> bool:
    """Tell whether a request lacks fields without which a step's condition cannot hold."""
    head = state.head
    return head is not None and not head.has_all(step.needs)


class Choice:
    """What rules have chosen, and the plan that was made for it."""

    __slots__ = ("form", "plan", "selected", "settings", "status", "upstream")

    def __init__(
        self, status: int, form: bytes, upstream: object, selected: int, settings: tuple[Any, ...], plan: Plan
    ) -> None:
        self.status = status
        self.form = form
        self.upstream = upstream
        self.selected = selected
        self.settings = settings
        self.plan = plan


class Program:
    """The rules of one virtual host."""

    def __init__(
        self,
        steps: list[Step],
        edits: list[Step],
        settings: tuple[Any, ...],
        make: Callable[[State], Plan],
        slashes: int = REFUSED,
        merge: bool = True,
        forwards: bool = False,
    ) -> None:
        """Run `steps` up to the request's fate, then all of `edits`.

        Args:
            steps: that decide.
            edits: that choose what is edited.
            settings: what is set at the beginning.
            make: a plan from what was chosen: `status`, `upstream`, `selected`, `settings`.
            slashes: what becomes of encoded slashes: see `state`.
            merge: whether double slashes are merged.
            forwards: it is a forward proxy, too: where a URL is asked for, that is the path.
        """
        self.steps = steps
        self.brief = steps  # the same for those who do not ask how it came about: some may be left out
        self.edits = edits
        # Of the edits, those that are always chosen, and the others.
        self.chosen = 0
        self.asked: list[Step] = []
        for step in edits:
            if step.test is None and isinstance(step.action, Select):
                self.chosen |= step.action.bit
            else:
                self.asked.append(step)
        self.settings = settings
        self.make = make
        self.slashes = slashes
        self.merge = merge
        self.forwards = forwards
        self._plans: dict[Any, Choice] = {}
        self._last: Choice | None = None  # mostly the next request's, too
        self.timed = False  # a rule wants to know when a request began
        self.undecoded: tuple[Pattern, ...] = ()  # paths in which one is found are not decoded, and have a note
        self.undecoded_note = b""
        self.own: Test | None = None  # of a forward proxy: URLs that are not another's
        self.allow = b""  # the methods that CONNECT is answered where it is refused (RFC 9110 §15.5.6)

    def run(
        self, head: RequestHead, peer: Peer, trace: list[Look] | None = None, notes: dict[bytes, bytes] | None = None
    ) -> State:
        """Return what becomes of a request; its `plan` is set.

        Args:
            head: of the request.
            peer: who sent it.
            trace: gets, of each rule that was looked at, its number, whether it held, and what was known then.
            notes: variables that are set from the beginning.
        """
        state = State(head, peer, self.settings)
        if notes is not None:
            state.notes = notes
        if self.timed:
            state.began = time.time()
        path: bytes | int
        if self.own is not None and state.form and self.own.holds(state):
            state.form = b""  # it is not another's
        if head.tidy and not state.form and state.raw != b"*":
            path = state.raw
        elif state.form and self.forwards:
            path = state.whole  # a forward proxy's is a URL, and stays as it is …
            if state.form != b"connect" and decoded(state.raw, KEPT, True) == 400:
                path = 400  # … but has to be one (ap_process_request_internal)
        elif state.form and state.form not in (b"http", b"https"):
            path = 405 if state.form == b"connect" else 400  # another host is a forward proxy, this is none
        else:
            if not self.merge and state.path[:2] == b"//":
                # Slashes that would look like an authority's are merged all the same (ap_parse_uri, server/protocol.c).
                state.path = b"/" + state.path.lstrip(b"/")
            path = self._undecoded(state) if self.undecoded and b"%" in state.path else b""
            if not path:
                path = decoded(state.path, self.slashes, self.merge)
        early: bytes | None = None
        if path == 405:
            state.location = self.allow
        if path == b"*":
            state.status = 200  # OPTIONS of the server as a whole (RFC 9110 §9.3.7): nothing is said
        elif isinstance(path, int):
            state.status = path
            early = refused(state.path, self.merge)
            state.path = b""  # it is in no section
        else:
            state.path = path
            self._decide(self.brief if trace is None else self.steps, state, trace, True)
        if state.plan is None:
            upstream, status = state.upstream, state.status
            if upstream is None and not status:
                state.status = 404
            if path == b"*":
                pass  # httpd makes no edits of that answer (ap_process_request_internal is not gone through)
            elif trace is not None:
                self._decide(self.edits, state, trace, False)
            else:
                self._select(state)
            if early is not None:
                state.path = early
            state.plan = self._plan(state)
        return state

    def refuse(self, head: RequestHead, peer: Peer, status: int) -> State:
        """Return what becomes of what is no request: `head` is of one that might have been meant. It is in no section."""
        state = State(head, peer, self.settings)
        state.status = status
        state.path = b""
        self._select(state)
        state.plan = self._plan(state)
        return state

    def _select(self, state: State) -> None:
        """Choose edits."""
        state.selected = self.chosen
        for step in self.asked:
            if step.action is not None and (step.test is None or (not _lacks(step, state) and step.test.holds(state))):
                step.action.act(state)

    def _undecoded(self, state: State) -> bytes:
        """Return a path that stays encoded, but for dots and slashes; nothing of any other."""
        path = normalized(state.path, self.merge)
        for pattern in self.undecoded:
            if path and pattern.search(path) is not None:
                state.note(self.undecoded_note, b"1")
                return path
        return b""

    def _decide(self, steps: list[Step], state: State, trace: list[Look] | None, stop: bool) -> None:
        at = 0
        count = 0
        size = len(steps)
        seen: State | None = None
        while at < size:
            step = steps[at]
            lacks = step.needs != 0 and _lacks(step, state)
            if lacks and trace is None:
                at = step.without
                continue
            holds = not lacks and (step.test is None or step.test.holds(state))
            if trace is not None:
                if (  # else nothing is known that was not known before
                    seen is None
                    or seen.captures is not state.captures
                    or seen.kept is not state.kept
                    or seen.request_id is not state.request_id
                ):
                    seen = state.seen()
                trace.append((step.number, holds, seen))
            if not holds:
                at = step.missed
                continue
            if not isinstance(step.action, Select):
                seen = None
            if step.action is not None and not step.action.act(state) and stop:
                return
            if step.matched <= at:
                count += 1
                if count > _MOST_STEPS:
                    state.status = 500
                    return
            at = step.matched

    def _plan(self, state: State) -> Plan:
        status = state.status
        upstream = None if status else state.upstream
        last = self._last
        if (
            last is not None
            and last.status == status
            and last.upstream is upstream
            and last.settings is state.settings
            and last.selected == state.selected
            and last.form == state.form
        ):
            return last.plan
        # What a choice holds keeps its id: nothing else can come to have it.
        key = (status, state.form, id(upstream), state.selected, id(state.settings))
        choice = self._plans.get(key)
        if choice is None:
            choice = Choice(status, state.form, upstream, state.selected, state.settings, self.make(state))
            if len(self._plans) >= _PLANS:
                self._plans = {}
            self._plans[key] = choice
        self._last = choice
        return choice.plan
