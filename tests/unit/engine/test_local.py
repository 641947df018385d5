"""Files of a tree: what leaves, whole or in part, and what never does."""

import os
from pathlib import Path

import pytest

from perijove.engine.local import Tree

CONTENT = b"local file\n"
PLAIN = Tree((), {}, False)


@pytest.fixture
def folder(tmp_path: Path) -> bytes:
    (tmp_path / "a.txt").write_bytes(CONTENT)
    (tmp_path / "index.html").write_bytes(b"index\n")
    (tmp_path / "page.php").write_bytes(b"<?php secret(); ?>")
    (tmp_path / ".htpasswd").write_bytes(b"bob:hash\n")
    (tmp_path / "guarded").mkdir()
    (tmp_path / "guarded" / ".htaccess").write_bytes(b"Require all denied\n")
    (tmp_path / "guarded" / "b.txt").write_bytes(CONTENT)
    os.utime(tmp_path / "a.txt", (1700000000, 1700000000))
    os.mkfifo(tmp_path / "fifo")
    return bytes(tmp_path)


def test_a_file_as_httpd_answers_with_it(folder: bytes) -> None:
    found = PLAIN.answer(folder + b"/a.txt", {})
    assert (found.status, found.content) == (200, CONTENT)
    assert found.lines == [
        (b"Last-Modified", b"Tue, 14 Nov 2023 22:13:20 GMT"),
        (b"ETag", b'"b-60a24181e4000"'),
        (b"Accept-Ranges", b"bytes"),
    ]


@pytest.mark.parametrize("name", [b"/page.php", b"/.htpasswd", b"/fifo", b"/a.txt\0.png"])
def test_what_never_leaves(folder: bytes, name: bytes) -> None:
    found = PLAIN.answer(folder + name, {})
    assert (found.status, found.content) == (403, None)


@pytest.mark.parametrize("name", [b"/none", b"/none.php", b"/page.php/x", b"/a.txt/x", b"/", b""])
def test_what_is_not_there(folder: bytes, name: bytes) -> None:
    assert PLAIN.answer(folder + name, {}).status == 404


def test_directories(folder: bytes) -> None:
    tree = Tree((b"none.html", b"index.html"), {}, False)
    assert tree.answer(folder + b"/", {}).content == b"index\n"
    assert tree.answer(folder, {}).status == 301
    assert tree.answer(folder + b"/guarded/", {}).status == 404


def test_what_a_file_that_is_not_read_may_forbid(folder: bytes) -> None:
    assert PLAIN.answer(folder + b"/guarded/b.txt", {}).status == 200
    assert Tree((), {}, True).answer(folder + b"/guarded/b.txt", {}).status == 403
    assert Tree((), {}, True).answer(folder + b"/a.txt", {}).status == 200


def test_types(folder: bytes) -> None:
    tree = Tree((), {b"txt": b"text/plain"}, False)
    assert (b"Content-Type", b"text/plain") in tree.answer(folder + b"/a.txt", {}).lines


@pytest.mark.parametrize(
    ("fields", "status", "content"),
    [
        ({b"if-none-match": b'"b-60a24181e4000"'}, 304, b""),
        ({b"if-none-match": b'"x", W/"b-60a24181e4000"'}, 304, b""),
        ({b"if-none-match": b'"x"', b"if-modified-since": b"Tue, 14 Nov 2023 22:13:20 GMT"}, 200, CONTENT),
        ({b"if-modified-since": b"Tue, 14 Nov 2023 22:13:20 GMT"}, 304, b""),
        ({b"if-modified-since": b"Tue, 14 Nov 2023 22:13:19 GMT"}, 200, CONTENT),
        ({b"if-modified-since": b"nonsense"}, 200, CONTENT),
        ({b"range": b"bytes=0-4"}, 206, b"local"),
        ({b"range": b"bytes=6-"}, 206, b"file\n"),
        ({b"range": b"bytes=-5"}, 206, b"file\n"),
        ({b"range": b"bytes=6-99"}, 206, b"file\n"),
        ({b"range": b"bytes=11-"}, 416, None),
        ({b"range": b"bytes=0-4,2-6"}, 206, b"local f"),
        ({b"range": b"bytes=5-1"}, 200, CONTENT),
        ({b"range": b"bytes=-"}, 200, CONTENT),
        ({b"range": b"bytes=0-4", b"if-range": b'"other"'}, 200, CONTENT),
    ],
)
def test_in_part_or_not_at_all(folder: bytes, fields: dict[bytes, bytes], status: int, content: bytes | None) -> None:
    found = PLAIN.answer(folder + b"/a.txt", fields)
    assert (found.status, found.content) == (status, content)


