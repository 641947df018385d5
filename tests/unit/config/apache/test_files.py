"""Which files of the disk rules may lead to."""

from __future__ import annotations

from pathlib import Path

import pytest

from perijove import config
from perijove.explain.model import Request
from perijove.explain.run import explain


def answered(folder: Path, lines: str, path: str) -> int:
    """Return the status of what is answered."""
    written = folder / "hub.conf"
    written.write_text(f"Listen 127.0.0.1:8101\nServerName hub.test\nRewriteEngine On\n{lines}\n")
    loaded = config.load(str(written))
    assert loaded.gateway is not None, loaded.diagnostics
    found = explain(loaded.gateway, Request("GET", f"http://127.0.0.1:8101{path}", "127.0.0.1"))
    assert found.answer is not None
    return found.answer.status


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("htdocs", "other", "open"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("a")
    return tmp_path


def test_rules_lead_to_files_that_are_spoken_of(folder: Path) -> None:
    lines = (
        f"DocumentRoot {folder}/htdocs\n<Directory {folder}/open>\nRequire all granted\n</Directory>\nRewriteRule ^/to(/.*) $1"
    )
    assert answered(folder, lines, f"/to{folder}/htdocs/a.txt") == 200
    assert answered(folder, lines, f"/to{folder}/open/a.txt") == 200
    assert answered(folder, lines, "/to/a.txt") == 200
    assert answered(folder, lines, f"/to{folder}/other/a.txt") == 403
    assert answered(folder, lines, f"/to{folder}/other") == 404
    assert answered(folder, lines, f"/to{folder}/other/none") == 404
    assert answered(folder, "DocumentRoot /\n" + lines.partition("\n")[2], "/to/") == 404


def test_without_a_root_there_are_no_files(folder: Path) -> None:
    lines = "RewriteRule ^/to(/.*) $1"
    assert answered(folder, lines, "/to/not-on-this-disk") == 404
    assert answered(folder, lines, f"/to{folder}/other/a.txt") == 403
