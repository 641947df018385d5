"""What JupyterHub's proxy says of itself and of its routes, in configurable-http-proxy's words.

Knows words. Must not know how anything is run, or how a line is written (`server.said`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from perijove.server.report import through
from perijove.server.said import ERROR, Voice

if TYPE_CHECKING:
    from perijove.config.chp import Options
    from perijove.gateway.model import Gateway, Said

_log: Final = logging.getLogger("perijove.api")
_server: Final = logging.getLogger("tornado")  # it serves the API: of handshakes that fail, it says so itself


class _Handler(logging.Handler):
    def __init__(self, voice: Voice) -> None:
        super().__init__()
        self._voice = voice

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        self._voice.say(min(record.levelno, ERROR), text, record.created)


def begin(said: Said) -> None:
    """Begin to say what is to be said."""
    try:
        voice = Voice(said)
    except OSError:  # standard output is closed: there is nobody to tell
        return
    through(voice.tell)
    handler = _Handler(voice)
    for logger in (_log, _server):
        logger.addHandler(handler)
        logger.propagate = False
    _log.setLevel(said.level)
    _server.setLevel(max(said.level, logging.WARNING))


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
