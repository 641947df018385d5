"""The data plane: everything that is done per connection and per request.

Knows HTTP/1.1 (RFC 9110, RFC 9112), sockets and time. Must not know where a configuration came from,
what a JupyterHub is, or any other package of perijove: it imports the standard library only, and could
be lifted out of this repository as it is.

Start reading at `exchange` (one request and its response, without sockets), then `client` and
`reactor`. `buffer`, `head`, `line` and `poll` are the leaves that exist twice: `X.py` is the pure form, `X.pyx` the
compiled one; every other module is one source, compiled as it stands with the types of its `.pxd`.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

__all__ = ["DETAIL", "KIND"]


class _PureFinder:
    """Find the `.py` of an engine module although its compiled form lies beside it."""

    def __init__(self) -> None:
        self._finder = FileFinder(os.path.dirname(__file__), (SourceFileLoader, SOURCE_SUFFIXES))

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.startswith(__name__ + "."):
            return None
        return self._finder.find_spec(name, target)


if os.environ.get("PERIJOVE_PURE", "") not in ("", "0"):
    sys.meta_path.insert(0, _PureFinder())

from perijove.engine import buffer as _buffer  # noqa: E402  (after the finder is in place)

#: "compiled" or "pure": which form of the engine this process runs.
KIND: str = "pure" if str(_buffer.__file__).endswith(".py") else "compiled"
#: What compiled it, for `perijove --version`.
DETAIL: str = getattr(_buffer, "COMPILER", "")
