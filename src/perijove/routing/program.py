"""Make the program of a virtual host whose rules are more than paths.

Knows each condition, action and part of a text in both forms: what is meant (`gateway`) and what runs (`engine`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from perijove.engine import balance, const, edits, fields, plan, program, texts
from perijove.engine import conditions as runs
from perijove.engine.local import Tree
from perijove.engine.pattern import Pattern
from perijove.engine.ranges import DEFAULTS
from perijove.engine.state import DECODED, KEPT, REFUSED
from perijove.gateway import actions, conditions, templates
from perijove.gateway.conditions import Setting
from perijove.gateway.rules import Rule, Skip, Then
from perijove.gateway.templates import Fact, Variable
from perijove.routing import fold, recipes, shorten
from perijove.routing.passwords import checker

if TYPE_CHECKING:
    from perijove.engine.plan import Plan
    from perijove.engine.state import State
    from perijove.engine.upstream import Upstream
    from perijove.gateway.model import VirtualHost

_PARTS: Final[dict[Variable | Fact, Callable[[], texts.Part]]] = {
    Variable.CLIENT_IP: lambda: texts.Value("address"),
    Variable.CLIENT_PORT: lambda: texts.Port(True),
    Variable.HOST: lambda: texts.Value("host"),
    Variable.HOSTNAME: texts.Hostname,
    Variable.SCHEME: lambda: texts.Value("scheme"),
    Variable.SERVER_PORT: lambda: texts.Port(False),
    Variable.METHOD: lambda: texts.RequestLine("method"),
    Variable.TARGET: lambda: texts.RequestLine("target"),
    Variable.PATH: lambda: texts.Value("raw"),
    Variable.QUERY: lambda: texts.Value("query"),
    Variable.SEARCH: lambda: texts.RequestLine("search"),
    Variable.REQUEST_ID: texts.RequestId,
    Fact.PATH: lambda: texts.Value("path"),
    Fact.QUERY: lambda: texts.Value("query"),
    Fact.PROTOCOL: lambda: texts.RequestLine("protocol"),
    Fact.REQUEST_LINE: lambda: texts.RequestLine("line"),
    Fact.SERVER_ADDRESS: lambda: texts.Value("local"),
    Fact.HTTPS: texts.Https,
    Fact.IPV6: texts.Ipv6,
    Fact.CONNECTION_ADDRESS: texts.ConnectionAddress,
    Fact.NAMED_PORT: texts.NamedPort,
    Fact.USER: lambda: texts.Value("user"),
    Fact.STATUS: texts.Status,
    Fact.CONTENT_TYPE: lambda: texts.ResponseField(b"content-type"),
    Fact.MICROSECONDS: texts.Began,
    Fact.DURATION: texts.Duration,
    Fact.HANDSHAKE: texts.Handshake,
    Fact.UPSTREAM_URL: texts.UpstreamUrl,
    Fact.HELD: lambda: texts.Value("held"),
    Fact.DESTINATION: texts.Destination,
    Fact.CALLED: lambda: texts.Called(False),
    Fact.CALLED_PORT: lambda: texts.Called(True),
    Fact.SENT: texts.Sent,
    Fact.ASKED: lambda: texts.Value("form"),
}
SETTINGS: Final = {setting: number for number, setting in enumerate(Setting)}
_OPERATIONS: Final = {
    actions.Operation.SET: edits.SET,
    actions.Operation.ADD: edits.ADD,
    actions.Operation.DEFAULT: edits.DEFAULT,
    actions.Operation.REMOVE: edits.REMOVE,
    actions.Operation.APPEND: edits.APPEND,
    actions.Operation.MERGE: edits.MERGE,
    actions.Operation.EDIT: edits.EDIT,
    actions.Operation.EDIT_ALL: edits.EDIT_ALL,
    actions.Operation.ECHO: edits.ECHO,
}
_ENCODINGS: Final = {
    actions.Encoding.CANONICAL: program.CANONICAL,
    actions.Encoding.SLASHES: program.SLASHES,
    actions.Encoding.ESCAPED: program.ESCAPED,
    actions.Encoding.NONE: program.AS_IS,
}


def text(template: templates.Template) -> texts.Text:
    """Return a template as it runs."""
    match template:
        case (bytes(to), templates.Rest(prefix, False)):
            return texts.Text((texts.Moved(to, prefix),))
    return texts.Text(tuple(_part(one) for one in template))


def _part(one: templates.Part) -> bytes | texts.Part:
    match one:
        case bytes():
            return one
        case Variable() | Fact():
            return _PARTS[one]()
        case templates.RequestField(name):
            return texts.RequestField(name)
        case templates.FieldLike(found):
            return texts.FieldLike(found)
        case templates.ResponseField(name):
            return texts.ResponseField(name)
        case templates.Note(name, missing):
            return texts.Note(name.lower(), missing)
        case templates.Capture(number):
            return texts.Capture(number)
        case templates.Kept(number):
            return texts.Kept(number)
        case templates.Rest(prefix, raw):
            return texts.Rest(prefix, raw)
        case templates.Call(function, argument):
            return texts.Call(function.value, text(argument))
        case templates.Look(table, key, missing):
            return texts.Look(dict(table), text(key), text(missing))
        case templates.Draw(choices, key, missing):
            return texts.Draw(dict(choices), text(key), text(missing))
        case templates.Encoded(argument, octets, plus):
            return texts.Encoded(text(argument), octets, plus)
        case templates.Without(argument, prefix):
            return texts.Without(text(argument), prefix)
        case templates.Given(subject, then, otherwise):
            return texts.Given(text(subject), text(then), text(otherwise))
        case templates.Time(form, utc, ahead):
            return texts.Time(form, utc, ahead)
    raise TypeError(f"{one!r} is no part of a text")


def pattern(written: conditions.Pattern) -> Pattern:
    """Return a pattern as it runs."""
    return Pattern(written.pattern, written.guarded)


def test(condition: conditions.Condition) -> runs.Test | None:
    """Return a condition as it runs; None for what always holds."""
    match condition:
        case conditions.Always():
            return None
        case conditions.Never():
            return runs.Constant(False)
        case conditions.PathPrefix(prefix, merged):
            return runs.PathPrefix(prefix, merged)
        case conditions.PathIs(path):
            return runs.PathIs(path)
        case conditions.PathMatches(found, names, merged):
            return runs.PathMatches(pattern(found), tuple((number, name.lower()) for number, name in names), merged)
        case conditions.Matches(subject, found, captures, keeps):
            return runs.Matches(text(subject), pattern(found), captures, keeps)
        case conditions.Compares(left, how, right):
            return runs.Compares(text(left), how.value, text(right))
        case conditions.OnDisk(subject, kind):
            return runs.OnDisk(text(subject), kind.value)
        case conditions.Within(subject, networks):
            return runs.Within(text(subject), networks)
        case conditions.NotEmpty((Fact.DESTINATION,)):
            return runs.Destined()
        case conditions.NotEmpty(subject):
            return runs.NotEmpty(text(subject))
        case conditions.HasNote(name):
            return runs.HasNote(name.lower())
        case conditions.SettingIs(setting, value):
            return runs.SettingIs(SETTINGS[setting], value)
        case conditions.All(of):
            return runs.All(tuple(test(one) or runs.Constant(True) for one in of))
        case conditions.Any(of):
            return runs.Either(tuple(test(one) or runs.Constant(True) for one in of))
        case conditions.Not(of):
            return runs.Not(test(of) or runs.Constant(True))
        case conditions.Apart(of, groups):
            return runs.Apart(test(of) or runs.Constant(True), groups.value)
    raise TypeError(f"{condition!r} is no condition")


def needed(condition: conditions.Condition) -> int:
    """Return a mask of the request's fields without which a condition cannot hold."""
    found = 0
    for one in condition.of if isinstance(condition, conditions.All) else (condition,):
        match one:
            case conditions.Matches((templates.RequestField(name),), wanted, False, _) if pattern(wanted).search(b"") is None:
                number = fields.NUMBERS.get(name.lower(), fields.OTHER)
            case conditions.NotEmpty((templates.RequestField(name),)):
                number = fields.NUMBERS.get(name.lower(), fields.OTHER)
            case _:
                continue
        if number not in (fields.OTHER, fields.HOST):  # the target may name the host, instead of the field
            found |= 1 << number
    return found


