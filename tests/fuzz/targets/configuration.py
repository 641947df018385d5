"""Configurations: whatever is in a file, there is a gateway or a diagnostic, never a traceback; and what there is can be compiled.

Texts name no files of the machine: what would be read stands below a folder that is not there.
"""

from __future__ import annotations

import re
import socket
from typing import Final
from unittest import mock

from tests.fuzz.target import Outcome, Target

from perijove.config.apache import load as load_apache
from perijove.config.toml import load as load_toml
from perijove.routing import upstreams
from perijove.routing.compile import compile_table
from perijove.text.diagnostic import Severity, render
from perijove.text.source import Source

# `Include /dev/zero` is Apache's to refuse, too; here nothing outside of the text is to have a say.
_FILES: Final = re.compile(r"(?i)\b(include(?:optional)?|loadfile|loadmodule|usecanonicalname)\b")


def _unknown(host: str) -> str:
    """Know no name, as a machine without a network does; what is none is told as by the one that this is in place of."""
    host.encode("idna")
    raise OSError(host)


def _judged(text: str, apache: bool) -> Outcome:
    source = Source("fuzz.conf" if apache else "fuzz.toml", text)
    loaded = load_apache(source) if apache else load_toml(source)
    errors = 0
    for one in loaded.diagnostics:
        errors += one.severity is Severity.ERROR
        assert re.fullmatch(r"[a-z0-9-]+", one.name), one.name
        assert one.message
        assert one.where is None or one.where.line >= 1
        render(one)
    if loaded.gateway is None:
        assert errors, "there is no gateway, and nothing says why"
        return ("refused", sorted({one.name for one in loaded.diagnostics}))
    assert not errors, "there is a gateway, and an error"
    made = {name: upstreams.upstream(one) for name, one in loaded.gateway.upstreams.items()}
    for listener in loaded.gateway.listeners:
        compile_table(
            loaded.gateway, listener, made, {}, lambda scheme, authority: upstreams.visited(scheme, authority, _TIMES)
        )
    return ("served", len(loaded.diagnostics))


def apache(octets: bytes) -> Outcome:
    text = octets.decode("utf-8", "surrogateescape")
    with mock.patch.object(socket, "gethostbyname", _unknown):
        return _judged(_FILES.sub("X", text), apache=True)


def toml(octets: bytes) -> Outcome:
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    return _judged(text, apache=False)


def _times() -> object:
    loaded = load_toml(Source("fuzz.toml", 'listen = ":80"\nto = "http://up"\n')).gateway
    assert loaded is not None
    return loaded.timeouts


_TIMES: Final = _times()

