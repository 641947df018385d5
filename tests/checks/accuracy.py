"""What `perijove check` finds in the corpus, against what was expected of it before it was asked."""

import json
import subprocess
import sys
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def found(config: Path) -> set[str]:
    """The names of errors and warnings."""
    command = [sys.executable, "-m", "perijove", "check", "--json", str(config)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    diagnostics = json.loads(ran.stdout)["diagnostics"]
    return {each["name"] for each in diagnostics if each["severity"] != "advice"}


def judged(config: Path) -> tuple[set[str], set[str], set[str]]:
    """What was rightly found, what was missed, and the false alarms."""
    expectation = json.loads(config.with_suffix(".json").read_text())
    expected, names = set(expectation["expect"]), found(config)
    return names & expected, expected - names, names - expected - set(expectation["allow"])


def main() -> None:
    """Print each configuration that is judged wrongly, then recall and precision."""
    right = missed = alarms = 0
    for config in sorted(CORPUS.glob("*.conf")):
        hits, misses, false = judged(config)
        right, missed, alarms = right + len(hits), missed + len(misses), alarms + len(false)
        if misses or false:
            print(f"{config.stem}: missed {sorted(misses)}, false alarms {sorted(false)}")
    print(f"recall {right}/{right + missed}, precision {right}/{right + alarms}")


if __name__ == "__main__":
    main()