Find = Callable[[bytes, bytes], "Upstream | None"]  # an upstream for a scheme and an authority that a request names

_SLASHES: Final = {"off": REFUSED, "on": DECODED, "nodecode": KEPT}


def nowhere(scheme: bytes, authority: bytes) -> Upstream | None:
    """Find no upstream for anything."""
    return None


# What is set before any rule has run.
_BEGINNING: Final[dict[Setting, object]] = {
    Setting.PRESERVE_HOST: False,
    Setting.FORWARDED_FIELDS: True,
    Setting.OVERRIDE_ERRORS: (),
    Setting.UPGRADES: b"",
    Setting.PAGES: (),
    Setting.UPSTREAM_ENDS: False,
    Setting.UPSTREAM_IS_OLD: False,
    Setting.CLIENT_ENDS: False,
    Setting.MAX_RANGES: DEFAULTS[0],
    Setting.MAX_RANGE_OVERLAPS: DEFAULTS[1],
    Setting.MAX_RANGE_REVERSALS: DEFAULTS[2],
}
_RANGES: Final = (Setting.MAX_RANGES, Setting.MAX_RANGE_OVERLAPS, Setting.MAX_RANGE_REVERSALS)


def host_table(
    host: VirtualHost, upstreams: Mapping[str, Upstream], times: plan.Timeouts, counted: int, find: Find, place: int = 0
) -> plan.HostTable:
    """Return the table of a host with a program; `place` is its own among the listener's hosts."""
    building = Building(upstreams, find, _no_answer)
    stages = host.stages
    sure = fold.known(stages.route, _BEGINNING, (stages.undecoded_note.lower(),))
    route = building.steps([replace(rule, when=sure.fold(rule.when)) for rule in stages.route])
    first = len(stages.route)
    chosen = [*stages.request, *stages.response]
    operations: list[edits.FieldOperation] = []
    steps: list[program.Step] = []
    changed: set[bytes] = set()  # fields of the request that are edited before
    for number, rule in enumerate(chosen):
        now, later = _parted(sure.fold(rule.when), changed)
        if isinstance(rule.do, actions.EditField) and number < len(stages.request):
            changed.add(rule.do.name.lower())
        operations.append(operation(rule, test(later)))
        steps.append(program.Step(first + number, test(now), program.Select(number), number + 1, number + 1, needed(now)))
    requests = len(stages.request)
    defaults: list[Any] = [_BEGINNING.get(setting) for setting in SETTINGS]
    for rule in stages.route:
        # What is set first of all holds for requests, too, that are refused before any rule has run.
        if not isinstance(rule.do, actions.Set) or rule.when != conditions.Always() or rule.then is not Then.NEXT:
            break
        defaults[SETTINGS[rule.do.setting]] = rule.do.value

    @cache
    def reads(number: int) -> bool:
        return recipes.reads_request((chosen[number].when, chosen[number].do))

    def make(state: State) -> plan.Plan:
        forwards = not state.status and state.upstream is not None
        kind = const.CONNECT if state.form == b"connect" and stages.forwards else const.FORWARD
        made = plan.Plan(kind if forwards else const.REJECT, times)
        made.counted = counted
        made.edited = True
        settings: tuple[Any, ...] = state.settings
        made.passes_trailers = False
        made.per_connection = 1 if settings[SETTINGS[Setting.CLIENT_ENDS]] else stages.per_connection
        made.status = state.status
        if forwards:
            lender: Any = state.upstream
            made.upstream = lender
            made.authority = lender.authority
            if settings[SETTINGS[Setting.UPSTREAM_IS_OLD]]:
                made.version = b"HTTP/1.0"
            else:
                made.once = settings[SETTINGS[Setting.UPSTREAM_ENDS]] or not lender.max_idle
                made.persistence = b"Connection: close\r\n" if made.once else b"Connection: Keep-Alive\r\n"
            if stages.ranges:
                made.ranges = tuple(settings[SETTINGS[one]] for one in _RANGES)
            made.own_name = host.server_name.encode("utf-8", "surrogateescape")
            asked = state.form != b"" and stages.forwards  # what the target names is the host
            made.preserve_host = asked or bool(settings[SETTINGS[Setting.PRESERVE_HOST]])
            if made.version == b"HTTP/1.1":
                made.upgrade = settings[SETTINGS[Setting.UPGRADES]]
            else:
                made.upgrade = b""
            made.drop = fields.HOP_BY_HOP
            made.response_drop = fields.RESPONSE_DROP
        made.overridden = frozenset(settings[SETTINGS[Setting.OVERRIDE_ERRORS]])
        for status, page in settings[SETTINGS[Setting.PAGES]]:
            if page is None:
                made.pages.pop(status, None)
            elif page.text is not None:
                made.pages[status] = (const.TEXT, _octets(page.text))
            else:
                inside = page.elsewhere[:1] and isinstance(page.elsewhere[0], bytes) and page.elsewhere[0].startswith(b"/")
                made.pages[status] = (const.INSIDE if inside else const.ELSEWHERE, _octets(page.elsewhere))
        its = [(at, chosen[at], one) for at, one in enumerate(operations) if state.selected >> at & 1]
        request = [(rule.do, one) for at, rule, one in its if at < requests]
        response = [(rule.do, one) for at, rule, one in its if at >= requests and not one.always]
        always = [(rule.do, one) for at, rule, one in its if at >= requests and one.always]
        made.request_operations = tuple(one for _, one in request)
        made.response_operations = tuple(one for _, one in response)
        made.always_operations = tuple(one for _, one in always)
        filled = any(kind == const.INSIDE or not isinstance(text, bytes) for kind, text in made.pages.values())
        made.keeps_fields = filled or any(reads(at) for at, _, _ in its if at >= requests)
        if not made.keeps_fields and made.version == b"HTTP/1.1":  # what a head is written with as it is
            made.request_recipe = recipes.request_recipe(request)
        made.response_recipe = recipes.response_recipe(response)
        made.always_recipe = recipes.always_recipe(always)
        return made

    every = tuple((rule.when, rule.do) for rule in (*stages.route, *chosen))
    slashes = _SLASHES[stages.encoded_slashes]
    runs_as = program.Program(route, steps, tuple(defaults), make, slashes, stages.merge_slashes, stages.forwards)
    runs_as.brief = shorten.shortened(route)
    runs_as.timed = recipes.mentions(every, Fact.MICROSECONDS, Fact.DURATION)
    runs_as.undecoded = tuple(pattern(one) for one in stages.undecoded)
    runs_as.undecoded_note = stages.undecoded_note.lower()
    runs_as.allow = stages.allow
    return plan.HostTable((), runs_as, place)


