"""The variables and functions of Apache's expressions, as parts of texts.

Knows what each stands for where a request is proxied (httpd 2.4: server/util_expr_eval.c, and mod_ssl's variables). Names
that are not emulated are known, too: they are told apart from those that Apache does not have either.
"""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING, Any, Final

from perijove.config.apache.expression_tree import ExpressionError
from perijove.config.apache.files import FILE
from perijove.config.apache.identity import identity, scheme
from perijove.config.apache.modules import VERSION
from perijove.config.apache.own_names import own_names
from perijove.config.apache.scope import Kind, within
from perijove.config.apache.words import octets
from perijove.gateway.templates import (
    Call,
    Fact,
    Function,
    Given,
    Look,
    Note,
    RequestField,
    ResponseField,
    Template,
    Time,
    Variable,
)

if TYPE_CHECKING:
    from perijove.config.apache.scope import Scope

_SENT: Final[Template] = (Fact.SENT,)
_NAME: Final[Template] = (Given(_SENT, (b"proxy:", *_SENT), (Call(Function.FOUND, (Note(FILE),)),)),)
# What stands behind a file's name (PATH_INFO): what is proxied is no file.
BEHIND_FILE: Final[Template] = (Given(_SENT, (), (Call(Function.BEHIND, (Note(FILE),)),)),)
_VARIABLES: Final[dict[str, Template]] = {
    "HTTP_ACCEPT": (RequestField(b"Accept"),),
    "HTTP_COOKIE": (RequestField(b"Cookie"),),
    "HTTP_FORWARDED": (RequestField(b"Forwarded"),),
    "HTTP_HOST": (RequestField(b"Host"),),
    "HTTP_PROXY_CONNECTION": (RequestField(b"Proxy-Connection"),),
    "HTTP_REFERER": (RequestField(b"Referer"),),
    "HTTP_USER_AGENT": (RequestField(b"User-Agent"),),
    "REQUEST_METHOD": (Variable.METHOD,),
    "REQUEST_URI": (Fact.PATH,),
    "DOCUMENT_URI": (Fact.PATH,),
    "QUERY_STRING": (Fact.QUERY,),
    "THE_REQUEST": (Fact.REQUEST_LINE,),
    "SERVER_PROTOCOL": (Fact.PROTOCOL,),
    "REMOTE_ADDR": (Variable.CLIENT_IP,),
    "REMOTE_HOST": (Variable.CLIENT_IP,),  # HostnameLookups is off
    "REMOTE_PORT": (Variable.CLIENT_PORT,),
    "REMOTE_USER": (Fact.USER,),
    "REMOTE_IDENT": (),  # nobody has mod_ident
    "REQUEST_STATUS": (Fact.STATUS,),
    "CONTENT_TYPE": (Fact.CONTENT_TYPE,),
    "CONN_REMOTE_ADDR": (Fact.CONNECTION_ADDRESS,),
    "HTTPS": (Fact.HTTPS,),
    "IPV6": (Fact.IPV6,),
    "HTTP2": (b"off",),
    "IS_SUBREQ": (b"false",),
    "PATH_INFO": BEHIND_FILE,
    "REQUEST_FILENAME": _NAME,
    "SCRIPT_FILENAME": _NAME,
    "HANDLER": (Given(_SENT, (b"proxy-server",)),),
    "AUTH_TYPE": (Given((Fact.USER,), (b"Basic",)),),
    "SCRIPT_USER": (),
    "SCRIPT_GROUP": (),
    "CONTEXT_PREFIX": (),
    "API_VERSION": (b"20120211",),
    "TIME_YEAR": (Time("%Y"),),
    "TIME_MON": (Time("%m"),),
    "TIME_DAY": (Time("%d"),),
    "TIME_HOUR": (Time("%H"),),
    "TIME_MIN": (Time("%M"),),
    "TIME_SEC": (Time("%S"),),
    "TIME_WDAY": (Time("%w"),),
    "TIME": (Time("%Y%m%d%H%M%S"),),
}
_STRANGE: Final = frozenset(
    (
        "LAST_MODIFIED", "SERVER_SOFTWARE", "REQUEST_LOG_ID", "CONN_LOG_ID",
    )
)  # fmt: skip
_FUNCTIONS: Final = {
    "tolower": Function.LOWER,
    "toupper": Function.UPPER,
    "escape": Function.ESCAPE,
    "unescape": Function.UNESCAPE,
    "base64": Function.BASE64,
    "unbase64": Function.UNBASE64,
    "md5": Function.MD5,
    "sha1": Function.SHA1,
    "ldap": Function.LDAP,
}
_LOOKUPS: Final = frozenset(("req", "http", "req_novary", "resp", "reqenv", "env", "osenv", "note"))
_FILES: Final = {"file": Function.CONTENT, "filesize": Function.SIZE, "filemod": Function.CHANGED}
_CERTIFICATES: Final = "what certificates say is not known to rules"
# mod_ssl's variables of the client's connection (ssl_var_lookup, modules/ssl/ssl_engine_vars.c).
OF_TLS: Final[dict[str, Template]] = {
    "SSL_TLS_SNI": (Fact.NAME_SHOWN,),
    "SSL_PROTOCOL": (Fact.TLS_PROTOCOL,),
    "SSL_CIPHER": (Fact.TLS_CIPHER,),
    "SSL_CIPHER_USEKEYSIZE": (Fact.TLS_STRENGTH,),
    "SSL_CIPHER_ALGKEYSIZE": (Fact.TLS_STRENGTH,),
    "SSL_CIPHER_EXPORT": (Given((Fact.TLS_CIPHER,), (b"false",)),),
    "SSL_COMPRESS_METHOD": (Given((Fact.TLS_CIPHER,), (b"NULL",)),),
    "SSL_CLIENT_VERIFY": (Look(((b"https", b"NONE"),), (Variable.SCHEME,)),),
    "SSL_SECURE_RENEG": (Given((Fact.TLS_CIPHER,), (b"true",)),),
    "SSL_VERSION_INTERFACE": (b"mod_ssl/%s" % ".".join(map(str, VERSION)).encode(),),
}
# What else it knows, of requests and the server (ssl_var_lookup).
_ASKED_OF_SSL: Final = frozenset(
    (
        "HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_COOKIE", "HTTP_FORWARDED", "HTTP_HOST", "HTTP_PROXY_CONNECTION", "HTTP_ACCEPT",
        "THE_REQUEST", "REQUEST_FILENAME", "REQUEST_METHOD", "REQUEST_SCHEME", "REQUEST_URI", "REMOTE_USER", "SCRIPT_FILENAME",
        "SERVER_PROTOCOL", "SERVER_NAME", "SERVER_ADMIN", "SERVER_PORT", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_ADDR", "HTTPS",
        "IS_SUBREQ", "DOCUMENT_ROOT", "AUTH_TYPE", "PATH_INFO", "QUERY_STRING", "API_VERSION", "TIME_YEAR", "TIME_MON", "TIME_DAY",
        "TIME_HOUR", "TIME_MIN", "TIME_SEC", "TIME_WDAY", "TIME",
    )
)  # fmt: skip


