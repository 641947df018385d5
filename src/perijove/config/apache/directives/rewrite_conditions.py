"""Which requests a RewriteRule is for: its pattern, and the conditions before it.

Knows when httpd looks at what, and what `%1` stands for then (apply_rewrite_rule, apply_rewrite_cond of mod_rewrite.c).
Must not know what rules do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives.rewrite_syntax import Compared, Cond, Lookup, RuleLine
from perijove.config.apache.directives.rewrite_text import Around, expand
from perijove.config.apache.words import octets
from perijove.gateway.conditions import (
    All,
    Always,
    Any,
    Compares,
    Comparison,
    Condition,
    Disk,
    Matches,
    Not,
    NotEmpty,
    OnDisk,
    Pattern,
)
from perijove.gateway.templates import Call, Fact, Function, Template, Without

if TYPE_CHECKING:
    from perijove.text.source import Span

HELD: Final[Template] = (Fact.HELD,)
_backreference: Final = re.compile(r"%[0-9]").search


def applies(
    line: RuleLine, around: Around, expression: Callable[[str, Span], Condition], directory: bytes | None, info: Template = ()
) -> Condition:
    """Return when a rule is for a request: the pattern is looked at first, then the conditions in order.

    Args:
        line: the rule.
        around: what its texts may refer to.
        expression: what RewriteCond expr says.
        directory: in a section: its path, which the held text is taken without.
        info: what stands behind the held text, for the pattern.
    """
    subject: Template = HELD if directory is None else (Without((*HELD, *info), directory),)
    first: Condition = Matches(subject, line.pattern, captures=not line.negated)
    tests: list[Condition] = [Not(first) if line.negated else first]
    around = replace(around, groups=not line.negated, kept=False)
    sure = forget = False
    group: list[Condition] = []
    for one in line.conditions:
        forget |= around.kept and not sure and bool(_backreference(one.text))
        group.append(condition(one, around, expression))
        keeps = keeps_groups(one)
        around = replace(around, kept=around.kept or keeps)
        if not one.ornext:
            sure = sure or (keeps and len(group) == 1)
            tests.append(group[0] if len(group) == 1 else Any(tuple(group)))
            group = []
    # A list that ends with OR holds whatever its last ones say; they are looked at all the same.
    if group:
        tests.append(Any((*group, Always())))
    if around.kept and not sure and (forget or any(map(_backreference, line.texts))):
        # httpd forgets what `%1` stood for whenever a pattern is found.
        tests.insert(1, Matches((b"",), Pattern(b""), keeps=True))
    return tests[0] if len(tests) == 1 else All(tuple(tests))


def keeps_groups(cond: Cond) -> bool:
    """Tell whether `%1` may refer to what a condition finds."""
    return not cond.negated and (cond.kind is None or isinstance(cond.kind, Pattern))


def condition(cond: Cond, around: Around, expression: Callable[[str, Span], Condition], keeps: bool = True) -> Condition:
    """Return what one RewriteCond asks; without `keeps`, what its pattern finds is forgotten."""
    subject = expand(cond.text, around)
    kind = cond.kind
    held: Condition
    if kind is None:
        held = expression(cond.argument, cond.span)
    elif isinstance(kind, Pattern):
        held = Matches(subject, kind, keeps=keeps and not cond.negated)
    elif isinstance(kind, Disk):
        held = OnDisk(subject, kind)
    elif isinstance(kind, Lookup):
        held = NotEmpty(subject) if kind is Lookup.URL else OnDisk(subject, Disk.ANYTHING)
    else:
        held = _compared(subject, kind, cond)
    return Not(held) if cond.negated else held


def _compared(subject: Template, kind: Compared, cond: Cond) -> Condition:
    how, argument = kind.how, octets(cond.argument)
    if cond.nocase:
        # strcasecmp(3) looks at the octets, whatever the sizes are.
        plain = {Comparison.SHORTER: Comparison.LESS, Comparison.LONGER: Comparison.MORE}
        subject, argument, how = (Call(Function.LOWER, subject),), argument.lower(), plain.get(how, how)
    held = Compares(subject, how, (argument,))
    return Not(held) if kind.inverse else held
