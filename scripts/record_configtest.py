"""Ask a real Apache what it says of the cases beside the tests, and write its answers there.

`python scripts/record_configtest.py [CASES]`: needs Debian's apache2, starts no server. What a case is: see
tests/unit/config/apache/configtest.py.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "tests" / "unit" / "config" / "apache"
sys.path.insert(0, str(FOLDER))


def main() -> None:
    """Write `configtest.json` and `verdicts.json`."""
    for name in ("configtest", "verdicts"):
        record(name)


def record(name: str) -> None:
    """Write for each case of a file the exit status, what was said, and the line that was named last."""
    from configtest import cases  # type: ignore[import-not-found]

    answers = {}
    for case in cases(name):
        with tempfile.TemporaryDirectory() as folder:
            path = case.write(Path(folder))
            words = ["/usr/sbin/apache2", "-t", "-f", str(path), *(f"-D{one}" for one in case.defines)]
            ran = subprocess.run(words, capture_output=True, check=False)
            said = ran.stderr.decode("utf-8", "surrogateescape").replace(folder, "{DIR}")
            lines = [one for one in said.splitlines() if not re.match(r"\[|AH00558|AH00014|Syntax OK", one)]
            text = "\n".join(lines)
            prefix = re.match(r"(?:AH\d+: |apache2: )*(?:Syntax error on line \d+ of .*?:\s+)*", text, re.DOTALL)
            assert prefix
            # The log escapes what is not printable (ap_escape_errorlog_item).
            text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
            numbers = re.findall(r"Syntax error on line (\d+) of", prefix[0])
            answers[case.name] = {
                "ok": ran.returncode == 0,
                "message": text[prefix.end() :],
                "line": int(numbers[-1]) if numbers else 0,
            }
    (FOLDER / f"{name}.json").write_text(json.dumps(answers, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
