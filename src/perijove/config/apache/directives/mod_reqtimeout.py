"""mod_reqtimeout: how long a client may take for a head, and for the handshake before it.

Source: modules/filters/mod_reqtimeout.c. Of a range and a rate (`header=20-40,MinRate=500`) the first number counts: perijove's
heads are small, and have so long however fast they come. Of content, Timeout bounds each piece.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives import directive

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive
    from perijove.config.apache.scope import Scope

_times: Final = re.compile(r"(?i)(?:\A|\s)[\"']?(header|handshake)=([0-9]{1,6})").findall


@directive("RequestReadTimeout")
def request_read_timeout(line: Directive, scope: Scope) -> None:
    """Bound them: seconds; 0 is no bound."""
    for name, seconds in _times(" ".join(word.text for word in line.words)):
        scope.said[f"reqtimeout-{name.lower()}"] = float(seconds)
