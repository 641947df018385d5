"""Make the program of a virtual host whose rules are more than paths.

Knows the stages of a host, and what a plan is made of when its rules have run. Must not know what single rules are (`steps`,
`conditions`, `texts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from perijove.engine import changes, const, edits, fields, plan, program, texts
from perijove.engine.ranges import DEFAULTS
from perijove.engine.state import DECODED, KEPT, REFUSED
from perijove.gateway import actions, conditions, templates
from perijove.gateway.conditions import Setting
from perijove.gateway.rules import Then
from perijove.gateway.templates import Fact
from perijove.routing import fold, recipes, shorten
from perijove.routing.conditions import SETTINGS, needed, test
from perijove.routing.steps import Building, Find, operation
from perijove.routing.texts import pattern, text

if TYPE_CHECKING:
    from perijove.engine.state import State
    from perijove.engine.upstream import Upstream
    from perijove.gateway.model import VirtualHost

_SLASHES: Final = {"off": REFUSED, "on": DECODED, "nodecode": KEPT}


def nowhere(scheme: bytes, authority: bytes, barred: bool = False) -> Upstream | None:
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
    route = building.steps([sure.folded(rule) for rule in stages.route])
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
        steps.append(program.Step(first + number, test(now), changes.Select(number), number + 1, number + 1, needed(now)))
    requests = len(stages.request)
    defaults: list[Any] = [_BEGINNING.get(setting) for setting in SETTINGS]
    for rule in stages.route:
        # What is set first of all holds for requests, too, that are refused before any rule has run.
        if not isinstance(rule.do, actions.Set) or rule.when != conditions.Always() or rule.then is not Then.NEXT:
            break
        number, value = SETTINGS[rule.do.setting], rule.do.value
        defaults[number] = (
            (*defaults[number], *value) if isinstance(value, tuple) and rule.do.setting is Setting.PAGES else value
        )

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
        made.allow = b"TRACE" if stages.allow.endswith(b"TRACE") else b""
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
                made.pages[status] = (const.INSIDE if page.local else const.ELSEWHERE, _octets(page.elsewhere))
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
    runs_as.own = None if stages.own is None else test(stages.own)
    return plan.HostTable((), runs_as, place)


def _octets(template: templates.Template) -> bytes | texts.Text:
    """Return a text that is always the same as it is."""
    return (
        b"".join(one for one in template if isinstance(one, bytes))
        if all(isinstance(one, bytes) for one in template)
        else text(template)
    )


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
