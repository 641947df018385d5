import os
from pathlib import Path

import pytest

from perijove.config.apache.includes import NotFoundError, find, text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.conf", "a.conf", "Z.conf", ".hidden.conf", "sites/x/1", "sites/y/2", "sites/file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.conf", ["a.conf"]),
        ("*.conf", ["Z.conf", "a.conf", "b.conf"]),
        (".*.conf", [".hidden.conf"]),
        ("[ab].conf", ["a.conf", "b.conf"]),
        ("[^a]*.conf", ["Z.conf", "b.conf"]),
        ("?.conf", ["Z.conf", "a.conf", "b.conf"]),
        ("sites", ["sites/file", "sites/x/1", "sites/y/2"]),
        ("sites/*/[12]", ["sites/x/1", "sites/y/2"]),
        ("./sites/../a.conf", ["a.conf"]),
    ],
)
def test_found(folder: Path, name: str, expected: list[str]) -> None:
    assert find(name, str(folder), optional=False) == [str(folder / one) for one in expected]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("*.nix", "Include/IncludeOptional: No matches for the wildcard '*.nix' in '{}', failing"),
        ("nix/*.conf", "Include/IncludeOptional: Could not open directory {}/nix: No such file or directory"),
    ],
)
def test_not_found(folder: Path, name: str, message: str) -> None:
    with pytest.raises(NotFoundError) as raised:
        find(name, str(folder), optional=False)
    assert str(raised.value) == message.format(folder)
    assert find(name, str(folder), optional=True) == []


def test_optional_file(folder: Path) -> None:
    assert find("nix", str(folder), optional=True) == []
    assert find("nix", str(folder), optional=False) == [str(folder / "nix")]


def test_folders_in_folders(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to(tmp_path)
    with pytest.raises(NotFoundError, match="exceeds the maximum include directory nesting level of 20"):
        find(str(tmp_path), "/", optional=False)


def test_text(folder: Path) -> None:
    (folder / "latin").write_bytes(b"# j\xfcrgen\r\n")
    assert text(str(folder / "latin")) == "# j\udcfcrgen\r\n"
    assert text(os.devnull) == ""
    with pytest.raises(NotFoundError, match=r"Could not open configuration file .*: No such file or directory"):
        text(str(folder / "nix"))
    with pytest.raises(NotFoundError, match="Could not open configuration file"):
        text("a\0b")