def variable(name: str, at: int, scope: Scope) -> Template:
    """Return what %{NAME} stands for. Case does not count.

    Raises:
        ExpressionError: there is no such variable, or it is not emulated.
    """
    upper = name.upper()
    found = _VARIABLES.get(upper)
    if found is not None:
        return found
    if upper == "SERVER_NAME":
        return server_name(scope)
    if upper == "REQUEST_SCHEME":
        return (scheme(scope),)
    if upper == "SERVER_PORT":
        return server_port(scope)
    if upper in ("DOCUMENT_ROOT", "CONTEXT_DOCUMENT_ROOT"):
        return (_said(scope, "documentroot", ("/etc/apache2/htdocs",))[0].encode("utf-8", "surrogateescape"),)
    if upper == "SERVER_ADMIN":
        return (_said(scope, "serveradmin", ("[no address given]",))[0].encode("utf-8", "surrogateescape"),)
    if upper in _STRANGE:
        raise ExpressionError(f"%{{{name}}} is not emulated", at, "not-emulated-expression")
    if upper.startswith("SSL_") and "ssl" in scope.modules:
        return of_ssl(upper, at)
    raise ExpressionError(f"Variable '{name}' does not exist", at)


def nearest(name: str, *, function: bool = False) -> str:
    """Return the name of a variable or function that is nearest to one that does not exist; empty if none is near."""
    known = (*_FUNCTIONS, *_LOOKUPS, *_FILES) if function else (*_VARIABLES, *_ASKED_OF_SSL, *OF_TLS)
    return next(iter(difflib.get_close_matches(name.lower() if function else name.upper(), known, 1)), "")


