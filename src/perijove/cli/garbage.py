"""Whether garbage is looked for while a command runs.

Of a large configuration much is made, and nearly all of it is kept: looking through it again and again takes as long as all the
rest. Must not know any command.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def kept(*, ends: bool = True) -> Iterator[None]:
    """Do not look for garbage.

    Args:
        ends: the process ends soon: what stands then is not looked through at the end, either.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if ends:
            gc.freeze()
        if collects:
            gc.enable()
