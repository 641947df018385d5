"""Field names that the data plane treats in a way of their own (RFC 9110 §5), each with a number.

A set of them is a mask with bit `number` set, so that "is this line to be dropped?" costs one shift.
Knows names only. Names are lower case here, and compared without case everywhere.
"""

from __future__ import annotations

from typing import Final

OTHER: Final = 0  # any name that is not listed here
CONNECTION: Final = 1
KEEP_ALIVE: Final = 2
PROXY_CONNECTION: Final = 3
TE: Final = 4
TRAILER: Final = 5
TRANSFER_ENCODING: Final = 6
UPGRADE: Final = 7
CONTENT_LENGTH: Final = 8
HOST: Final = 9
EXPECT: Final = 10
PROXY_AUTHORIZATION: Final = 11
PROXY_AUTHENTICATE: Final = 12
PROXY: Final = 13
HTTP2_SETTINGS: Final = 14
X_FORWARDED_FOR: Final = 15
X_FORWARDED_PROTO: Final = 16
X_FORWARDED_HOST: Final = 17
X_FORWARDED_PORT: Final = 18
X_FORWARDED_SERVER: Final = 19
X_FORWARDED_SSL: Final = 20
X_SCHEME: Final = 21
X_REAL_IP: Final = 22
FORWARDED: Final = 23
LOCATION: Final = 24
CONTENT_LOCATION: Final = 25
REFRESH: Final = 26
SET_COOKIE: Final = 27
DATE: Final = 28
SERVER: Final = 29
SEC_WEBSOCKET_KEY: Final = 30
SEC_WEBSOCKET_VERSION: Final = 31
ACCEPT: Final = 32
USER_AGENT: Final = 33
REFERER: Final = 34
COOKIE: Final = 35
AUTHORIZATION: Final = 36
CONTENT_TYPE: Final = 37
CONTENT_ENCODING: Final = 38
CONTENT_RANGE: Final = 39
CACHE_CONTROL: Final = 40
MAX_FORWARDS: Final = 41
ORIGIN: Final = 42
VARY: Final = 43
X_FORWARDED_SCHEME: Final = 44
X_FORWARDED_PREFIX: Final = 45
SEC_WEBSOCKET_ACCEPT: Final = 46
RANGE: Final = 47
WWW_AUTHENTICATE: Final = 48
AGE: Final = 49
EXPIRES: Final = 50
WARNING: Final = 51
REMOTE_USER: Final = 52
X_REMOTE_USER: Final = 53
X_FORWARDED_USER: Final = 54
X_FORWARDED_EMAIL: Final = 55
X_FORWARDED_GROUPS: Final = 56
X_FORWARDED_PREFERRED_USERNAME: Final = 57
COUNT: Final = 58  # numbers are below this, and below 64