def test_in_parts(folder: bytes) -> None:
    found = PLAIN.answer(folder + b"/a.txt", {b"range": b"bytes=0-1,3-4"})
    kinds = [value for name, value in found.lines if name == b"Content-Type"]
    assert (found.status, len(kinds)) == (206, 1)
    assert kinds[0].startswith(b"multipart/byteranges; boundary=")


TAG = b'"b-60a24181e4000"'
BEFORE, AT, AFTER = (b"Tue, 14 Nov 2023 22:13:%02d GMT" % second for second in (19, 20, 21))


@pytest.mark.parametrize(
    ("fields", "reads", "status"),
    [
        ({b"if-match": b"*"}, True, 200),
        ({b"if-match": b'"a", ' + TAG}, True, 200),
        ({b"if-match": b"W/" + TAG}, True, 412),  # RFC 9110 §13.1.1: compared strongly
        ({b"if-match": b'"a"'}, False, 412),
        ({b"if-match": TAG, b"if-unmodified-since": BEFORE}, True, 200),  # the latter does not count
        ({b"if-unmodified-since": BEFORE}, True, 412),
        ({b"if-unmodified-since": AT}, True, 200),
        ({b"if-none-match": TAG}, True, 304),
        ({b"if-none-match": TAG}, False, 412),
        ({b"if-none-match": b'"a"', b"if-modified-since": AFTER}, True, 200),
        ({b"if-modified-since": AT}, True, 304),
        ({b"if-modified-since": AT}, False, 200),
        ({b"if-match": b'"a"', b"range": b"bytes=0-1"}, True, 412),
    ],
)
def test_conditions(folder: bytes, fields: dict[bytes, bytes], reads: bool, status: int) -> None:
    found = PLAIN.answer(folder + b"/a.txt", fields, reads)
    assert (found.status, found.content) == (status, CONTENT if status == 200 else b"")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("a.txt", [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Language", b"fr")]),
        ("a.html.de.en", [(b"Content-Type", b"text/html"), (b"Content-Language", b"de,en")]),
        ("a.HTML.txt", [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Language", b"fr")]),
        ("a.lat.txt", [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Language", b"fr")]),
        ("a.html..u8.lat", [(b"Content-Type", b"text/x; charset=utf-8"), (b"Content-Language", b"fr")]),
        ("a.gz.z", [(b"Content-Encoding", b"x-gzip, z"), (b"Content-Language", b"fr")]),
        ("html", [(b"Content-Language", b"fr")]),
        (".txt", [(b"Content-Language", b"fr")]),
        ("a.none.html", [(b"Content-Type", b"text/html"), (b"Content-Language", b"fr")]),
    ],
)
def test_what_names_say(tmp_path: Path, name: str, lines: list[tuple[bytes, bytes]]) -> None:
    types = {b"txt": b"text/plain", b"html": b"text/html", b"lat": b"text/x; charset=latin1", b"none": b""}
    traits = {
        b"txt": (b"utf-8", b"", b""),
        b"u8": (b"utf-8", b"", b""),
        b"de": (b"", b"de", b""),
        b"en": (b"", b"en", b""),
        b"gz": (b"", b"", b"x-gzip"),
        b"z": (b"", b"", b"z"),
    }
    (tmp_path / name).write_bytes(b"x")
    found = Tree((), types, False, traits, b"fr").answer(bytes(tmp_path / name), {})
    assert found.lines[3:] == lines
