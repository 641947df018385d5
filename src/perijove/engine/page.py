"""Answers of our own: a page that a person understands, or JSON.

Knows statuses and words. Names no address, path or version: the page is shown to strangers. Whatever is put in is escaped.
"""

from __future__ import annotations

import html
import json
from http import HTTPStatus
from typing import Final

from perijove.engine.edits import clean

REASONS: Final[dict[int, bytes]] = {
    200: b"OK",
    204: b"No Content",
    301: b"Moved Permanently",
    302: b"Found",
    303: b"See Other",
    307: b"Temporary Redirect",
    308: b"Permanent Redirect",
    400: b"Bad Request",
    401: b"Unauthorized",
    407: b"Proxy Authentication Required",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    410: b"Gone",
    413: b"Content Too Large",
    414: b"URI Too Long",
    417: b"Expectation Failed",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}

_OF_HTTPD: Final[dict[int, bytes]] = {
    413: b"Request Entity Too Large",
    414: b"Request-URI Too Long",
    416: b"Requested Range Not Satisfiable",
    422: b"Unprocessable Entity",
}

# Reasons that are no statuses, and never sent.
PLAIN_HTTP: Final = 497  # a plain request came to a TLS listener: nginx's number for it
NO_FILE: Final = 4041
READ_ONLY: Final = 4051
CONNECTIONS: Final = 4291
TUNNELS: Final = 4292

# status -> (what happened, what to do about it)
_WORDS: Final[dict[int, tuple[str, str]]] = {
    400: (
        "The request was not understood.",
        "If this happens with an ordinary browser, clear its cookies for this site. Administrators: the request breaks a "
        "rule of HTTP; whatever sent it needs looking at.",
    ),
    404: (
        "Nothing is served at this address.",
        "Check the address. Administrators: no route covers this host and path.",
    ),
    405: ("This method is not allowed here.", "A gateway forwards requests; it opens no tunnels to elsewhere."),
    NO_FILE: (
        "Nothing is served at this address.",
        "Check the address. Administrators: files are served at this path; this one is not there, or may not be read.",
    ),
    READ_ONLY: ("This method is not allowed here.", "Files are served at this address: only GET and HEAD read them."),
    408: ("The request did not arrive in time.", "Check the connection and try again."),
    413: ("The request is larger than allowed.", "Administrators: `limits.body` bounds the size of a request."),
    414: ("The address is longer than allowed.", "Administrators: `limits.request-line` bounds its length."),
    417: ("The request expects something that is not offered.", "Only `Expect: 100-continue` is known."),
    429: (
        "There were too many requests from your address.",
        "Wait a moment and try again. Administrators: `limits.requests-per-client` bounds them; all people behind one address "
        "count as one.",
    ),
    CONNECTIONS: (
        "There are too many connections from your address.",
        "Close what is not needed and try again in a moment. Administrators: `limits.connections-per-client` bounds them; all "
        "people behind one address count as one.",
    ),
    TUNNELS: (
        "There are too many notebooks and terminals open for this user.",
        "Close those that are not needed, in other tabs and windows too. Administrators: `limits.tunnels-per-user` bounds "
        "their WebSockets.",
    ),
    431: (
        "The request's header is larger than allowed.",
        "Too many or too large cookies are the usual cause: clear them for this site. Administrators: "
        "`limits.header` bounds its size.",
    ),
    PLAIN_HTTP: ("This port speaks https.", "Write https:// in front of the address."),
    501: ("The request's transfer coding is not known.", "Only `chunked` is."),
    502: (
        "The server behind this gateway gave no valid answer.",
        "Try again in a moment. Administrators: look at that server's log, at this time.",
    ),
    503: (
        "The server behind this gateway is not running, or not reachable.",
        "Try again in a moment. Administrators: is it started, and does it listen where the route leads?",
    ),
    504: (
        "The server behind this gateway did not answer in time.",
        "Try again in a moment. Administrators: it may be overloaded; `timeouts.connect` and `timeouts.response` "
        "bound the wait.",
    ),
    505: ("This version of HTTP is not spoken here.", "HTTP/1.1 and HTTP/1.0 are."),
}

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:38rem;margin:12vh auto;padding:0 1rem;color:#222;background:#fff}"
    "h1{font-size:1.4rem}small{color:#666}@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}}"
)

# Which field says more of a status that is answered here.
_SAYS: Final = {200: b"Allow", 401: b"WWW-Authenticate", 405: b"Allow", 407: b"Proxy-Authenticate", 501: b"Allow"}


def reason(status: int) -> bytes:
    """Return the reason phrase of a status."""
    return REASONS.get(status, b"Error" if status >= 400 else b"OK")


def known(status: int) -> bool:
    """Tell whether httpd knows a status; any other has the page of 500 (ap_index_of_response)."""
    try:
        return HTTPStatus(status) not in (HTTPStatus.IM_A_TEAPOT, HTTPStatus.TOO_EARLY)
    except ValueError:
        return False


def reason_of_httpd(status: int) -> bytes:
    """Return the reason phrase of a status in httpd's words (status_lines, modules/http/http_protocol.c)."""
    found = _OF_HTTPD.get(status) or REASONS.get(status)
    if found is None:
        try:
            return HTTPStatus(status).phrase.encode()
        except ValueError:
            return b"Error" if status >= 400 else b"OK"
    return found


def error(status: int, accept: bytes, request_id: bytes, why: int = 0) -> tuple[bytes, bytes]:
    """Return the content type and the content of an error page.

    Args:
        status: of the response.
        accept: the request's Accept; JSON is given to whom it asks for it before HTML.
        request_id: shown, so that a user can tell it to the administrator.
        why: whose words to use, if not the status' own.
    """
    title = f"{status} {reason(status).decode()}"
    what, hint = _WORDS.get(why or status, ("The request was not served.", ""))
    shown = request_id.decode("ascii", "replace")
    accept = accept.lower()
    if b"json" in accept and b"html" not in accept.split(b"json", 1)[0]:
        document = {"status": status, "message": f"{title}: {what}", "hint": hint, "request_id": shown}
        return b"application/json", json.dumps(document).encode() + b"\n"
    text = html.escape(hint).replace("`", "")
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n<p>{html.escape(what)}</p>\n<p>{text}</p>\n"
        f"<p><small>Request {html.escape(shown)}</small></p></body></html>\n"
    )
    return b"text/html; charset=utf-8", page.encode()


def said(status: int, location: bytes | None) -> bytes:
    """Return the line that says more of a status, if there is one; Allow may have no methods (RFC 9110 §10.2.1)."""
    name = _SAYS.get(status, b"Location")
    if location is None or not (location or name == b"Allow"):
        return b""
    return b"%b: %b\r\n" % (name, clean(location))
