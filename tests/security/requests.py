"""Requests: what becomes of those of `attacks` and of `traffic`."""

from __future__ import annotations

from tests.security import attacks, traffic
from tests.security.case import Case
from tests.security.stage import BROKEN, LAX, SAFELY, UNSAFE, Outcome, Recorder, Verdict

# What Apache does with these is recorded in tests/oracle, and its file is served so: targets are mapped, `OPTIONS *` is answered,
# fields have 8,190 octets, and a server that answers a POST with a WebSocket gets one.
ELSEWHERE = {("apache-file", kind) for kind in ("targets", "OPTIONS", "limits", "upgrade by another method")}


def cases() -> list[Case]:
    """All of them."""
    return [*attacks.cases(), *traffic.cases()]


def judge(case: Case, token: bytes, outcome: Outcome, recorder: Recorder) -> Verdict:
    """Say what became of a case, of what both sides saw."""
    messages, connections = recorder.of(token)
    messages = [one for one in messages if b"innocent" not in one.first[1]]
    for seen in connections:
        if seen.fault:
            return Verdict(UNSAFE, f"upstream: {seen.fault}")
        if seen.tunnel is not None and case.kind != "WebSocket" and (seen.tunnel or 101 in outcome.statuses):
            return Verdict(UNSAFE, f"a tunnel to {seen.protocol!r}: {seen.tunnel[:60]!r}")
    if outcome.fault:
        return Verdict(UNSAFE, f"client: {outcome.fault}")
    hidden = [one for one in messages if b"hidden" in one.first[1]]
    if hidden and case.most < 2:
        return Verdict(UNSAFE, "the hidden request was served")
    if len(outcome.answers) > max(case.most, len(case.methods)) or len(messages) > max(case.most, len(case.methods)):
        return Verdict(UNSAFE, f"{len(messages)} requests upstream, answered {outcome.statuses}")
    if case.attack:
        return _attacked(case, outcome, len(messages))
    if tuple(outcome.statuses) != case.statuses:
        return Verdict(BROKEN, f"answered {outcome.statuses} {outcome.data[:80]!r} {outcome.ended}")
    if case.content is None:
        return SAFELY
    if case.targets == (b"*",):
        messages = [one for one in recorder.messages if token in one.get(b"x")]
    targets = [one.replace(b"<mark>", token) for one in case.targets]
    came = [(one.first[0], one.first[1], one.content) for one in messages]
    wanted = list(zip(case.methods, targets, case.content, strict=True))
    if came != wanted:
        return Verdict(BROKEN, f"upstream saw {str(came)[:200]}, not {str(wanted)[:200]}")
    if any(
        b"%b %b" % one.first != two.content
        for one, two in zip(messages, outcome.answers, strict=True)
        if two.content and two.status == 200
    ):
        return Verdict(UNSAFE, "answers are not of their requests")
    if (
        case.kind == "WebSocket"
        and case.statuses == (101,)
        and b"early" in outcome.rest != b"early" in b"".join(p for p in case.send if isinstance(p, bytes))
    ):
        return Verdict(BROKEN, f"the tunnel said {outcome.rest!r}")
    return SAFELY


def _attacked(case: Case, outcome: Outcome, served: int) -> Verdict:
    refused = [status for status in outcome.statuses if status >= 400]
    if served and not refused and case.refuse:
        return Verdict(LAX, "mended, not refused")
    if refused and case.closes and outcome.ended == "open":
        return Verdict(LAX, f"refused with {refused[0]}, and the connection goes on")
    return SAFELY
