"""Why httpd refuses requests, in the words of its error log.

The words are those that httpd 2.4.71 wrote to its log when it was asked (`LogLevel info`). Knows words, and must not know when they apply.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from perijove.gateway.reasons import Fault, Reason

# The statuses that httpd knows (status_lines, modules/http/http_protocol.c).
STATUSES: Final = frozenset(int(one) for one in HTTPStatus) - {418, 425}
NO_NAME: Final = Reason(
    "AH02031",
    "Hostname provided via SNI, but no hostname provided in HTTP request",
    "the client began TLS for a host and then named none: it has to send Host",
)
DENIED: Final = Reason(
    "AH01630",
    "client denied by server configuration",
    "a Require does not let this client in: change it, or ask from elsewhere",
)
DENIED_COMPAT: Final = Reason(
    "AH01797", "client denied by server configuration", "Order, Allow and Deny do not let this client in: write Require instead"
)
NO_AUTHENTICATION: Final = Reason(
    "AH00027",
    "No authentication done but request not allowed without authentication for {raw}. Authentication not configured?",
    "a Require asks for a user, but nothing asks for a password: add AuthType Basic, AuthName and AuthUserFile",
)
TOO_LARGE: Final = Reason(
    "AH01588",
    "Requested content-length is larger than the configured limit",
    "LimitRequestBody allows less: raise it, or set it to 0",
)
METHOD: Final = Reason("AH01623", "client method denied by server configuration", "AllowMethods does not name this method")
TLS_REQUIRED: Final = Reason(
    "AH02219", "access to {raw} failed, reason: SSL connection required", "SSLRequireSSL lets in who comes by https only"
)
TLS_ASKED: Final = Reason(
    "AH02229",
    "access to {raw} failed, reason: SSL requirement expression not fulfilled",
    "SSLRequire asks more of the connection, or of the request",
)
CERTIFICATE_REQUIRED: Final = Reason(
    "AH02262",
    "Re-negotiation handshake failed: client certificate missing for {raw}",
    "SSLVerifyClient asks for a client's certificate, and perijove does not: nobody is let in; say `--allow-unenforced SSLVerifyClient`",
)
NO_USERS: Final = Reason(
    "AH01620", "Could not open password file", "AuthUserFile names a file that cannot be read: it is not there, or not for us"
)
PROXY_ERROR: Final = b"Proxy Error"  # what mod_proxy says beside a status that it has given a text (ap_proxyerror)
DISABLED: Final = Reason(
    "AH00940",
    "HTTP: disabled connection for the host of the worker",
    "nothing is sent there: take `status=` out of ProxyPass or ProxySet",
)
NO_CONNECT: Final = Reason(
    "AH01144",
    "No protocol handler was valid for the URL {raw}",
    "a forward proxy connects to other servers with mod_proxy_connect only: `a2enmod proxy_connect`",
)
PORT: Final = Reason(
    "AH00898",
    "Connect to remote machine blocked returned by {raw}",
    "AllowCONNECT does not have this port: add it if it is meant",
)
BLOCKED: Final = Reason(
    "AH00898", "Connect to remote machine blocked returned by {raw}", "a word of ProxyBlock is in this host's name"
)
NOT_A_WEBSOCKET: Final = Reason(
    "AH02900",
    "declining URL (not a WebSocket)",
    "`ws://` is for WebSockets only here: load mod_proxy_http, and leave ProxyWebsocketFallbackToProxyHttp on",
)
_NO_SSL: Final = Reason(
    "AH01961",
    "failed to enable ssl support [Hint: if using mod_ssl, see SSLProxyEngine]",
    "the upstream is to be spoken to with TLS: add `SSLProxyEngine on`",
)
TRACE: Final = Reason(
    plain="TRACE would show scripts what they may not read: it is not answered here, and with `TraceEnable off` not sent on"
)
FAR_ENOUGH: Final = Reason(
    "AH00898",
    "Max-Forwards has reached zero - proxy loop? returned by {raw}",
    "the request has gone through as many proxies as it may, or Max-Forwards is no number: look for a proxy that leads to itself",
)
NO_INDEX: Final = Reason(
    "AH01276",
    "Cannot serve directory: No matching DirectoryIndex found, and server-generated directory index forbidden by Options directive",
    "add a file that DirectoryIndex names",
)
NO_FILE: Final = Reason(
    plain="no ProxyPass, RewriteRule or Redirect is for this path: files are read with GET, HEAD and POST, and nothing else is done"
)

# What is refused by no directive.
FAULTS: Final = {
    Fault.BAD_PATH: Reason(
        "AH10244", "invalid URI path ({raw})", "the path is not one: it has a bad `%`, or `..` leads above `/`"
    ),
    Fault.ENCODED_SLASH: Reason(
        "AH00026",
        "found %2f (encoded '/') in URI path ({raw}), returning 404",
        "add `AllowEncodedSlashes NoDecode`, and `nocanon` to ProxyPass; names of files and users may need it",
    ),
    Fault.NOWHERE: Reason(
        "AH00128", "File does not exist: {root}{path}", "no ProxyPass, RewriteRule or Redirect is for this path: add one"
    ),
    Fault.BAD_TARGET: Reason(
        "AH10415",
        "To be forwarded path contains control characters or spaces",
        "take `nocanon` from ProxyPass or `NE` from RewriteRule: then the path is encoded anew",
    ),
    Fault.NO_UPSTREAM: Reason(
        "AH01144",
        "No protocol handler was valid for the URL {raw}",
        "the URL that was made of the request names no host that can be asked by http",
    ),
    Fault.ENDLESS: Reason(
        "AH00124",
        "Request exceeded the limit of 10 internal redirects due to probable configuration error.",
        "rules go round in a circle: see which of them match what they have made",
    ),
    Fault.NO_CREDENTIALS: Reason(plain="a name and a password are asked for, and there are none in Authorization"),
    Fault.UNKNOWN_USER: Reason("AH01618", "user {user} not found: {raw}", "AuthUserFile does not have this user"),
    Fault.WRONG_PASSWORD: Reason(
        "AH01617", 'user {user}: authentication failure for "{raw}": Password Mismatch', "it is not this user's password"
    ),
    Fault.OTHER_USER: Reason(
        "AH01631", 'user {user}: authorization failure for "{raw}":', "the password is right, but no Require lets this user in"
    ),
}


def no_handler(scheme: str, secure: bool, loaded: bool) -> Reason:
    """Return why nothing can be sent to URLs of a scheme.

    Args:
        scheme: of the URL.
        secure: it asks for TLS.
        loaded: a module for it is there.
    """
    if secure and loaded:
        return _NO_SSL
    module = "mod_ssl" if secure else "mod_proxy_http"
    help_text = f"load {module}: `a2enmod {module[4:]}`"
    if scheme not in ("http", "https", "ws", "wss"):
        help_text = "write a URL that begins with http:// or https://"
    return Reason(
        "AH01144",
        f"No protocol handler was valid for the URL {{raw}} (scheme '{scheme}'). If you are using a DSO version of mod_proxy, make "
        "sure the proxy submodules are included in the configuration using LoadModule.",
        help_text,
    )


def no_workers(balancer: str) -> Reason:
    """Return why nothing can be sent to a balancer."""
    return Reason(
        "AH01171",
        f"{balancer}: No workers in balancer",
        "add a <Proxy> section of that name with BalancerMember, or enable a member",
    )
