"""The oracle sees what it is there to see: a record that differs in anything that matters is told apart."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.oracle import case as cases
from tests.oracle.compare import differences

Record = dict[str, Any]


def golden(name: str) -> Record:
    found: Record = json.loads(cases.load(name).golden.read_text())
    return found


def first(record: Record) -> Record:
    found: Record = record["results"][0]
    return found


CHANGES: dict[str, Callable[[Record], object]] = {
    "status": lambda record: first(record)["client"].update(status=418),
    "field of the response": lambda record: first(record)["client"]["headers"].append(["X-More", "1"]),
    "body": lambda record: first(record)["client"].update(body_sha256="0"),
    "request line": lambda record: first(record)["upstream"][0].update(request_line="GET /other HTTP/1.1"),
    "field of the request": lambda record: first(record)["upstream"][0]["headers"].pop(0),
    "which upstream": lambda record: first(record)["upstream"][0].update(upstream="UPSTREAM2"),
    "upstream not asked": lambda record: first(record)["upstream"].clear(),
    "upstream asked twice": lambda record: first(record)["upstream"].append(first(record)["upstream"][0]),
    "interim response": lambda record: first(record)["client"].update(interim=[{"status": 103, "headers": []}]),
    "trailers": lambda record: first(record)["client"].update(trailers=[["X-Sum", "1"]]),
    "second response": lambda record: first(record)["client"].update(then={"status": 200}),
    "verdict": lambda record: record["configtest"].update(rc=1),
    "start": lambda record: record.update(started=False, exit=1, start_message="no", results=[]),
    "internal error": lambda record: record.update(broken=["Traceback"]),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_difference_is_seen(what: str) -> None:
    expected = golden("rw-proxy-basic")
    found = copy.deepcopy(expected)
    assert differences(expected, found, strict=True) == []
    CHANGES[what](found)
    assert differences(expected, found, strict=False)


STRICT: dict[str, Callable[[Record], object]] = {
    "order": lambda record: first(record)["client"]["headers"].reverse(),
    "spelling": lambda record: first(record)["client"]["headers"][0].__setitem__(0, "DATE"),
    "reason": lambda record: first(record)["client"].update(reason="Fine"),
    "framing": lambda record: first(record)["client"].update(framing="chunked"),
    "hop": lambda record: first(record)["upstream"][0]["headers"][-1].__setitem__(1, "Keep-Alive"),
}


@pytest.mark.parametrize("what", STRICT)
def test_a_small_difference_is_seen_when_asked_for(what: str) -> None:
    expected = golden("rw-proxy-basic")
    found = copy.deepcopy(expected)
    STRICT[what](found)
    assert differences(expected, found, strict=False) == []
    assert differences(expected, found, strict=True)


def test_what_is_done_otherwise_on_purpose_must_be() -> None:
    expected = golden("rw-proxy-basic")
    found = copy.deepcopy(expected)
    assert differences(expected, found, strict=False, otherwise=frozenset({0}))
    CHANGES["status"](found)
    assert differences(expected, found, strict=False, otherwise=frozenset({0})) == []
    assert differences(expected, found, strict=False, otherwise=frozenset({1}))


def test_a_refusal_needs_a_message_and_an_exit_status() -> None:
    expected = golden("loc-path-arg-error")
    for change in ({"exit": 0}, {"start_message": ""}, {"start_message": "No such option."}):
        assert differences(expected, expected | change, strict=False)


@pytest.mark.parametrize("name", cases.names())
def test_a_case_can_be_read(name: str) -> None:
    case = cases.load(name)
    assert case.golden.exists(), f"record it: make oracle CASES={name} WRITE=1"
    record = golden(name)
    assert len(record["results"]) == (len(case.requests) if record["started"] else 0)


def test_every_record_has_its_case() -> None:
    records = {path.name.removesuffix(".golden.json") for path in cases.CASES.glob("*.golden.json")}
    assert records == set(cases.names())
