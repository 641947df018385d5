"""Regular expressions: whatever is written, it is translated or refused, soon; and what is translated is searched for soon.

What it finds is compared with PCRE2 by tests/property/test_regex.py.
"""

from __future__ import annotations

import re
import signal
import time
from typing import Final

from tests.fuzz.target import Outcome, Target

from perijove.config.apache.regex import Untranslatable, translate
from perijove.engine.machine import Machine
from perijove.engine.pattern import Pattern

_SOON: Final = 2.0  # seconds of CPU: a hang is minutes
_UNITS: Final = (b"a", b"ab", b"/", b"a/", b" ", b"\n", b"aaaaaaaaaaaaaaaaaaaaaaaaaX", b"\xff", b".")
_SIZE: Final = 2000  # octets of a subject


def _machine(pattern: bytes) -> Machine | None:
    try:
        return Machine(pattern)
    except ValueError:  # it is too large for that; `re` runs it
        return None


def _late(*_: object) -> None:
    raise TimeoutError("it does not come to an end")


def check(octets: bytes) -> Outcome:
    """Octet 0 chooses what the subject is made of, and whether case counts; a pattern follows."""
    # Of CPU, so that a busy machine is no hang. `re` looks for signals now and then.
    signal.signal(signal.SIGVTALRM, _late)
    signal.setitimer(signal.ITIMER_VIRTUAL, 2 * _SOON)
    try:
        return _checked(octets)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _checked(octets: bytes) -> Outcome:
    choice, pattern = octets[:1] or b"\0", octets[1:]
    began = time.process_time()
    try:
        made = translate.__wrapped__(pattern, bool(choice[0] & 128))
    except Untranslatable as why:
        assert 0 <= why.offset <= len(pattern) + 1
        assert why.reason
        assert time.process_time() - began < _SOON, "refused, but late"
        return "refused", why.reason, why.offset
    runs = Pattern(made.pattern, made.guarded)
    translated = time.process_time()
    assert translated - began < _SOON, "translated, but late"
    literal = re.sub(rb"[^0-9A-Za-z/. -]", b"", pattern)[:40]
    unit = (*_UNITS, literal or b"a")[choice[0] % 10]
    slow = None if made.guarded else _machine(made.pattern)
    spans = []
    for subject in (unit * (_SIZE // len(unit)), (unit * (_SIZE // len(unit)))[:-1] + b"!", literal):
        found = runs.search(subject)
        spans.append(None if found is None else found.span())
        if slow is not None:
            other = slow.search(subject)
            assert slow.gave_up or (None if other is None else other.span()) == spans[-1], "the two runners differ"
    assert time.process_time() - translated < _SOON, "searched for too long"
    return "guarded" if made.guarded else "plain", made.pattern, spans


_SEEDS: Final = (
    b"^/(.*)$", b"(user/([^/]+)*)*", b"(?i:a|b)+(?<n>c)\\k<n>", b"[[:alpha:]_-]{2,5}(?=/)", b"\\Qa.b\\E(?|(a)|(b))\\1", b"^(?!/api).*?/lab\\b", b"(a+)+$", b"(?:a|a)*b",
    b"((a*)*)*", b"(x+x+)+y", b"\\d{1,3}(?:\\.\\d{1,3}){3}", b"(?>a*)a++", b"(.*)(.*)(.*)(.*)=(.*)",
)  # fmt: skip
_WORDS: Final = (
    b"(", b")", b"(?:", b"(?=", b"(?!", b"(?<=", b"(?<!", b"(?>", b"(?|", b"(?i)", b"(?x)", b"(?<n>", b"(?#", b"[", b"]", b"[^", b"[[:digit:]]", b"\\Q", b"\\E", b"\\K", b"\\1",
    b"\\g{-1}", b"\\k<n>", b"\\x{ffff}", b"\\x", b"\\o{7}", b"\\p{L}", b"\\R", b"\\X", b"*", b"+", b"?", b"*+", b"{0,}", b"{65535}", b"{999999}", b"{1,1000}", b"|", b"^", b"$", b"\\b",
    b"(*SKIP)", b"(*UTF8)", b"(?R)", b"(?1)", b"(?&n)", b"(?(1)a|b)", b"(?C)", b".", b".*", b"(.*)", b"\\", b"\0", b"\xff", b"a{1,5}{1,5}", b"(" * 100, b"a?" * 30, b"[" * 50,
)  # fmt: skip

TARGET: Final = Target(
    "patterns",
    check,
    tuple(bytes((number,)) + one for number, one in enumerate(_SEEDS)),
    _WORDS,
    ("plain", "guarded", "refused"),
    engine=False,
    count=2000,
)