NUMBERS: Final[dict[bytes, int]] = {
    b"connection": CONNECTION,
    b"keep-alive": KEEP_ALIVE,
    b"proxy-connection": PROXY_CONNECTION,
    b"te": TE,
    b"trailer": TRAILER,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"upgrade": UPGRADE,
    b"content-length": CONTENT_LENGTH,
    b"host": HOST,
    b"expect": EXPECT,
    b"proxy-authorization": PROXY_AUTHORIZATION,
    b"proxy-authenticate": PROXY_AUTHENTICATE,
    b"proxy": PROXY,
    b"http2-settings": HTTP2_SETTINGS,
    b"x-forwarded-for": X_FORWARDED_FOR,
    b"x-forwarded-proto": X_FORWARDED_PROTO,
    b"x-forwarded-host": X_FORWARDED_HOST,
    b"x-forwarded-port": X_FORWARDED_PORT,
    b"x-forwarded-server": X_FORWARDED_SERVER,
    b"x-forwarded-ssl": X_FORWARDED_SSL,
    b"x-scheme": X_SCHEME,
    b"x-real-ip": X_REAL_IP,
    b"forwarded": FORWARDED,
    b"location": LOCATION,
    b"content-location": CONTENT_LOCATION,
    b"refresh": REFRESH,
    b"set-cookie": SET_COOKIE,
    b"date": DATE,
    b"server": SERVER,
    b"sec-websocket-key": SEC_WEBSOCKET_KEY,
    b"sec-websocket-version": SEC_WEBSOCKET_VERSION,
    b"accept": ACCEPT,
    b"user-agent": USER_AGENT,
    b"referer": REFERER,
    b"cookie": COOKIE,
    b"authorization": AUTHORIZATION,
    b"content-type": CONTENT_TYPE,
    b"content-encoding": CONTENT_ENCODING,
    b"content-range": CONTENT_RANGE,
    b"cache-control": CACHE_CONTROL,
    b"max-forwards": MAX_FORWARDS,
    b"origin": ORIGIN,
    b"vary": VARY,
    b"x-forwarded-scheme": X_FORWARDED_SCHEME,
    b"x-forwarded-prefix": X_FORWARDED_PREFIX,
    b"sec-websocket-accept": SEC_WEBSOCKET_ACCEPT,
    b"range": RANGE,
    b"www-authenticate": WWW_AUTHENTICATE,
    b"age": AGE,
    b"expires": EXPIRES,
    b"warning": WARNING,
    b"remote-user": REMOTE_USER,
    b"x-remote-user": X_REMOTE_USER,
    b"x-forwarded-user": X_FORWARDED_USER,
    b"x-forwarded-email": X_FORWARDED_EMAIL,
    b"x-forwarded-groups": X_FORWARDED_GROUPS,
    b"x-forwarded-preferred-username": X_FORWARDED_PREFERRED_USERNAME,
}

NAMES: Final[dict[int, bytes]] = {number: name for name, number in NUMBERS.items()}


def mask(*numbers: int) -> int:
    """Return the set of `numbers` as bits."""
    bits = 0
    for number in numbers:
        bits |= 1 << number
    return bits


# RFC 9110 §7.6.1, and what perijove writes itself: framing (RFC 9112 §6) is computed, never copied.
HOP_BY_HOP: Final = mask(CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, CONTENT_LENGTH)
# Beside those: credentials and challenges between a client and a proxy (RFC 9110 §11.7), `Proxy`, which CGI
# servers take for a setting (CVE-2016-5385), and the h2c upgrade's own field (RFC 7540 §3.2.1).
REQUEST_DROP: Final = HOP_BY_HOP | mask(PROXY_AUTHORIZATION, PROXY, HTTP2_SETTINGS)
RESPONSE_DROP: Final = HOP_BY_HOP | mask(PROXY_AUTHENTICATE)
# Fields that tell of the client, or say who its user is: proxies that authenticate name users so (oauth2-proxy, mod_auth_*),
# and JupyterHub's remote-user authenticators believe them. A client's own are believed from trusted peers only.
OWNED: Final = mask(
    X_FORWARDED_FOR,
    X_FORWARDED_PROTO,
    X_FORWARDED_HOST,
    X_FORWARDED_PORT,
    X_FORWARDED_SERVER,
    X_FORWARDED_SSL,
    X_FORWARDED_SCHEME,
    X_FORWARDED_PREFIX,
    X_SCHEME,
    X_REAL_IP,
    FORWARDED,
    REMOTE_USER,
    X_REMOTE_USER,
    X_FORWARDED_USER,
    X_FORWARDED_EMAIL,
    X_FORWARDED_GROUPS,
    X_FORWARDED_PREFERRED_USERNAME,
)
# A name with an underscore for a hyphen is the same name to many an upstream (CGI, WSGI). Those that frame the
# message are refused so spelt; those that are dropped are dropped so spelt too.
FRAMING: Final = mask(CONTENT_LENGTH, TRANSFER_ENCODING, HOST)
# What `Connection: name` cannot take away: perijove itself decides on these.
NOT_NOMINATED: Final = mask(CONTENT_LENGTH, TRANSFER_ENCODING, HOST, CONNECTION, UPGRADE)