def _octets(template: templates.Template) -> bytes | texts.Text:
    """Return a text that is always the same as it is."""
    return (
        b"".join(one for one in template if isinstance(one, bytes))
        if all(isinstance(one, bytes) for one in template)
        else text(template)
    )


@lru_cache(64)
def _table(pairs: tuple[tuple[bytes, bytes], ...]) -> dict[bytes, bytes]:
    """Return a table, one for all that are alike: those of media types are large, and every host has one."""
    return dict(pairs)


def _no_answer(action: actions.Respond | actions.ServeFile) -> plan.Plan:
    raise TypeError(f"{action!r} is no part of a program")


def _parted(condition: conditions.Condition, changed: set[bytes]) -> tuple[conditions.Condition, conditions.Condition]:
    """Return what of a condition is known when the request is decided on, and what only when there is a response.

    What it says of fields that have been `changed` is seen when its own edit comes in turn, too.
    """
    parts = condition.of if isinstance(condition, conditions.All) else (condition,)
    later = [one for one in parts if _reads_response(one) or recipes.names(one) & changed or _reads_path(one)]
    now = [one for one in parts if one not in later]
    return _all(now), _all(later)


def _all(parts: list[conditions.Condition]) -> conditions.Condition:
    return conditions.Always() if not parts else parts[0] if len(parts) == 1 else conditions.All(tuple(parts))


