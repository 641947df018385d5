import subprocess
import sys
from pathlib import Path

from perijove.config.apache.reference import reference
from perijove.config.apache.table import table

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "apache-directives.md"


def test_every_directive_is_there_once() -> None:
    text = reference().replace("`)", "")
    for its in table().commands.values():
        name = its[0].name
        shown = f"`{name}>`" if name.startswith("<") else f"`{name}`"
        if name != "ProxyHTMLEnable":
            assert text.count(shown) >= 1, name


def test_the_page_is_what_is_printed() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "perijove.config.apache.reference"], capture_output=True, check=True, encoding="utf-8"
    ).stdout
    assert printed == reference()
    assert PAGE.read_text(encoding="utf-8") == printed, f"python -m perijove.config.apache.reference > {PAGE}"
