"""Ask the real Apache again: `python -m tests.oracle.record [--write] [PATTERN ...]`.

Plays cases on a live apache2 and shows where it does not do what is written in the golden files; `--write` writes them.
Exit status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.oracle import case as cases
from tests.oracle.play import APACHE, REAL, play
from tests.oracle.stage import Certificates


def main(arguments: list[str] | None = None) -> int:
    """Record; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*", default=["*"], help="which cases, such as 'rw-*'")
    parser.add_argument("--write", action="store_true", help="write the golden files")
    parser.add_argument("-j", "--jobs", type=int, default=3, help="how many at the same time")
    options = parser.parse_args(arguments)
    names = cases.names(options.patterns or ["*"])
    if not names:
        print(f"No case matches {' '.join(options.patterns)}: see tests/oracle/cases.")
        return 1
    if not os.access(APACHE, os.X_OK):
        print(f"There is no {APACHE}: type `apt-get install apache2`, or set APACHE and APACHE_MODULES.")
        return 1
    certificates = Certificates.make()
    drifted = 0
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            for name, record in zip(
                names, pool.map(lambda name: play(cases.load(name), certificates, REAL), names), strict=True
            ):
                diff = _drift(name, record)
                if diff:
                    drifted += 1
                    print(f"{name}: {'written' if options.write else 'not as recorded'}")
                    if options.write:
                        cases.load(name).golden.write_text(cases.dump(record))
                    else:
                        print("\n".join(diff))
                sys.stdout.flush()
    finally:
        certificates.remove()
    print(f"{len(names) - drifted} of {len(names)} cases as recorded ({APACHE})")
    return 1 if drifted and not options.write else 0


def _drift(name: str, record: dict[str, Any]) -> list[str]:
    """Return how a record differs from the golden file, as a diff."""
    path = cases.load(name).golden
    golden = json.loads(path.read_text()) if path.exists() else {}
    recorded, now = (cases.dump(_steady(one)).splitlines() for one in (golden, record))
    return list(difflib.unified_diff(recorded, now, f"{name}, recorded", f"{name}, now", lineterm=""))


def _steady(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without the numbers of log messages: the log may be written after the response."""
    results = [{key: value for key, value in one.items() if key != "log_codes"} for one in record.get("results", [])]
    return record | {"results": results}


if __name__ == "__main__":
    sys.exit(main())
