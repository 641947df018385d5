"""Ask a real Apache what it says of the cases beside the tests, and write its answers there.

`python scripts/record_configtest.py`: needs Debian's apache2, starts no server. What a case is: see
tests/unit/config/apache/configtest.py.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "tests" / "unit" / "config" / "apache"
sys.path.insert(0, str(FOLDER))


def main() -> None:
    """Write `configtest.json`, `verdicts.json` and `lines.json`."""
    from configtest import cases, lines  # type: ignore[import-not-found]

    for name in ("configtest", "verdicts"):
        record(name, cases(name))
    record("lines", lines())


def record(name: str, cases: list[Any]) -> None:
    """Write for each case of a file the exit status, what was said, and the line that was named last."""
    answers = {}
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = case.write(Path(folder))
            words = ["/usr/sbin/apache2", "-t", "-f", str(path), *(f"-D{one}" for one in case.defines)]
            ran = subprocess.run(words, capture_output=True, check=False)
            said = ran.stderr.decode("utf-8", "surrogateescape").replace(folder, "{DIR}")
            lines = [one for one in said.splitlines() if not re.match(r"\[|AH00558|AH00014|Syntax OK", one)]
            text = "\n".join(lines)
            prefix = re.match(r"(?:\(\d+\)[^:]*: |AH\d+: |apache2: )*(?:Syntax error on line \d+ of .*?:\s+)*", text, re.DOTALL)
            assert prefix
            # The log escapes what is not printable (ap_escape_errorlog_item).
            text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
            numbers = re.findall(r"Syntax error on line (\d+) of", prefix[0])
            answers[case.name] = {
                "ok": ran.returncode == 0,
                "message": text[prefix.end() :],
                "line": int(numbers[-1]) if numbers else 0,
            }
    if name == "lines":  # as one line each: what was said, or nothing
        answers = {key: one["message"] if not one["ok"] else "" for key, one in answers.items()}
    (FOLDER / f"{name}.json").write_text(json.dumps(answers, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
