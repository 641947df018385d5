"""The command: what it prints, in each form, what it changes, and how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from perijove.checks.catalogue import checks
from perijove.checks.opened import of_source
from perijove.checks.reference import reference
from perijove.checks.run import check
from perijove.checks.show import terminal
from perijove.cli import main
from perijove.text.source import Source

ROOT = Path(__file__).parents[2]
PLAIN = """<VirtualHost *:80>\r
    # the hub\r
    ServerName hub.example.org\r
    ProxyPass / http://127.0.0.1:8000/\r
    ProxyPassReverse / http://127.0.0.1:8000/\r
</VirtualHost>\r
"""
GOOD = PLAIN.replace("ProxyPass / http://127.0.0.1:8000/", "ProxyPass / http://127.0.0.1:8000/ upgrade=websocket").replace(
    "    # the hub", "    ProxyPreserveHost On\r\n    # the hub"
)


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *arguments], input=text)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hub.conf").write_bytes(PLAIN.encode())
    return tmp_path


def test_text(here: Path) -> None:
    found = run("hub.conf")
    assert found.exit_code == 1
    assert found.stdout == (Path(__file__).parent / "snapshot.txt").read_text()


def test_json(here: Path) -> None:
    found = run("hub.conf", "--json")
    assert found.exit_code == 1
    said = json.loads(found.stdout)
    first = said["diagnostics"][0]
    assert {"name", "severity", "confidence", "message", "path", "line", "column", "fix"} <= set(first)
    assert (first["name"], first["path"], first["line"], first["severity"]) == (
        "hub-host-not-preserved",
        "hub.conf",
        4,
        "error",
    )
    assert [one["severity"] for one in said["diagnostics"]] == ["error", "error"]


def test_sarif(here: Path) -> None:
    [run_of_it] = json.loads(run("hub.conf", "--format", "sarif").stdout)["runs"]
    assert {one["ruleId"] for one in run_of_it["results"]} <= {one["id"] for one in run_of_it["tool"]["driver"]["rules"]}
    assert run_of_it["results"][0]["level"] == "error"


def test_annotations(here: Path) -> None:
    lines = run("hub.conf", "--format", "github").stdout.splitlines()
    assert lines[0].startswith("::error file=hub.conf,line=4,col=5,title=hub-host-not-preserved::")


def test_fixed_in_place_with_its_line_ends(here: Path) -> None:
    shown = run("hub.conf", "--diff")
    assert "+    ProxyPreserveHost On" in shown.output
    assert (here / "hub.conf").read_bytes() == PLAIN.encode()
    assert run("hub.conf", "--fix").exit_code == 0
    assert (here / "hub.conf").read_bytes() == GOOD.encode()


def test_what_comes_by_a_pipe_goes_on_fixed() -> None:
    found = run("-", "--fix", text=PLAIN)
    assert found.stdout_bytes.startswith(GOOD.encode())


def test_a_fix_that_waits_for_another(here: Path) -> None:
    (here / "hub.conf").write_text((Path(__file__).parent / "page" / "2.conf").read_text())
    assert run("hub.conf", "--fix", "--unsafe-fixes").exit_code == 0


def test_a_file_that_cannot_be_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perijove.cli.check._write", lambda name, octets: "Permission denied")
    found = run("hub.conf", "--fix")
    assert found.exit_code == 2
    assert "Permission denied" in found.stderr


def test_standard_input_is_taken_for_what_it_is() -> None:
    assert run("-", text=PLAIN).exit_code == 1
    assert run("-", text='to = "http://127.0.0.1:8000"\n').exit_code == 0


def test_unreadable(here: Path) -> None:
    found = run("hub.conf", "nowhere.conf")
    assert found.exit_code == 2
    assert "nowhere.conf" in found.stderr
    assert "hub-host-not-preserved" in found.stdout


def test_selected_and_ignored(here: Path) -> None:
    assert run("hub.conf", "--select", "trailing-comment").exit_code == 0
    assert run("hub.conf", "--ignore", "hub-host-not-preserved,websocket-route-missing").exit_code == 0


@pytest.mark.parametrize(("reason", "status"), [("", 1), ("it is no hub", 0)])
def test_a_comment_needs_a_reason(here: Path, reason: str, status: int) -> None:
    comment = f"# perijove: ignore[hub-host-not-preserved, websocket-route-missing] {reason}\n"
    (here / "hub.conf").write_text(comment + PLAIN)
    found = run("hub.conf")
    assert found.exit_code == status
    assert ("ignore-without-reason" in found.stdout) is (status == 1)


def test_a_page() -> None:
    found = run("--explain", "trailing-comment")
    assert found.exit_code == 0
    assert "## Why it hurts" in found.stdout
    wrong = run("--explain", "trailing-coment")
    assert wrong.exit_code == 2
    assert "trailing-comment" in wrong.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a file"),
        (("a.conf", "--apache-version", "x"), "no version"),
        (("a.conf", "--hub", "nowhere.py"), "nowhere.py"),
    ],
)
def test_usage(arguments: tuple[str, ...], said: str) -> None:
    found = run(*arguments)
    assert found.exit_code == 2
    assert said in found.output


def test_a_hub_that_is_not_python_is_not_run(here: Path) -> None:
    (here / "hub.py").write_text("raise SystemExit(7)\nimport os; os.remove('hub.conf')\n")
    assert run("hub.conf", "--hub", "hub.py").exit_code == 1
    assert (here / "hub.conf").exists()
    (here / "hub.py").write_text("c.JupyterHub = = 1\n")
    assert run("hub.conf", "--hub", "hub.py").exit_code == 2


def test_the_reference_is_what_is_printed() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "perijove.checks.reference"], capture_output=True, check=True, encoding="utf-8"
    ).stdout
    assert printed == reference()
    assert (ROOT / "docs" / "reference" / "checks.md").read_text(encoding="utf-8") == printed
    assert all(f"## {name}\n" in printed for name in checks())


def test_what_is_included_is_fixed_where_it_is_written(here: Path) -> None:
    (here / "all.conf").write_text(f"Listen 80\nInclude {here}/hub.conf\n")
    found = run("all.conf", "--fix")
    assert found.exit_code == 0
    assert (here / "hub.conf").read_bytes() == GOOD.encode()
    assert (here / "all.conf").read_text().startswith("Listen 80\nInclude")


def test_what_is_the_same_of_several_lines_is_told_once() -> None:
    text = (ROOT / "tests/checks/page" / "1.conf").read_text()
    told = terminal.text(check(of_source(Source("hub.conf", text))))
    assert told.count("stands for something that only you know") == 1
    assert "  = also: the same in lines 7, 9, 10\n" in told
    assert told.endswith(
        "5 errors, 1 warning\n"
        "`--fix` mends 2, with `--unsafe-fixes` 6; `--diff` shows it first\n"
        "More of each: `perijove check --explain NAME`\n"
    )


def test_many_lines_are_counted() -> None:
    text = "".join(f"ProxyPass /{number}/ http://10.0.0.1:8000/{number}/ # no\n" for number in range(20))
    told = terminal.text(check(of_source(Source("hub.conf", text)), select=frozenset(("trailing-comment",))))
    assert told.count("trailing-comment]") == 1
    assert "the same in lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 and 7 more\n" in told


def test_what_a_file_has_does_nothing_to_a_terminal() -> None:
    told = terminal.text(
        check(of_source(Source("hub.conf", "Listen 80\nProxy\x1b[2J\x07Pass / http://127.0.0.1:8000/ \x9b1m\n")))
    )
    assert "unknown-directive" in told
    assert not {"\x1b", "\x07", "\x9b"} & set(told)
