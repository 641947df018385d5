"""What Apache's own functions say of arguments, by areas: a line for each directive in the table of its module.

Knows what `apachectl configtest` says. Must not know what a directive leads to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.config.apache.arguments.access import ACCESS
from perijove.config.apache.arguments.caches import CACHES
from perijove.config.apache.arguments.contents import CONTENTS
from perijove.config.apache.arguments.core import CORE
from perijove.config.apache.arguments.expires import EXPIRES
from perijove.config.apache.arguments.http2 import HTTP2
from perijove.config.apache.arguments.logs import LOGS
from perijove.config.apache.arguments.proxying import PROXYING
from perijove.config.apache.arguments.tls import TLS

if TYPE_CHECKING:
    from perijove.config.apache.arguments.kinds import Check

ARGUMENTS: Final[dict[str, Check]] = {**CORE, **LOGS, **TLS, **PROXYING, **CONTENTS, **EXPIRES, **CACHES, **HTTP2, **ACCESS}
