"""Standard error and output, which nobody waits for: what a stuck pipe does not take is lost.

Knows descriptors. Must not know what is said (`report`, `said`). The descriptors 1 and 2 themselves stay as they are: whether
they wait is a property of what they share with the shell, or with whoever reads them (open(2), "open file description").
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from typing import Final

from perijove.engine.mask import masked_text
from perijove.engine.sink import Sink, over

STDOUT: Final = 1
_STDERR: Final = 2


def opened(standard: int = _STDERR) -> int:
    """Return a descriptor of standard error, or output, that does not wait, where one can be had.

    Raises:
        OSError: there is none at all.
    """
    mode = os.fstat(standard).st_mode
    # A socket cannot be opened again: it is asked not to wait with each octet. A file does not wait, and opened again it would
    # be written to from another place.
    if not stat.S_ISSOCK(mode) and not stat.S_ISREG(mode):
        with contextlib.suppress(OSError):  # another user's terminal, for example
            return os.open(f"/proc/self/fd/{standard}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return os.dup(standard)


class _Stderr(io.TextIOBase):
    """What `sys.stderr` is. Lines are written as they become whole."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink
        self._part = ""

    def writable(self) -> bool:
        """It is."""
        return True

    def isatty(self) -> bool:
        """Tell whether somebody sits there."""
        return os.isatty(_STDERR)

    def fileno(self) -> int:
        """Return the descriptor that children inherit."""
        return _STDERR

    def write(self, text: str) -> int:
        """Write the lines that are whole now; what comes of a URL's secrets into them is left out."""
        self._part += text
        *lines, self._part = self._part.split("\n")
        if lines:
            self._sink.write([f"{masked_text(one)}\n".encode("utf-8", "backslashreplace") for one in lines])
        return len(text)


def unblock() -> None:
    """Have all that this process says go there from now on."""
    with contextlib.suppress(OSError):  # it is closed: there is nobody to tell
        sys.stderr = _Stderr(over(opened()))
