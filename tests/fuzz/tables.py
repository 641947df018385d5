"""Tables that requests are decided by in fuzz targets: as TOML and as Apache's files have them."""

from __future__ import annotations

from typing import Final

from perijove.config.apache import load as load_apache
from perijove.config.toml import load as load_toml
from perijove.engine.exchange import Exchange
from perijove.engine.head import RequestHead
from perijove.engine.peer import Peer
from perijove.engine.plan import Plan, Table
from perijove.routing import upstreams
from perijove.routing.compile import compile_table
from perijove.text.source import Source

_PLAIN: Final = 'listen = ":80"\nto = "http://up:81"\n'
_ROUTES: Final = """
listen = ":80"
[[route]]
path = "/user/"
to = "http://up:81"
[[route]]
path = "/old/"
to = "http://up:82/new/"
preserve-host = false
[[route]]
path = "/gone/"
redirect.to = "https://{host}/x{path}{search}"
[[route]]
path = "/"
to = "http://up:83"
request-fields = { set = { X-Path = "{path}", X-Query = "{query}", X-Host = "{host}" }, remove = ["Cookie"] }
response-fields = { set = { X-Asked = "{target}" }, remove = ["X-Gone"] }
"""
_APACHE: Final = """
Listen 80
<VirtualHost *:80>
ServerName hub.example
RewriteEngine On
RewriteCond %{HTTP:Upgrade} =websocket [NC]
RewriteRule /(.*) ws://up:81/$1 [P,L]
RewriteCond %{QUERY_STRING} (^|&)to=([^&]*)
RewriteRule ^/go/(.*)$ /a/$1?seen=%2 [R=302,NE]
RewriteRule ^/b/([^/]*)/(.*)$ /a/$2?name=$1 [QSA,PT]
RequestHeader set X-Seen "%{HTTP_COOKIE}e" env=!none
RequestHeader set X-Url "expr=%{REQUEST_URI}"
RequestHeader edit User-Agent "a(.*)b" "$1-$0"
RequestHeader append Accept-Language x
Header edit Location "^http://([^/]*)(.*)$" "https://$1$2"
Header always set X-Frame-Options DENY
Header edit* X-Any "(.)a" "$1 b"
Header merge Vary Cookie
ProxyPass /a/ http://up:81/c/
ProxyPassReverse /a/ http://up:81/c/
ProxyPassReverseCookiePath /c/ /a/
ProxyPassReverseCookieDomain up hub.example
ProxyPass / http://up:82/ upgrade=websocket
ProxyPassReverse / http://up:82/
</VirtualHost>
"""


def compiled(text: str, apache: bool = False) -> Table:
    """Return the table of the one listener of a configuration."""
    loaded = load_apache(Source("fuzz.conf", text)) if apache else load_toml(Source("fuzz.toml", text))
    gateway = loaded.gateway
    assert gateway is not None, [one.message for one in loaded.diagnostics]
    made = {name: upstreams.upstream(one) for name, one in gateway.upstreams.items()}
    return compile_table(gateway, gateway.listeners[0], made, {})


PLAIN: Final = compiled(_PLAIN)
ROUTES: Final = compiled(_ROUTES)
APACHE: Final = compiled(_APACHE, apache=True)
TABLES: Final = (PLAIN, ROUTES, APACHE)


def _trusts(address: str) -> bool:
    if address.count(".") != 3:
        raise ValueError(address)
    return address.startswith("10.")


def peer(trusted: bool, secure: bool) -> Peer:
    """Return a client, or a balancer that is trusted."""
    return Peer(b"192.0.2.1", 5, b"https" if secure else b"http", 443 if secure else 80, trusted, _trusts)


def begun(head: RequestHead, plan: Plan, table: Table, client: Peer) -> Exchange:
    """Return an exchange that has begun with what a table has just decided, as a connection begins one."""
    exchange = Exchange(client)
    exchange.begin(head, plan)
    if plan.edited:
        assert table.state is not None
        if plan.keeps_fields:
            table.state.snapshot()
        exchange.state = table.state
    return exchange
