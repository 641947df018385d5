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
    "api-delete-nothing-named": Difference(NOTHING, 204, "no path is the root, as it is when a route is added"),
    "api-unauthorized-bad-json": Difference(400, 403, "who has no token learns nothing, and nothing of theirs is parsed"),
    "api-target-unusable": Difference(201, 400, "a route that can only ever answer 500 is refused when it is made"),
    "api-dot-segments": Difference(201, 400, "what `..` means is not guessed: no request comes to such a route"),
    "target-with-a-query": Difference(201, 400, "its query would be mixed with that of each request"),
    "path-not-utf-8": Difference(500, 200, "servers may have names in other codings"),
    "path-dot-segments-are-kept": Difference(False, True, "what a client asked for is what the server sees"),
    "path-dot-segments-between-routes": Difference(
        "one", 400, "one reading is another user's server; browsers resolve them themselves"
    ),
    "path-empty-segments": Difference(404, 400, "a server that merges slashes would take it for another route's"),
    "path-malformed-percent": Difference(500, 400, "the fault is the client's"),
    "path-property-of-an-object": Difference(500, 404, "`/toString` is a path as any other"),
    "path-leading-slashes": Difference("one", 404, "matched is what is forwarded: `//host/path` is not `/path`"),
    "path-backslash": Difference("one", 404, "a backslash is not a slash"),
    "host-case": Difference(404, "one", "names of hosts have no case (RFC 9110, 4.2.3)"),
    "prefix-cut-when-escaped": Difference("/0b/x", "/x", "what is cut is the prefix as it was written, not as many characters"),
    "prefix-cut-with-hosts": Difference("/ng-longer", "/and-something-longer", "the host is no part of the path"),
    "activity-of-what-a-websocket-says": Difference(False, True, "a kernel that prints is in use"),
    "forwarded-port-that-came": Difference("443,8443", "443", "as `forwarded-proto-that-came`"),
    "forwarded-proto-that-came": Difference(
        "https,http", "https", "who reads the last value must not think that the browser came without TLS"
    ),
    "location-is-rewritten-whatever-the-status": Difference(False, True, "303 is a redirect too"),
    "page-of-last-resort": Difference(None, b"text/html; charset=utf-8", "a person reads it"),
    "error-path-is-read-each-time": Difference(True, False, "files are read when it starts, and when it reloads"),
    "log-of-failed-requests": Difference(True, False, "--access-log has every request, those that fail among them"),
    "timeout-status": Difference(None, 503, "that nobody answered in time is said, where it can be"),
    "error-target-without-the-prefix": Difference(
        "/503?url=%2Fx", "/503?url=%2Fpre%2Ffix%2Fx", "the page is told what the browser asked for"
    ),
    "websocket-forwarded-proto": Difference("ws", "http", "servers know `http` and `https`, and a WebSocket starts as either"),
    "websocket-forwarded-host": Difference(None, "hub.example:8443", "as for any other request"),
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
    "redirect-to-443": Difference(":443", "", "443 is what https means"),
    "terminated-status": Difference(2, 0, "ending when asked to is no fault"),
}


def expected(kind: str, name: str) -> object:
    """What a command does where the two differ."""
    return getattr(DIFFERENCES[name], kind)
