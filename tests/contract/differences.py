"""Where perijove does on purpose what configurable-http-proxy does not: all of it, each with its reason.

A test says `expected(proxy.kind, name)`; whatever is not here is the same on both.
"""

from __future__ import annotations

from dataclasses import dataclass

NOTHING = "no answer"  # the connection stays open, and nothing comes
CLOSED = "the connection is closed"


@dataclass(frozen=True)
class Difference:
    """What each does: a status, a text, or whether it is so."""

    what: str
    chp: object
    perijove: object
    why: str

    def line(self) -> str:
        """The line of it in docs/reference/chp.md."""
        return f"| {self.what} | {_shown(self.chp)} | {_shown(self.perijove)} | {self.why} |"


def _shown(value: object) -> str:
    if isinstance(value, bool | None):
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int) or value in (NOTHING, CLOSED):
        return str(value)
    text = value.decode() if isinstance(value, bytes) else str(value)
    return f"`{text}`" if text else "–"


DIFFERENCES: dict[str, Difference] = {
    "api-malformed-percent": Difference(
        "API: a path with a broken `%`", NOTHING, 400, "a client that is never answered waits for ever"
    ),
    "api-delete-nothing-named": Difference(
        "API: `DELETE /api/routes`", NOTHING, 204, "no path is the root, as it is when a route is added"
    ),
    "api-unauthorized-bad-json": Difference(
        "API: what is no JSON, without the token", 400, 403, "who has no token learns nothing, and nothing of theirs is parsed"
    ),
    "api-target-unusable": Difference(
        "API: a target that is no URL", 201, 400, "a route that can only ever answer 500 is refused when it is made"
    ),
    "api-dot-segments": Difference(
        "API: `.` and `..` in a path", 201, 400, "what `..` means is not guessed: no request comes to such a route"
    ),
    "target-with-a-query": Difference(
        "API: a target with a query", 201, 400, "its query would be mixed with that of each request"
    ),
    "path-not-utf-8": Difference("a path that is not UTF-8", 500, 200, "servers may have names in other codings"),
    "path-dot-segments-are-kept": Difference(
        "`.` and `..` reach the server as they were asked for", False, True, "what a client asked for is what the server sees"
    ),
    "path-dot-segments-between-routes": Difference(
        "`/a/../b`, where `/a` is a route of its own",
        200,
        400,
        "one reading is another user's server; browsers resolve them themselves",
    ),
    "path-empty-segments": Difference(
        "`/a//b`, where only `/a/b` is a route", 404, 400, "a server that merges slashes would take it for another route's"
    ),
    "path-malformed-percent": Difference("a path with a broken `%`", 500, 400, "the fault is the client's"),
    "path-property-of-an-object": Difference(
        "`/toString`, `/__proto__`, `/constructor` without a route", 500, 404, "`/toString` is a path as any other"
    ),
    "path-leading-slashes": Difference(
        "`//host/path`, where only `/path` is a route", 200, 404, "matched is what is forwarded: `//host/path` is not `/path`"
    ),
    "path-backslash": Difference("`/a\\b`, where only `/a/b` is a route", 200, 404, "a backslash is not a slash"),
    "host-case": Difference("`--host-routing`: a Host in capitals", 404, 200, "names of hosts have no case (RFC 9110, 4.2.3)"),
    "prefix-cut-when-escaped": Difference(
        "`--no-include-prefix`: `/escaped/a%20b/x`, of the route `/escaped/a b`",
        "/0b/x",
        "/x",
        "what is cut is the prefix as it was written, not as many characters",
    ),
    "prefix-cut-with-hosts": Difference(
        "`--no-include-prefix --host-routing`: `/pre/and-something-longer`, of the route `/one.example/pre`",
        "/ng-longer",
        "/and-something-longer",
        "the host is no part of the path",
    ),
    "activity-of-what-a-websocket-says": Difference(
        "what a server says through a WebSocket is activity", False, True, "a kernel that prints is in use"
    ),
    "forwarded-port-that-came": Difference(
        "`X-Forwarded-Port` behind a proxy that said 443", "443,8443", "443", "as with `X-Forwarded-Proto`"
    ),
    "forwarded-proto-that-came": Difference(
        "`X-Forwarded-Proto` behind a proxy that said https",
        "https,http",
        "https",
        "who reads the last value must not think that the browser came without TLS",
    ),
    "cookies-under-https-are-secure": Difference(
        "`Secure` is added to cookies where the browser came by https",
        False,
        True,
        "a cookie must not be sent without TLS later",
    ),
    "location-is-rewritten-whatever-the-status": Difference(
        "`--auto-rewrite` is of answers with 200, 303 and 305, too", False, True, "303 is a redirect too"
    ),
    "page-of-last-resort": Difference(
        "type of the page when `--error-target` is down", None, b"text/html; charset=utf-8", "a person reads it"
    ),
    "look-ups-are-timed": Difference(
        "`find_target_for_req_sum` and `last_activity_updating_sum` grow",
        True,
        False,
        "looking at the clock would take as long as what it measured: they stay 0",
    ),
    "timeout-status": Difference(
        "`--timeout`: a server that does not answer", None, 503, "that nobody answered in time is said, where it can be"
    ),
    "error-target-without-the-prefix": Difference(
        "`--no-include-prefix`: what `--error-target` is asked for",
        "/503?url=%2Fx",
        "/503?url=%2Fpre%2Ffix%2Fx",
        "the page is told what the browser asked for",
    ),
    "websocket-forwarded-proto": Difference(
        "`X-Forwarded-Proto` of a WebSocket", "ws", "http", "servers know `http` and `https`, and a WebSocket starts as either"
    ),
    "websocket-forwarded-host": Difference(
        "`X-Forwarded-Host` of a WebSocket", None, "hub.example:8443", "as for any other request"
    ),
    "websocket-malformed-percent": Difference("a WebSocket whose path has a broken `%`", 500, 400, "as for any other request"),
    "upgrade-other": Difference(
        "`Upgrade` to anything but a WebSocket",
        CLOSED,
        200,
        "an upgrade that is not wanted is not made, and the request is answered as any (RFC 9110, 7.8)",
    ),
    "websocket-forwarded-proto-tls": Difference(
        "`X-Forwarded-Proto` of a WebSocket over TLS", "wss", "https", "as without TLS"
    ),
    "tls-name-is-of-the-target": Difference(
        "a WebSocket to an `https://` target, when the client's Host is another name than the certificate's",
        503,
        101,
        "the certificate is the target's; the client's Host says nothing about it",
    ),
    "insecure": Difference(
        "`--insecure`: a target with a certificate of nobody's",
        503,
        200,
        "the option does what it says (configurable-http-proxy 5 takes no notice of it)",
    ),
    "forwarded-for-of-a-unix-socket": Difference(
        "`X-Forwarded-For` on a Unix socket", "undefined", None, "there is no address to tell"
    ),
    "socket-that-was-left": Difference(
        "`--socket`: starts where a killed one has left its socket",
        False,
        True,
        "a socket on which nobody listens is no reason not to start",
    ),
    "port-in-use-ends": Difference(
        "ends if its port is in use", False, True, "a proxy that does not serve must not look as if it did"
    ),
    "options-that-only-fail-later": Difference(
        "starts with a `--default-target` that is no URL, or a `--custom-header` that cannot stand in a request",
        True,
        False,
        "whoever starts it is there to mend it; whoever is answered 500 later is not",
    ),
    "redirect-elsewhere": Difference(
        "`--redirect-port` is listened on at all addresses, whatever `--ip` says",
        True,
        False,
        "what is to be reached from here only must not be reached from elsewhere",
    ),
    "redirect-to-443": Difference("`--redirect-to 443`: the port in the URL", ":443", "", "443 is what https means"),
    "terminated-status": Difference("exit status on SIGTERM and Ctrl-C", 2, 0, "ending when asked to is no fault"),
}


def expected(kind: str, name: str) -> object:
    """What a command does where the two differ."""
    return getattr(DIFFERENCES[name], kind)


if __name__ == "__main__":  # for the table
    print(*(one.line() for one in DIFFERENCES.values()), sep="\n")
