"""Certificates that are in use, and a warning, once a day, of those that end soon.

Knows certificates and the time of day. Must not know who shows them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from perijove.server.tls import Certificate, certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from perijove.server.files import Contents

_DAY: Final = 86400.0
_SOON: Final = 14 * _DAY


class Expiry:
    """Tells of certificates that end within two weeks, or have ended."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.certificates: dict[str, Certificate] = {}  # by path
        self._tell = tell
        self._looked = 0.0  # when that was last

    def use(self, paths: Iterable[str], contents: Contents) -> None:
        """Look at these from now on, at once."""
        self.certificates = {path: certificate(contents[path], path) for path in paths}
        self._looked = 0.0

    def look(self) -> None:
        """Tell of them, if that was not done within a day."""
        now = time.time()
        if 0 <= now - self._looked < _DAY:
            return
        self._looked = now
        for path, one in self.certificates.items():
            if one.not_after - now < _SOON:
                ends = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(one.not_after))
                verb = "ended" if one.not_after < now else "ends"
                self._tell(f"warning: the certificate `{path}` ({', '.join(one.names)}) {verb} on {ends}: renew it")
