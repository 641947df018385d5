"""Where perijove does on purpose what configurable-http-proxy does not: all of it, each with its reason.

A test says `expected(proxy.kind, name)`; whatever is not here is the same on both.
"""

from __future__ import annotations

from dataclasses import dataclass

NOTHING = "no answer"  # the connection stays open, and nothing comes


@dataclass(frozen=True)
class Difference:
    """What each does."""

    chp: object
    perijove: object
    why: str


DIFFERENCES: dict[str, Difference] = {
    "api-malformed-percent": Difference(NOTHING, 400, "a client that is never answered waits for ever"),
    "api-delete-nothing-named": Difference(NOTHING, 404, "a client that is never answered waits for ever"),
    "api-token-inside-another-scheme": Difference(200, 403, "`xtoken T` is not `token T`"),
    "api-unauthorized-bad-json": Difference(400, 403, "who has no token learns nothing, and nothing of theirs is parsed"),
    "api-target-unusable": Difference(201, 400, "a route that can only ever answer 500 is refused when it is made"),
    "path-malformed-percent": Difference(500, 400, "the fault is the client's"),
    "path-property-of-an-object": Difference(500, 404, "`/toString` is a path as any other"),
    "path-dot-segments": Difference(200, 400, "what a client's `..` means is not guessed; browsers resolve it themselves"),
    "path-leading-slashes": Difference("one", 404, "matched is what is forwarded: `//host/path` is not `/path`"),
    "path-backslash": Difference("one", 404, "a backslash is not a slash"),
    "host-case": Difference(404, "one", "names of hosts have no case (RFC 9110, 4.2.3)"),
    "prefix-cut-when-escaped": Difference("/0b/x", "/x", "what is cut is the prefix as it was written, not as many characters"),
    "prefix-cut-with-hosts": Difference("/ng-longer", "/and-something-longer", "the host is no part of the path"),
    "activity-of-what-a-websocket-says": Difference(False, True, "a kernel that prints is in use"),
    "forwarded-proto-that-came": Difference(
        "https,http", "https", "who reads the last value must not think that the browser came without TLS"
    ),
    "error-target-without-the-prefix": Difference(
        "/503?url=%2Fx", "/503?url=%2Fpre%2Ffix%2Fx", "the page is told what the browser asked for"
    ),
    "websocket-forwarded-proto": Difference("ws", "http", "servers know `http` and `https`, and a WebSocket starts as either"),
    "websocket-forwarded-host": Difference(None, "hub.example:8443", "as for any other request"),
    "websocket-refused-stays-open": Difference(True, False, "a connection on which nothing can follow is closed, not leaked"),
    "websocket-malformed-percent": Difference(500, 400, "as for any other request"),
    "upgrade-other": Difference(
        "closed", 200, "an upgrade that is not wanted is not made, and the request is answered as any (RFC 9110, 7.8)"
    ),
    "websocket-forwarded-proto-tls": Difference("wss", "https", "as `websocket-forwarded-proto`"),
    "tls-name-is-of-the-target": Difference(
        503, 101, "the certificate is the target's; the client's Host says nothing about it"
    ),
    "insecure": Difference(503, 200, "the option does what it says (configurable-http-proxy 5 takes no notice of it)"),
    "forwarded-for-of-a-unix-socket": Difference("undefined", None, "there is no address to tell"),
    "socket-that-was-left": Difference(False, True, "a socket on which nobody listens is no reason not to start"),
    "port-in-use-ends": Difference(False, True, "a proxy that does not serve must not look as if it did"),
    "proxy-timeout-status": Difference(503, 504, "that it took too long is said (RFC 9110, 15.6.5)"),
    "redirect-to-443": Difference(":443", "", "443 is what https means"),
    "terminated-status": Difference(2, 0, "ending when asked to is no fault"),
}


def expected(kind: str, name: str) -> object:
    """What a command does where the two differ."""
    return getattr(DIFFERENCES[name], kind)
