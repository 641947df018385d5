"""What JupyterHub's proxy says while it runs, on standard output, where configurable-http-proxy says it.

Knows words. Must not know how anything is run.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from perijove.config.chp import Options
    from perijove.gateway.model import Gateway

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_log: Final = logging.getLogger("perijove.api")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower()
        return json.dumps({"time": round(record.created, 3), "level": level, "message": record.getMessage()})


def begin(level: str, as_json: bool) -> None:
    """Begin to write what is of a level (configurable-http-proxy's word for it) or above."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        _Json() if as_json else logging.Formatter("%(asctime)s.%(msecs)03d [perijove] %(level)s: %(message)s", "%H:%M:%S")
    )
    handler.addFilter(_named)
    _log.addHandler(handler)
    _log.propagate = False
    _log.setLevel(_LEVELS.get(level.lower(), logging.INFO))


def _named(record: logging.LogRecord) -> bool:
    record.level = record.levelname.lower()
    return True


def started(options: Options, gateway: Gateway) -> None:
    """Say what is served."""
    routing = gateway.routing
    assert routing is not None
    if not routing.api.token:
        _log.warning("REST API is not authenticated.")
    if options.auto_rewrite:
        _log.info("AutoRewrite of Location headers enabled.")
    if options.change_origin:
        _log.info("Change Origin of host headers enabled.")
    if options.protocol_rewrite is not None:
        _log.info("ProtocolRewrite enabled. Rewriting to %s", options.protocol_rewrite)
    first = gateway.listeners[0]
    scheme = "http" if first.tls is None else "https"
    _log.info("Proxying %s://%s to %s", scheme, first.address, options.default_target or "(no default)")
    _log.info("Proxy API at %s://%s/api/routes", "http" if routing.api.tls is None else "https", routing.api.address)
    for path, target in routing.first:
        _log.info("Route added %s -> %s", path, target)
    if options.redirect_port is not None and options.socket is not None:
        _log.warning("--redirect-port leads to a port, and there is none with --socket: nothing is redirected.")
    elif options.redirect_port is not None:
        _log.info("Added HTTP to HTTPS redirection from %d to %d", options.redirect_port, options.redirect_to or options.port)
