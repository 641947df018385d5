"""Small files: what is served, and all that must not be."""

import os
import socket
from pathlib import Path

import pytest

from perijove.engine import files

TOKEN = b"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"  # RFC 8555 §8.3
SECRET = b"not for you"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a secret beside it."""
    (tmp_path / "secret").write_bytes(SECRET)
    made = tmp_path / "served"
    made.mkdir()
    return made


def read(folder: Path, name: bytes) -> bytes | None:
    return files.read(os.fsencode(folder), name)


@pytest.mark.parametrize("name", [TOKEN, b"a", b"-", b"_", b"-rf", b"0" * 255])
@pytest.mark.parametrize("content", [b"", b"x", b"x" * files.MOST])
def test_what_is_served(name: bytes, content: bytes, folder: Path) -> None:
    (folder / name.decode()).write_bytes(content)
    assert read(folder, name) == content


@pytest.mark.parametrize(
    "name",
    [
        b"", b".", b"..", b"../secret", b"/secret", b"a/../../secret", b"..%2fsecret", b"%2e%2e/secret", b"..\\secret",
        b"a.b", b".hidden", b"a/b", b"a%62", b"a b", b"a\0", b"a\0b", b"a\n", b"\xc3\xa4", b"a;b", b"a~", b"a+b", b"a=",
        b"0" * 256, b"a" * 100_000,
    ],
)  # fmt: skip
def test_names_that_are_none(name: bytes, folder: Path) -> None:
    (folder / "a").mkdir()
    for made in (".hidden", "a.b", "a b", "a\n", "ä", "a;b", "a~", "a+b", "a=", "a%62", "a/b", "..\\secret", "..%2fsecret"):
        (folder / made).write_bytes(SECRET)
    assert read(folder, name) is None


def test_what_is_not_there(folder: Path) -> None:
    assert read(folder, b"a") is None
    assert read(folder / "nowhere", b"a") is None
    assert read(folder.parent / "secret", b"a") is None


def test_a_link_to_the_directory_is_followed_a_link_in_it_is_not(folder: Path, tmp_path: Path) -> None:
    (folder / "a").write_bytes(b"x")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "in").symlink_to("a")
    (folder / "nowhere").symlink_to("b")
    (tmp_path / "link").symlink_to(folder)
    assert read(tmp_path / "link", b"a") == b"x"
    for name in (b"out", b"in", b"nowhere"):
        assert read(folder, name) is None


@pytest.mark.timeout(10)
def test_what_is_no_file(folder: Path) -> None:
    (folder / "directory").mkdir()
    os.mkfifo(folder / "fifo")  # without a writer: whoever opens it as a file waits
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "socket"))
        for name in (b"directory", b"fifo", b"socket"):
            assert read(folder, name) is None
    writer = os.open(folder / "fifo", os.O_RDWR | os.O_NONBLOCK)
    os.write(writer, SECRET)
    assert read(folder, b"fifo") is None
    os.close(writer)


def test_what_is_too_large(folder: Path) -> None:
    (folder / "more").write_bytes(b"x" * (files.MOST + 1))
    with (folder / "huge").open("wb") as file:
        file.truncate(1 << 40)
    for name in (b"more", b"huge"):
        assert read(folder, name) is None


def test_no_descriptor_is_left(folder: Path) -> None:
    (folder / "a").write_bytes(b"x")
    (folder / "directory").mkdir()
    (folder / "more").write_bytes(b"x" * (files.MOST + 1))
    before = len(os.listdir("/proc/self/fd"))
    for name in (b"a", b"directory", b"more", b"none"):
        read(folder, name)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(folder: Path) -> None:
    (folder / "a").write_bytes(SECRET)
    (folder / "a").chmod(0)
    assert read(folder, b"a") is None
