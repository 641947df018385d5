"""Numbers of field names, and the sets made of them."""

from itertools import pairwise

import pytest

from perijove.engine import fields
from perijove.engine.fields import NAMES, NUMBERS, mask

SETS = ["HOP_BY_HOP", "REQUEST_DROP", "RESPONSE_DROP", "OWNED", "FRAMING", "NOT_NOMINATED"]


def members(bits: int) -> set[bytes]:
    return {name for name, number in NUMBERS.items() if bits >> number & 1}


def test_numbers_are_one_after_the_other_and_fit_a_mask() -> None:
    assert sorted(NUMBERS.values()) == list(range(1, fields.COUNT))
    assert fields.OTHER == 0
    assert fields.COUNT <= 63  # bit 63 is the sign of C's long long


def test_each_number_has_one_name() -> None:
    assert len(NAMES) == len(NUMBERS)
    assert all(NAMES[number] == name for name, number in NUMBERS.items())


@pytest.mark.parametrize("name", NUMBERS)
def test_a_constant_is_called_as_its_field(name: bytes) -> None:
    assert name == name.lower()
    assert b"_" not in name  # "_" stands for "-" in a look-alike only
    assert getattr(fields, name.decode().upper().replace("-", "_")) == NUMBERS[name]


def test_constants_are_written_in_order() -> None:
    numbers = [vars(fields)[name.decode().upper().replace("-", "_")] for name in NUMBERS]
    assert all(a < b for a, b in pairwise(numbers))


@pytest.mark.parametrize(("numbers", "bits"), [((), 0), ((0,), 1), ((1, 3), 0b1010), ((3, 1, 3), 0b1010), ((50,), 1 << 50)])
def test_mask(numbers: tuple[int, ...], bits: int) -> None:
    assert mask(*numbers) == bits


@pytest.mark.parametrize("name", SETS)
def test_sets_have_known_fields_only(name: str) -> None:
    bits = getattr(fields, name)
    assert bits == mask(*(NUMBERS[one] for one in members(bits)))
    assert not bits >> fields.OTHER & 1  # or every field that is not known would be in it


def test_what_is_dropped() -> None:
    # RFC 9110 §7.6.1, and the two that frame a message (RFC 9112 §6)
    assert members(fields.HOP_BY_HOP) == {
        b"connection",
        b"proxy-connection",
        b"keep-alive",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",
    }
    extra = {b"proxy-authorization", b"proxy", b"http2-settings"}
    assert members(fields.REQUEST_DROP) == members(fields.HOP_BY_HOP) | extra
    assert members(fields.RESPONSE_DROP) == members(fields.HOP_BY_HOP) | {b"proxy-authenticate"}


@pytest.mark.parametrize(
    "name",
    ["HOST", "COOKIE", "AUTHORIZATION", "SET_COOKIE", "LOCATION", "WWW_AUTHENTICATE", "ORIGIN", "DATE", "EXPECT", "RANGE"],
)
def test_what_goes_through(name: str) -> None:
    number = getattr(fields, name)
    assert not (fields.REQUEST_DROP | fields.RESPONSE_DROP | fields.OWNED) >> number & 1


def test_fields_of_the_client_are_those_that_forward_it() -> None:
    owned = members(fields.OWNED)
    assert {name for name in NUMBERS if name.startswith(b"x-forwarded-")} < owned
    assert owned - {name for name in owned if name.startswith(b"x-forwarded-")} == {
        b"forwarded", b"x-real-ip", b"x-scheme", b"remote-user", b"x-remote-user",
    }  # fmt: skip
    assert fields.OWNED & fields.REQUEST_DROP == 0  # a plan may let a trusted peer's go on


def test_what_frames_a_message_cannot_be_taken_away() -> None:
    assert members(fields.FRAMING) == {b"content-length", b"transfer-encoding", b"host"}
    assert fields.FRAMING & ~fields.NOT_NOMINATED == 0
    assert members(fields.NOT_NOMINATED & ~fields.FRAMING) == {b"connection", b"upgrade"}
