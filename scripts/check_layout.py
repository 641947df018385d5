"""Check that tests/unit mirrors src/perijove: every module has its test file, every test file its module."""

import ast
import sys
from pathlib import Path

SRC = Path("src/perijove")
TESTS = Path("tests/unit")
# Tested end to end: what they do needs processes, browsers or a terminal.
ELSEWHERE = {"demo", "cli", "server"}
# What directives mean is judged by recorded answers of Apache itself (tests/oracle), and what is said of a request by what
# arrives (tests/explain), and checks by what fails and what passes (tests/checks): by whole configurations, not by modules.
# A test for a module is welcome all the same.
RECORDED = (
    "checks/",
    "config/apache/",
    "explain/",
    "routing/",
    "engine/changes.py",
    "engine/conditions.py",
    "engine/edits.py",
    "engine/fates.py",
    "engine/program.py",
    "engine/state.py",
    "engine/texts.py",
)


def has_code(path: Path) -> bool:
    """Tell whether a module has anything that runs: constants and dataclasses are not tested for themselves."""
    return any(isinstance(node, ast.FunctionDef) for node in ast.walk(ast.parse(path.read_text())))


def main() -> int:
    """Print what is missing; return the exit status."""
    wanted = set()
    for path in SRC.rglob("*.py"):
        below = path.relative_to(SRC)
        if path.name.startswith("__") or below.parts[0] in ELSEWHERE or not has_code(path):
            continue
        wanted.add(below.with_name(f"test_{path.name}"))
    found = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    recorded = {path for path in wanted if str(path).replace("test_", "").startswith(RECORDED)}
    wanted -= recorded - found
    for path in sorted(wanted - found):
        print(f"missing: {TESTS / path}")
    alone = {path for path in found - wanted if not (SRC / path.with_name(path.name.removeprefix("test_"))).exists()}
    for path in sorted(alone):
        print(f"without module: {TESTS / path}")
    return 1 if wanted - found or alone else 0


if __name__ == "__main__":
    sys.exit(main())
