"""Each check against its folder of cases: `fails` has it found, `passes` does not, and `fixed` is what `--fix` makes of `fails`.

A first line `# with: --modules proxy,proxy_http` says what else is known.
`FIXED=write pytest tests/checks` writes what is fixed now; read the difference before you keep it.
"""

import os
from pathlib import Path

import pytest

from perijove import config
from perijove.checks import hub as hubs
from perijove.checks.catalogue import checks
from perijove.checks.fix import fixed
from perijove.checks.opened import of_source
from perijove.checks.run import Report, check
from perijove.checks.subject import Known
from perijove.text.diagnostic import Severity
from perijove.text.source import Source

HERE = Path(__file__).parent
CASES = sorted(path for path in HERE.glob("*/*/*") if path.suffix in (".conf", ".toml"))
NAMES = sorted(path.name for path in HERE.iterdir() if (path / "fails").is_dir())


def known(first: str, folder: Path) -> Known:
    found = Known()
    if not first.startswith("# with: "):
        return found
    words = first.removeprefix("# with: ").split()
    said = dict(zip(words[::2], words[1::2], strict=True))
    hub = None
    if "--hub" in said:
        path = folder / said["--hub"]
        source = config.read(str(path if path.exists() else folder.parent / "fails" / path.name))
        assert isinstance(source, Source)
        read = hubs.read(source)
        assert not isinstance(read, str)
        hub = read
    modules = frozenset(said["--modules"].split(",")) if "--modules" in said else None
    version = tuple(map(int, said["--apache-version"].split("."))) if "--apache-version" in said else None
    return Known(hub, modules, version)


def report(text: str, path: Path) -> Report:
    return check(of_source(Source(path.name, text), known=known(text.partition("\n")[0], path.parent)))


def names(found: Report) -> set[str]:
    return {one.name for one in found.diagnostics}


@pytest.mark.parametrize("path", CASES, ids=lambda path: str(path.relative_to(HERE)))
def test_case(path: Path) -> None:
    name, kind = path.parts[-3], path.parts[-2]
    text = path.read_bytes().decode()
    found = report(text, path)
    if kind != "fails":
        assert name not in names(found)
        return
    mine = [one for one in found.diagnostics if one.name == name]
    assert mine
    assert all(one.where is not None and one.help for one in mine)
    texts, _ = fixed(mine, unsafe=True)
    kept = path.parent.parent / "fixed" / path.name
    if os.environ.get("FIXED") == "write" and texts:
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(texts[path.name].encode())
    assert bool(texts) == kept.exists()
    if texts:
        assert texts[path.name] == kept.read_bytes().decode()
        assert name not in names(report(texts[path.name], path))


@pytest.mark.parametrize("path", sorted((HERE / "good").glob("*")), ids=lambda path: path.name)
def test_known_good(path: Path) -> None:
    found = report(path.read_text(), path)
    assert [one for one in found.diagnostics if one.severity is not Severity.ADVICE] == []
    if path.name != "empty.conf":
        assert found.subject.sites


def test_every_check_has_cases() -> None:
    assert sorted(checks()) == NAMES
    for name in NAMES:
        assert list((HERE / name / "fails").iterdir()), name
        assert list((HERE / name / "passes").iterdir()), name


@pytest.mark.parametrize("name", checks())
def test_every_check_has_a_page(name: str) -> None:
    page = checks()[name].page
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    wanted = ["What it finds", "Why it hurts", "What a user sees", "Example", "Use instead", "Sources"]
    assert headings == [f"## {one}" for one in wanted]
    assert page.partition("\n")[0].endswith(".")
