"""What JupyterHub's proxy says while it runs, on standard output, where configurable-http-proxy says it.

Knows how a line is written, and a descriptor that nobody waits for. Must not know what is said: the API's words and routes
(`api.log`), and requests that failed (`failures`), which workers tell of by themselves.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

from perijove.engine.mask import masked_text
from perijove.engine.sink import Sink, over
from perijove.gateway.model import Form
from perijove.server.stderr import STDOUT, opened

if TYPE_CHECKING:
    from perijove.gateway.model import Said

DEBUG: Final = 10  # as `logging` has them
INFO: Final = 20
WARNING: Final = 30
ERROR: Final = 40
_PREFIXES: Final = {"error": ERROR, "warning": WARNING, "limit": WARNING}  # of what `report.say` is given
NAMES: Final = {DEBUG: "debug", INFO: "info", WARNING: "warning", ERROR: "error"}


class Voice:
    """Says lines."""

    def __init__(self, said: Said) -> None:
        """Say what is of a level or above, in a form.

        Raises:
            OSError: there is no standard output.
        """
        self.level = said.level
        self._form = said.form
        self._sink: Sink = over(opened(STDOUT))

    def say(self, level: int, text: str, at: float | None = None) -> None:
        """Say a text, which has a level, at a time (seconds since 1970; now, if None). What is not taken at once is lost."""
        if level >= self.level:
            line = written(self._form, level, masked_text(text), time.time() if at is None else at)
            self._sink.write([line.encode("utf-8", "backslashreplace")])

    def tell(self, text: str) -> None:
        """Say a text whose first word may be its level."""
        word, colon, rest = text.partition(": ")
        level = _PREFIXES.get(word) if colon else None
        self.say(INFO if level is None else level, text if level is None or word == "limit" else rest)


def written(form: Form, level: int, text: str, at: float) -> str:
    """Return a line."""
    name = NAMES.get(level, "error")
    if form is Form.JSON:
        return json.dumps({"time": round(at, 3), "level": name, "message": text}) + "\n"
    text = text.replace("\n", "\n    ")
    milliseconds = int(at % 1 * 1000)
    if form is Form.JUPYTERHUB:  # its log_format (jupyterhub/app.py), with our name where a module's stands
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        return f"[{name[0].upper()} {stamp}.{milliseconds:03d} perijove] {text}\n"
    return f"{time.strftime('%H:%M:%S', time.localtime(at))}.{milliseconds:03d} [perijove] {name}: {text}\n"