_APACHE: Final = (
    b"Listen 80\n<VirtualHost *:80>\nServerName hub.example\nProxyPass / http://up:8000/\nProxyPassReverse / http://up:8000/\n</VirtualHost>\n",
    b"Define X /a\nListen 80\n<VirtualHost *:80>\nRewriteEngine On\nRewriteCond %{HTTP:Upgrade} =websocket [NC]\nRewriteRule ${X}/(.*) ws://up:1/$1 [P,L]\n"
    b'<Location "/b">\nRequestHeader set X-A "expr=%{REQUEST_URI}"\nProxyPass http://up:2/c timeout=5 retry=0\nRequire all granted\n</Location>\n</VirtualHost>\n',
    b'<Macro M $p>\n<LocationMatch "^/$p/([^/]+)">\nHeader always edit Location (.*) "$1"\n</LocationMatch>\n</Macro>\nListen 8080\n'
    b"<VirtualHost _default_:8080>\nUse M a\nUse M b\nProxyPassMatch ^/(.*)$ balancer://c/$1\n<Proxy balancer://c>\nBalancerMember http://a:1 route=1\n</Proxy>\n</VirtualHost>\n",
    b'Listen 80\n<If "%{HTTP_HOST} =~ /^(.*)$/ && -n req(\'X\')">\nRedirect 301 /a https://b/\n</If>\nErrorDocument 404 "no"\nLimitRequestBody 5\n',
)
_TOML: Final = (
    b'listen = ":80"\nto = "http://up:8000"\ntrust = ["10.0.0.0/8"]\n',
    b'listen = ["127.0.0.1:80", "unix:/run/x"]\nworkers = 2\n[[route]]\npath = "/a/"\nto = "http://up:1/b/"\n'
    b'request-fields = { set = { X-A = "{client-ip} {path}" }, remove = ["Cookie"] }\n[[route]]\npath = "/"\nredirect = { to = "https://{host}{target}", status = 302 }\n',
    b'[[host]]\nnames = ["a.example", "*.b.example"]\n[[host.route]]\npath = "/"\nupstream = "u"\n[upstream.u]\nurl = "https://up:3"\nverify = false\n'
    b'[upstream.u.timeouts]\nresponse = "5m"\n[timeouts]\nheader = 3\ntunnel = "off"\n[limits]\nbody = "10MiB"\nrequests-per-client = "20/s"\n',
    b'[[route]]\npath = "/x"\nrespond = { status = 418, body = "I {method}" }\n',
)
_APACHE_WORDS: Final = (
    b"\n", b"\\\n", b"#", b'"', b"'", b"\\", b"<", b">", b"</", b"<Location />\n", b"</Location>\n", b"<VirtualHost *:80>\n", b"</VirtualHost>\n", b"<If \"", b"<Macro a $b>\n",
    b"</Macro>\n", b"Use a b\n", b"Use M M\n", b"Define X ${X}\n", b"${X}", b"${", b"}", b"%{", b"$1", b"%1", b"[P,L]", b"[R=302,NE,QSA]", b"[N]", b"[S=99]", b"(", b")", b"(?", b"[",
    b"]", b"*", b"+", b"{1,9}", b"{65535}", b"^", b"$", b"|", b"(.*)", b"((.*)*)*", b"ProxyPass ", b"ProxyPassMatch ", b"RewriteRule ", b"RewriteCond ", b"Header ", b"RequestHeader ",
    b"RewriteMap m int:tolower\n", b"${m:$1}", b"SetEnvIf Host (.*) A=$1\n", b"http://", b"https://", b"balancer://", b"unix:/a|http://b/", b"!", b"expr=", b"-n ", b" && ", b" =~ m#a#",
    b"reqenv('A')", b"99999999999999999999", b"-1", b"\0", b"\xff", b"\xc3\xa4", b"\x85", b"\r", b"\x0b", b"<IfModule !a>\n", b"</IfModule>\n", b"Require not ip 1.2.3.4\n", b"<RequireAny>\n",
)  # fmt: skip
_TOML_WORDS: Final = (
    b"\n", b'"', b"'", b"'''", b'"""', b"[", b"]", b"[[", b"]]", b"{", b"}", b"=", b",", b".", b"#", b"[[route]]\n", b"[tls]\n", b"[[host]]\n", b"[upstream.u]\n", b'path = "/"\n', b"true",
    b"1979-05-27T07:32:00Z", b"inf", b"nan", b"1e400", b"0x7f", b"99999999999999999999999", b"-1", b"\\u0000", b"\\ud800", b"{path}", b"{nothing}", b"{", b"http://", b"unix:", b":0",
    b":65536", b"[::1]:80", b"\0", b"\xc3\xa4", b"\r\n", b"to = ", b"upstream = \"u\"\n", b"cert = \"x\"\nkey = \"y\"\n", b'"off"', b'"5m"', b'"1/s"',
)  # fmt: skip

APACHE: Final = Target("apache", apache, _APACHE, _APACHE_WORDS, ("served", "refused"), engine=False, count=150)
TOML: Final = Target("toml", toml, _TOML, _TOML_WORDS, ("served", "refused"), engine=False, count=1500)
