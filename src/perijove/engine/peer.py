"""Who is at the other end of a client's connection.

Must not know requests, nor how it is decided who is trusted.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.engine.plan import Plan


class Accepted(ssl.SSLObject):
    """A client's connection that keeps the name it was begun for (RFC 6066 §3)."""

    shown: str | None = None


class Peer:
    """What is known of a client connection: address, public side, and the field lines that follow from them."""

    __slots__ = (
        "address",
        "cipher",
        "front",
        "host",
        "local",
        "plan",
        "port",
        "protocol",
        "scheme",
        "server_port",
        "shown",
        "strength",
        "tail",
        "tls",
        "trusted",
        "trusts",
        "whole",
    )

    def __init__(
        self,
        address: bytes,
        port: int,
        scheme: bytes,
        server_port: int,
        trusted: bool,
        trusts: Callable[[str], bool] | None = None,
    ) -> None:
        """Describe a peer.

        Args:
            address: IP address, or b"unix:" of a Unix socket's peer, which has none.
            port: of the peer.
            scheme: b"http" or b"https".
            server_port: that it came to.
            trusted: what it says of the client is believed.
            trusts: tells of another address whether it is a trusted one's; raises ValueError if it is no address.
        """
        self.address = address
        self.port = port
        self.scheme = scheme
        self.server_port = server_port
        self.trusted = trusted
        self.trusts = trusts
        self.local = b""  # the address that it came to; none of a Unix socket
        # Of TLS: the name that the client has shown (SNI), and what was agreed on, in OpenSSL's words: once it was asked for.
        self.shown = self.protocol = self.cipher = self.strength = b""
        self.tls: ssl.SSLObject | None = None  # whom to ask
        # The lines for the last plan and host on this connection: the next request mostly has the same.
        self.plan: Plan | None = None
        self.host = b""
        self.tail = b""
        self.front = b""  # those that come first
        self.whole = b""  # `tail`, and what is said of the connection

    def renew(self, address: bytes, port: int) -> None:
        """Take what a balancer says of the client, before the first request.

        What a client of the balancer's Unix socket says of others is not believed: that socket's file is not ours.
        """
        self.address = address
        self.port = port
        self.trusted = address != b"unix:" and self.trusts is not None and self.trusts(address.decode())

    def forget(self) -> None:
        """Forget the lines for the last request: no further one will come."""
        self.plan = None
        self.host = self.tail = self.front = self.whole = b""

    def learn(self) -> None:
        """Ask what was agreed on in the handshake. Few rules want to know: a connection that has none does not pay for it."""
        tls, self.tls = self.tls, None
        if tls is None:
            return
        if isinstance(tls, Accepted) and tls.shown:
            self.shown = tls.shown.encode("latin-1", "replace")
        agreed = tls.cipher()
        if agreed is not None:
            self.protocol = (tls.version() or "").encode()
            self.cipher = agreed[0].encode()
            self.strength = b"%d" % agreed[2]
