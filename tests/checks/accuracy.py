"""What `perijove check` finds in the corpus, against what was expected of it before it was asked."""

import json
from pathlib import Path

from perijove import config
from perijove.checks import hub as hubs
from perijove.checks.opened import of_source
from perijove.checks.run import check
from perijove.checks.subject import Known
from perijove.text.diagnostic import Severity
from perijove.text.source import Source

CORPUS = Path(__file__).parent / "corpus"
CONFIGURATIONS = sorted(path for path in CORPUS.iterdir() if path.suffix in (".conf", ".toml"))


def read(path: Path) -> Source:
    source = config.read(str(path))
    assert isinstance(source, Source)
    return source


def found(path: Path, hub: str | None) -> set[str]:
    """The names of errors and warnings."""
    known = hubs.read(read(CORPUS / hub)) if hub is not None else None
    assert not isinstance(known, str)
    report = check(of_source(read(path), known=Known(known)))
    return {one.name for one in report.diagnostics if one.severity is not Severity.ADVICE}


def judged(path: Path) -> tuple[set[str], set[str], set[str]]:
    """What was rightly found, what was missed, and the false alarms."""
    expectation = json.loads(path.with_suffix(".json").read_text())
    expected, names = set(expectation["expect"]), found(path, expectation.get("hub"))
    return names & expected, expected - names, names - expected - set(expectation.get("allow", ()))


def main() -> None:
    """Print each configuration that is judged wrongly, then recall and precision."""
    right = missed = alarms = 0
    for path in CONFIGURATIONS:
        hits, misses, false = judged(path)
        right, missed, alarms = right + len(hits), missed + len(misses), alarms + len(false)
        if misses or false:
            print(f"{path.stem}: missed {sorted(misses)}, false alarms {sorted(false)}")
    print(f"{len(CONFIGURATIONS)} configurations: recall {right}/{right + missed}, precision {right}/{right + alarms}")


if __name__ == "__main__":
    main()
