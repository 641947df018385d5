"""Let atheris choose what a target is given: `python -m tests.fuzz.guided NAME FOLDER … [-max_total_time=N]`.

It follows which branches of Python are taken, so the pure engine is run. What leads to new ones is kept in the first folder.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["perijove"], enable_loader_override=False):
    from tests.fuzz.run import TARGETS


def main() -> None:
    """Run until libFuzzer ends the process."""
    name, *rest = sys.argv[1:]
    target = next(one for one in TARGETS if one.name == name)

    def once(octets: bytes) -> None:
        target.check(octets)

    atheris.Setup([sys.argv[0], *rest], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