def _reads_path(one: object) -> bool:
    """Tell whether a condition has the path as a text: that of a refused request is in no section, but it has one to show."""
    return recipes.mentions(one, Fact.PATH)


def _reads_response(one: object) -> bool:
    """Tell whether a condition or a text asks for something of the response."""
    return recipes.mentions(one, templates.ResponseField, Fact.STATUS, Fact.CONTENT_TYPE)


class Building:
    """The programs of one table."""

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        find: Find,
        answer: Callable[[actions.Respond | actions.ServeFile], Plan],
    ) -> None:
        """Build programs.

        Args:
            upstreams: the engine's, by name.
            find: an upstream for a scheme and an authority that a request names.
            answer: the plan of an answer of our own.
        """
        self._upstreams = upstreams
        self._find = find
        self._answer = answer
        self._members: dict[bytes, tuple[balance.Member, ...]] = {}  # of balancers, by their variables

    def steps(self, rules: Sequence[Rule], first: int = 0) -> list[program.Step]:
        """Return rules as they run, their numbers beginning at `first`."""
        size = len(rules)
        return [
            program.Step(
                first + at,
                test(rule.when),
                self._action(rule),
                _next(rule.then, at, size),
                _next(rule.otherwise, at, size),
                needed(rule.when),
            )
            for at, rule in enumerate(rules)
        ]

    def _balance(self, one: actions.Balance) -> balance.Balance:
        """Return a balancer. All rules that name one share its members, and with them whose turn it is and who is down."""
        members = self._members.get(one.note)
        if members is None or len(members) != len(one.members):
            members = self._members[one.note] = tuple(
                balance.Member(number, its.factor, its.route, its.redirect, its.spare, its.retry, its.group)
                for number, its in enumerate(one.members)
            )
        return balance.Balance(one.note.lower(), members, one.cookie, one.parameter, one.attempts, one.failover, one.separators)

    def _action(self, rule: Rule) -> program.Action | None:
        action: Any = rule.do
        match action:
            case actions.EditField():
                return program.EditNow(operation(rule, None))
            case actions.Nothing():
                return None
            case actions.Forward(name, None, _):
                return program.Forward(self._upstreams[name], None, program.AS_IS)
            case actions.ForwardTo(name, path, encoding, whole):
                return program.Forward(self._upstreams[name], text(path), _ENCODINGS[encoding], whole)
            case actions.ForwardAnywhere(url, encoding, whole):
                return program.Anywhere(text(url), _ENCODINGS[encoding], self._find, whole)
            case actions.ServeTree(path, indexes, types, overridden):
                return program.ServeTree(text(path), Tree(indexes, _table(types), overridden))
            case actions.ForwardAsked(by):
                return program.ForwardAsked(self._find, None if by is None else self._upstreams[by])
            case actions.Refuse(status, _, allow, phrase):
                return program.Finish(status, None if allow is None else text((allow,)), phrase)
            case actions.Redirect(status, location):
                return program.Finish(status, text(location), b"")
            case actions.Respond() | actions.ServeFile():
                return program.Answer(self._answer(action))
            case actions.Rewrite(path, query, handling):
                return program.Rewrite(text(path), text(query) if query else None, handling.value)
            case actions.TrustField(name, networks, inside, passed):
                return program.TrustField(name, networks, inside, passed)
            case actions.Hold(held):
                return program.Hold(text(held))
            case actions.SplitQuery(append, last, discard):
                return program.SplitQuery(append, last, discard)
            case actions.Count(what, most):
                return program.Count(what, most)
            case actions.Withdraw():
                return program.Withdraw()
            case actions.SetNote(name, value):
                return program.SetNote(name.lower(), text(value))
            case actions.Balance():
                return self._balance(action)
            case actions.UnsetNote(name):
                return program.UnsetNote(name.lower())
            case actions.Set(setting, value):
                return program.Set(SETTINGS[setting], value)
            case actions.Authenticate(realm, users):
                return program.Authenticate(realm, checker(users))
        raise TypeError(f"{action!r} decides nothing")


def operation(rule: Rule, runs_when: runs.Test | None) -> edits.FieldOperation:
    """Return an edit of a field as it runs."""
    edit = rule.do
    if isinstance(edit, actions.ReplacePrefix):
        return edits.FieldOperation(edits.PREFIX, b"", text(edit.public), None, runs_when, old=text(edit.prefix))
    if isinstance(edit, actions.ReplaceAttribute):
        name = edit.attribute.encode()
        return edits.FieldOperation(edits.ATTRIBUTE, name, text(edit.new), None, runs_when, old=text(edit.old))
    assert isinstance(edit, actions.EditField)
    return edits.FieldOperation(
        _OPERATIONS[edit.operation],
        edit.name,
        text(edit.value),
        None if edit.pattern is None else pattern(edit.pattern),
        runs_when,
        edit.always,
    )


def _next(then: Then | Skip, at: int, size: int) -> int:
    """Return where a rule leads."""
    if then is Then.NEXT:
        return at + 1
    if then is Then.STOP:
        return program.END
    if then is Then.RESTART:
        return 0
    assert isinstance(then, Skip)
    return min(at + 1 + then.count, size)