def _said(scope: Scope, name: str, default: Any) -> Any:
    return next((one.said[name] for one in within(scope) if name in one.said), default)


def server_name(scope: Scope) -> Template:
    """Return %{SERVER_NAME}: as the client named the host or, with UseCanonicalName On, as ServerName does."""
    if _said(scope, "canonical-name", "off") == "on":
        return (octets(next(identity(one).name for one in within(scope) if one.kind in (Kind.HOST, Kind.SERVER))),)
    own = next((identity(one).name for one in within(scope) if one.kind in (Kind.HOST, Kind.SERVER)), "")
    return (
        Given((Variable.HOSTNAME,), (Call(Function.LOWER, (Variable.HOSTNAME,)),), (own.encode("utf-8", "surrogateescape"),)),
    )


def server_port(scope: Scope) -> Template:
    """Return %{SERVER_PORT}: that which the client named, or else that of ServerName (ap_get_server_port, server/core.c)."""
    its = next(identity(one) for one in within(scope) if one.kind in (Kind.HOST, Kind.SERVER))
    port = its.port or (443 if its.scheme == "https" else 0)
    canonical, physical = (_said(scope, name, "off") == "on" for name in ("canonical-name", "physical-port"))
    return own_names(its.name, port, canonical, scheme=its.scheme, physical=physical).port


def of_ssl(name: str, at: int) -> Template:
    """Return what one of mod_ssl's variables stands for; those of a client's certificate are empty: none is asked for.

    Raises:
        ExpressionError: it is not emulated.
    """
    if name in OF_TLS:
        return OF_TLS[name]
    if name.startswith("SSL_CLIENT_"):
        return ()
    raise ExpressionError(f"%{{{name}}} is not emulated", at, "not-emulated-expression", _CERTIFICATES)


def asked_of_ssl(name: str, scope: Scope) -> Template:
    """Return what mod_ssl says of a variable that is not of TLS; nothing of one that it does not know. Case does not count."""
    upper = name.upper()
    if upper.startswith("HTTP:"):
        return (RequestField(octets(name[5:])),)
    if upper.startswith("ENV:"):
        return (Note(octets(name[4:])),)
    return variable(name, 0, scope) if upper in _ASKED_OF_SSL else ()


def called(name: str, argument: Template, at: int) -> Template:
    """Return what a function gives for a text. Case does not count.

    Raises:
        ExpressionError: there is no such function, or it is not emulated.
    """
    lower = name.lower()
    if lower in _FUNCTIONS:
        return (Call(_FUNCTIONS[lower], argument),)
    if lower not in _LOOKUPS and lower not in _FILES:
        raise ExpressionError(f"Function '{name}' does not exist", at)
    if not all(isinstance(part, bytes) for part in argument):
        raise ExpressionError(
            f"{name}() of a name that is made of the request is not emulated", at, "not-emulated-expression", "write the name"
        )
    wanted = b"".join(part for part in argument if isinstance(part, bytes))
    if lower in _FILES:
        return (Call(_FILES[lower], argument),)
    match lower:
        case "req" | "http" | "req_novary":
            return (RequestField(wanted),)
        case "resp":
            return (ResponseField(wanted),)
        case "reqenv":
            return (Note(wanted),)
        case "env":
            # env_func: the request's own first, then the process'.
            return (Note(wanted, os.environb.get(wanted, b"")),)
        case "osenv":
            return (os.environb.get(wanted, b""),)
        case _:
            return ()  # modules' notes: those that are emulated leave none
