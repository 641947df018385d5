"""Configurations that nobody means well with, of any size: what costs more the more there is of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


def _filled(size: int, line: Callable[[int], str], before: str = "", after: Callable[[int], str] = lambda _: "") -> str:
    """Return lines up to a size, and for each another after all of them."""
    parts, ends, left, number = [before], [], size - len(before), 0
    while left > 0:
        one, end = line(number), after(number)
        parts.append(one)
        ends.append(end)
        left -= len(one) + len(end)
        number += 1
    return "".join((*parts, *reversed(ends)))


_HOST: Final = "<VirtualHost *:80>\nServerName hub.example.org\nRewriteEngine On\n"

SHAPES: Final[dict[str, Callable[[int], str]]] = {
    "IfModule in IfModule": lambda size: _filled(size, lambda _: "<IfModule m>\n", after=lambda _: "</IfModule>\n"),
    "IfModule that is there": lambda size: _filled(
        size, lambda _: "<IfModule proxy_module>\n", after=lambda _: "</IfModule>\n"
    ),
    "sections that are never closed": lambda size: _filled(size, lambda _: "<Location /a>\n"),
    "sections that are closed by others": lambda size: _filled(
        size, lambda n: f"<Location /a{n}>\n", after=lambda _: "</Directory>\n"
    ),
    "sections of many names": lambda size: _filled(size, lambda n: f"<A{n}>\n", after=lambda n: f"</A{n + 1}>\n"),
    "closing lines": lambda size: _filled(size, lambda _: "</Location>\n"),
    "Location in Location": lambda size: _filled(size, lambda _: "<Location /a>\n", after=lambda _: "</Location>\n"),
    "If in If": lambda size: _filled(size, lambda _: "<If true>\n", after=lambda _: "</If>\n"),
    "unknown directives": lambda size: _filled(size, lambda n: f"Proxypas{n} x\n"),
    "unknown directives of one letter": lambda size: _filled(size, lambda _: "a\n"),
    "one unknown directive": lambda size: "a" * size,
    "empty lines": lambda size: "\n" * size,
    "brackets": lambda size: "<\n" * (size // 2),
    "one line": lambda size: "ProxyPass " + "a " * (size // 2),
    "one word": lambda size: "ProxyPass /" + "a" * size,
    "one line of quotes": lambda size: "ProxyPass " + "'" * size,
    "one quoted word of backslashes": lambda size: 'ProxyPass "' + "\\" * size,
    "lines that go on": lambda size: "a \\\n" * (size // 4),
    "lines of white space that go on": lambda size: " \\\n" * (size // 3),
    "one comment that goes on": lambda size: "# \\\n" * (size // 4),
    "variables": lambda size: "ProxyPass / " + "${A}" * (size // 4),
    "variables in lines": lambda size: _filled(size, lambda n: f"Define A{n} ${{A{n - 1}}}b\n"),
    "variables that double": lambda size: _filled(size, lambda n: f"Define A{n} ${{A{n - 1}}}${{A{n - 1}}}\n", "Define A0 x\n"),
    "open variables": lambda size: "ProxyPass / " + "${" * (size // 2),
    "macros": lambda size: _filled(size, lambda n: f"<Macro M{n} $a>\nProxyPass $a http://a\n</Macro>\nUse M{n} /b{n}\n"),
    "one macro, often": lambda size: _filled(size, lambda _: "Use M\n", "<Macro M>\nProxyPass /a http://a\n</Macro>\n"),
    "ProxyPass in one host": lambda size: _filled(size, lambda n: f"ProxyPass /a{n} http://b{n}\n", _HOST),
    "ProxyPass of one path": lambda size: _filled(size, lambda _: "ProxyPass / http://b\n", _HOST),
    "ProxyPass, each a part of the next": lambda size: _filled(size, lambda n: f"ProxyPass /{'a' * n} http://b/\n", _HOST),
    "ProxyPass to one host by parts of a path": lambda size: _filled(size, lambda n: f"ProxyPass /a{n} http://b/{'c' * n}\n", _HOST),
    "RewriteCond": lambda size: _filled(size, lambda n: f"RewriteCond %{{HTTP:A{n}}} b\n", _HOST) + "RewriteRule a b [P]\n",
    "RewriteRule that skips": lambda size: _filled(size, lambda n: f"RewriteRule a{n} - [S=9999]\n", _HOST),
    "RewriteRule in a chain": lambda size: _filled(size, lambda n: f"RewriteRule a{n} b [C]\n", _HOST),
    "RewriteRule over and over": lambda size: _filled(size, lambda n: f"RewriteRule a b{n} [N]\n", _HOST),
    "flags": lambda size: _HOST + "RewriteRule a b [" + "E=a:b," * (size // 6) + "L]\n",
    "groups": lambda size: _HOST + "RewriteRule " + "(" * (size // 2) + ")" * (size // 2) + " b [P]\n",
    "alternatives": lambda size: _HOST + "RewriteRule (" + "a|" * (size // 2) + ") b [P]\n",
    "groups in a row": lambda size: _HOST + "RewriteRule " + "(a)" * (size // 3) + " b [P]\n",
    "classes": lambda size: _HOST + "RewriteRule " + "[a-z]" * (size // 5) + " b [P]\n",
    "repeated": lambda size: _HOST + "RewriteRule " + "a*" * (size // 2) + " b [P]\n",
    "brackets of an expression": lambda size: _HOST + "<If \"" + "(" * (size // 2) + "true" + ")" * (size // 2) + "\">\n</If>\n",
    "an expression of many terms": lambda size: _HOST + "<If \"" + "true && " * (size // 8) + "true\">\n</If>\n",
    "contraries": lambda size: _HOST + "<If \"" + "!" * size + "true\">\n</If>\n",
    "hosts of one name": lambda size: _filled(size, lambda _: "<VirtualHost *:80>\nServerName a\nProxyPass / http://b/\n</VirtualHost>\n"),
    "aliases": lambda size: _HOST + "ServerAlias " + "a.example " * (size // 10) + "\n",
    "members": lambda size: _filled(size, lambda n: f"BalancerMember http://b{n}\n", '<Proxy "balancer://a">\n') + "</Proxy>\nProxyPass / balancer://a/\n",
    "balancers": lambda size: _filled(size, lambda n: f"<Proxy balancer://b{n}>\nBalancerMember http://c{n}\n</Proxy>\nProxyPass /{n} balancer://b{n}\n"),
    "ProxySet": lambda size: _filled(size, lambda n: f"<Proxy http://b/{n}>\nProxySet timeout={n}\n</Proxy>\n", "ProxyPass / http://b/\n"),
    "LocationMatch": lambda size: _filled(size, lambda n: f"<LocationMatch ^/a{n}>\nProxyPass http://b\n</LocationMatch>\n", _HOST),
    "Require": lambda size: _filled(size, lambda n: f"Require ip 10.0.{n % 256}.1\n", _HOST + "<Location />\n"),
    "RequireAny in RequireAll": lambda size: _filled(size, lambda _: "<RequireAny>\n", _HOST + "<Location />\n", lambda _: "</RequireAny>\n"),
    "addresses": lambda size: _HOST + "<Location />\nRequire ip " + "10.0.0.1 " * (size // 9) + "\n",
    "Header edits": lambda size: _filled(size, lambda n: f"RequestHeader edit Origin a{n} b\n", _HOST + "ProxyPass / http://b/\n"),
    "SetEnvIf": lambda size: _filled(size, lambda n: f"SetEnvIf Host a{n} b{n}\n", _HOST + "ProxyPass / http://b/\n"),
    "Listen": lambda size: _filled(size, lambda n: f"Listen {1024 + n}\n"),
    "LoadModule": lambda size: _filled(size, lambda n: f"LoadModule a{n}_module a{n}.so\n"),
    "octets": lambda size: "".join(chr(n * 7919 % 256) for n in range(size)),
    "NUL": lambda size: "\0" * size,
    "comments behind": lambda size: _filled(size, lambda n: f"ProxyPass /a{n} http://b # c\n", _HOST),
    "placeholders": lambda size: _filled(size, lambda n: "ServerAlias {a b} HOST_NAME\n", _HOST),
    "braces": lambda size: _HOST + "ServerAlias " + "{" * size + "\n",
    "capitals": lambda size: _HOST + "ServerAlias " + "YOUR_" * (size // 5) + "\n",
}  # fmt: skip
