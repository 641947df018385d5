"""Every request and every answer of the tables, through perijove in each dialect: refused, or one clean message; nothing else.

A relay that copies octets is the peer that is known to fail: the same judge must find fault with it. With nginx and others
(`SECURITY_PEER`, `make security`) it finds what they are known for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.security import answers, play, requests
from tests.security.conftest import ALL
from tests.security.stage import BROKEN, LAX, UNSAFE, Recorder, converse
from tests.server.parts import Origin
from tests.server.test_malformed import Relay

# All share one engine: one dialect plays all, the others a part, and --to, which is TOML in the end, only with SECURITY=all.
SHARES = {"toml": 1, "apache-file": 3, "chp": 3} if not ALL else dict.fromkeys(("to", "toml", "apache-file", "chp"), 1)
# What upstreams that take `;` or `\` for more than they are would read elsewhere, or that decode twice: Jupyter must get them as they are.
LOOSE = 9


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("group", ["requests", "answers"])
def test_messages(group: str, name: str, tmp_path: Path) -> None:
    verdicts = play.GROUPS[group](name, tmp_path, at_once=8, share=SHARES[name])
    assert {label: verdict for label, verdict in verdicts.items() if verdict.verdict != "SAFE"} == {}


@pytest.mark.parametrize("name", SHARES)
def test_trust(name: str, tmp_path: Path) -> None:
    verdicts = play.play_trust(name, tmp_path, at_once=8, share=SHARES[name])
    assert {label: verdict for label, verdict in verdicts.items() if verdict.verdict in (UNSAFE, BROKEN)} == {}
    assert len([one for one in verdicts.values() if one.verdict == LAX]) <= LOOSE


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def relay(recorder: Recorder) -> Iterator[Relay]:
    origin = Origin(recorder)
    made = Relay(origin.port)
    yield made
    made.stop()
    origin.faults.clear()
    origin.stop()


def test_the_judge_finds_fault_with_a_relay(relay: Relay, recorder: Recorder) -> None:
    """Of each kind of attack, some case is seen."""
    seen: set[str] = set()
    kinds = {
        "TE",
        "CL.TE",
        "TE.TE",
        "CL",
        "CL.CL",
        "chunk size",
        "chunk end",
        "last chunk",
        "trailer",
        "control",
        "bare CR or LF",
        "Host",
        "field name",
        "field line",
        "request line",
        "upgrade",
    }
    for number, case in enumerate(requests.cases()):
        if case.kind not in kinds - seen:
            continue
        token = b"c%04d-" % number
        outcome = converse(relay.port, case.pieces(token), case.methods, 0, quiet=0.03)
        verdict = requests.judge(case, token, outcome, recorder)
        if verdict.verdict == UNSAFE:
            seen.add(case.kind)
    assert seen == kinds


@pytest.mark.parametrize(
    ("name", "data", "ended", "verdict"),
    [
        ("cut: chunked, behind a chunk, fin, HTTP/1.1", answers.CHUNKED + b"0\r\n\r\n", "fin", UNSAFE),
        ("cut: chunked, behind a chunk, fin, HTTP/1.1", answers.CHUNKED, "open", BROKEN),
        ("cut: chunked, behind a chunk, fin, HTTP/1.1", answers.CHUNKED, "fin", "SAFE"),
        ("cut: chunked, behind a chunk, fin, HTTP/1.0", b"HTTP/1.1 200 OK\r\n\r\nhello", "fin", UNSAFE),
        ("cut: chunked, behind a chunk, fin, HTTP/1.0", b"HTTP/1.1 200 OK\r\n\r\nhello", "rst", "SAFE"),
        ("second answer: at once", answers.HELLO + answers.SECOND, "open", UNSAFE),
        ("second answer: at once", answers.HELLO, "open", "SAFE"),
        ("second answer: at once", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "open", BROKEN),
        ("control: b'\\r' in a value", b"HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: stolen=1\r\nContent-Length: 5\r\n\r\nhello", "open", UNSAFE),
        ("control: b'\\n' in a value", b"HTTP/1.1 200 OK\r\nA: b\r\nSet-Cookie: stolen=1\r\nContent-Length: 5\r\n\r\nhello", "open", UNSAFE),
        ("interim: 101 that was not asked for", b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "open", UNSAFE),
    ],
)  # fmt: skip
def test_the_judge_of_answers(name: str, data: bytes, ended: str, verdict: str) -> None:
    from tests.security.stage import Outcome

    case = next(one for one in answers.cases() if f"{one.kind}: {one.name}" == name)
    outcome = Outcome(data, ended)
    outcome.read([case.method])
    assert answers.judge(case, outcome).verdict == verdict


def test_names_of_cases_are_of_one_case_each() -> None:
    for cases in (requests.cases(), answers.cases()):
        names = [f"{case.kind}: {case.name}" for case in cases]
        assert len(set(names)) == len(names)
