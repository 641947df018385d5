"""Configurations that are spoiled in one place, as people spoil them: what is judged then is the verdict.

Knows what mistakes there are. Not all of them are errors for Apache: that is what is asked.
"""

from __future__ import annotations

from dataclasses import replace

from tests.oracle.fuzz.tree import Node
from tests.oracle.fuzz.words import Dice

_STRANGE = (
    "ProxyPas / http://127.0.0.1/",
    "ProxyPass /x",
    "ProxyPass http://127.0.0.1:8000/",
    "ProxyPass /x /y",
    "ProxyPass /x 127.0.0.1:8000",
    "ProxyPass /x http://127.0.0.1:8000/ upgrade",
    "ProxyPass /x http://127.0.0.1:8000/ timeout=soon",
    "ProxyPass /x http://127.0.0.1:8000/ retries=3",
    "ProxyPass /x http://127.0.0.1:80a0/",
    "ProxyPass /x http://127.0.0.1:{UPSTREAM_PORT}/ # a remark",
    "ProxyPass /x http://${NOWHERE}/",
    "ProxyPass /x http://127.0.0.1:${NOWHERE}/",
    "ProxyPassMatch ^/(x http://127.0.0.1:8000/$1",
    "ProxyPassMatch ^/x",
    "ProxyPassReverse /x http://127.0.0.1:8000/ # back",
    "ProxyPassReverse /x",
    "ProxyPreserveHost yes",
    "ProxyPreserveHost On # keep it",
    "ProxyPreserveHost",
    "RewriteEngine maybe",
    "RewriteRule ^/x",
    "RewriteRule ^/(x /y",
    "RewriteRule ^/x /y [Q]",
    "RewriteRule ^/x /y [R=999]",
    "RewriteRule ^/x /y [P, L]",
    "RewriteRule ^/x /y P,L",
    "RewriteCond %{REQUEST_URI}",
    "RewriteCond %{REQUEST_URI} ^/x [L]",
    "RewriteCond %{NOTHING} ^/x",
    "RewriteCond %{REQUEST_URI} ^/(x",
    "RequestHeader set X-A",
    "RequestHeader put X-A b",
    "RequestHeader set X-A b # c",
    "RequestHeader edit X-A b",
    "RequestHeader edit X-A (b c",
    'RequestHeader set X-A "%{A}q"',
    "RequestHeader set X-A b env=",
    "RequestHeader always set X-A b",
    "Header set X-R",
    "Header never set X-R b",
    "Header set X-R 50%",
    "Header set X-R expr=%{NOTHING}",
    "Redirect /x",
    "Redirect /x y",
    "Redirect 200 /x https://h.test/",
    "Redirect gone /x https://h.test/",
    "Redirect x https://h.test/",
    "RedirectMatch ^/(x https://h.test/",
    "Redirect sometimes /x https://h.test/",
    "ServerName",
    "ServerName two names",
    "ServerAlias",
    "SetEnvIf Host",
    "SetEnvIf Host (x Y",
    "Define",
    "Define A B C",
    "Include {DIR}/nowhere.conf",
    "IncludeOptional {DIR}/nowhere.conf",
    "SSLEngine on",
    "Require all granted",
    "</Location>",
    "<Location /x>",
    "<Location>",
    '<Location "/x',
    "Listen",
    "\\",
    '"ProxyPass" /x !',
    "proxypass /x !",
    "ProxyPass /x ! retry=0",
    "ProxyPass '/x y' !",
    'ProxyPass "/x" "!',
)
_INSIDE = (
    "ProxyPass /x http://127.0.0.1:8000/",
    "ProxyPass / !",
    "ProxyPassMatch ^/x http://127.0.0.1:8000/",
    "ProxyPassReverse /x http://127.0.0.1:8000/",
    "ProxyRequests Off",
    "ServerName x.test",
    "ServerAlias x.test",
    "Redirect /x /y /z",
    "Redirect /x https://h.test/",
    "RedirectMatch ^/x https://h.test/",
    "RewriteEngine On",
    "Define X y",
    "ProxyTimeout 10",
    "Timeout 10",
    "Alias /srv",
)


def spoiled(dice: Dice, hosts: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return virtual hosts with one line more that may be wrong."""
    at = dice.random.randrange(len(hosts))
    inside = list(hosts[at].children or ())
    sections = [number for number, one in enumerate(inside) if one.children is not None and one.line.startswith("<Loc")]
    if sections and dice.maybe(0.4):
        number = dice.of(sections)
        section = inside[number]
        inside[number] = replace(section, children=(*(section.children or ()), Node(dice.of(_INSIDE))))
    else:
        inside.insert(dice.random.randrange(len(inside) + 1), Node(dice.of(_STRANGE)))
    return (*hosts[:at], replace(hosts[at], children=tuple(inside)), *hosts[at + 1 :])
