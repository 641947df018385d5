"""Parts of a content: which octets are chosen, and what is said with them."""

import pytest

from perijove.engine import ranges

CONTENT = b"0123456789"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (b"0-3", [(0, 3)]),
        (b"5-100", [(5, 9)]),
        (b"-3", [(7, 9)]),
        (b"-20", [(0, 9)]),
        (b"10-", []),
        (b"20-30,40-", []),
        (b"3-2", None),
        (b"-0", None),
        (b"-", None),
        (b"", None),
        (b"0-1, 5-6", None),
        (b"0-1,", [(0, 1)]),
        (b"0-1,5-6", [(0, 1), (5, 6)]),
        (b"0-1,2-3", [(0, 3)]),
        (b"0-5,3-8", [(0, 8)]),
        (b"8-9,-4,0-1", [(6, 9), (0, 1)]),
        (b"3-4,0-", [(0, 9)]),
        (b"0-6,8-9,0-6", None),  # more than all
    ],
)
def test_chosen(asked: bytes, found: list[tuple[int, int]] | None) -> None:
    assert ranges.chosen(asked, len(CONTENT), ranges.DEFAULTS) == found


def test_limits() -> None:
    assert ranges.chosen(b"0-1,3-4,6-7", 10, (2, 20, 20)) is None
    assert ranges.chosen(b"0-3,2-5,4-6", 10, (200, 1, 20)) is None
    assert ranges.chosen(b"8-9,7-8,6-7", 10, (200, 20, 1)) is None
    assert ranges.chosen(b"0-1", 10, (0, 20, 20)) is None


def test_one_part() -> None:
    part = ranges.part(b"bytes=2-3", b"", [(b"Content-Type", b"text/plain")], CONTENT, ranges.DEFAULTS)
    assert part is not None
    assert (part.status, part.content, part.line, part.kind) == (206, b"23", b"Content-Range: bytes 2-3/10\r\n", b"")


def test_several_parts() -> None:
    part = ranges.part(b"bytes=0-1,5-6", b"", [(b"Content-Type", b"text/plain")], CONTENT, ranges.DEFAULTS)
    assert part is not None
    boundary = part.kind.removeprefix(b"multipart/byteranges; boundary=")
    assert part.content.count(b"\r\n--" + boundary) == 3
    assert b"\r\nContent-type: text/plain\r\nContent-range: bytes 5-6/10\r\n\r\n56\r\n" in part.content


@pytest.mark.parametrize(
    ("if_range", "field", "same"),
    [
        (b'"x"', (b"ETag", b'"x"'), True),
        (b'"x"', (b"ETag", b'"y"'), False),
        (b'W/"x"', (b"ETag", b'W/"x"'), False),
        (b"Mon, 16 Nov 2026 00:00:00 GMT", (b"Last-Modified", b"Mon, 16 Nov 2026 00:00:00 GMT"), True),
        (b"Mon, 16 Nov 2026 00:00:01 GMT", (b"Last-Modified", b"Mon, 16 Nov 2026 00:00:00 GMT"), False),
        (b"Mon, 23 Nov 2026 00:00:00 GMT", (b"Last-Modified", b"Mon, 23 Nov 2026 00:00:00 GMT"), False),  # just now
        (b"nonsense", (b"Last-Modified", b"nonsense"), False),
    ],
)
def test_if_range(if_range: bytes, field: tuple[bytes, bytes], same: bool) -> None:
    lines = [(b"Date", b"Mon, 23 Nov 2026 00:00:30 GMT"), field]
    assert (ranges.part(b"bytes=0-1", if_range, lines, CONTENT, ranges.DEFAULTS) is not None) is same


@pytest.mark.parametrize("line", [(b"Content-Range", b"bytes 0-9/20"), (b"content-type", b"multipart/byteranges; boundary=x")])
def test_what_is_a_part_stays(line: tuple[bytes, bytes]) -> None:
    assert ranges.part(b"bytes=0-1", b"", [line], CONTENT, ranges.DEFAULTS) is None
