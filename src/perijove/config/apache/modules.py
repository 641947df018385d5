"""The modules of Debian's Apache, and of others: what is built in, what is assumed, and what to type to load one.

Knows names. Must not know how a file is read.
"""

from __future__ import annotations

from dataclasses import dataclass

# The version that is emulated: `<IfVersion>`.
VERSION = (2, 4, 71)

# `apache2 -l`: these need no LoadModule.
STATIC = ("core", "so", "watchdog", "http", "log_config", "logio", "version", "unixd")

# What a new Debian system has in mods-enabled.
USUAL = (
    "mpm_event",
    "authz_core",
    "authz_host",
    "authn_core",
    "auth_basic",
    "access_compat",
    "authn_file",
    "authz_user",
    "alias",
    "dir",
    "autoindex",
    "env",
    "mime",
    "negotiation",
    "setenvif",
    "filter",
    "deflate",
    "status",
    "reqtimeout",
)

# What somebody has enabled who has a file of sites-enabled that makes a proxy.
PROXY = (
    "headers",
    "rewrite",
    "socache_shmcb",
    "ssl",
    "proxy",
    "proxy_http",
    "proxy_wstunnel",
    "proxy_connect",
    "slotmem_shm",
    "proxy_balancer",
    "lbmethod_byrequests",
    "lbmethod_bytraffic",
    "lbmethod_bybusyness",
    "remoteip",
    "macro",
    "http2",
    "expires",
    "authz_groupfile",
)

ASSUMED = (*USUAL, *PROXY)


@dataclass(frozen=True, slots=True)
class Stranger:
    """A module that is not httpd's own: how its directives begin, what it does, and whether one could walk in without it."""

    prefixes: tuple[str, ...]
    module: str
    package: str
    what: str
    opens_a_door: bool = False


# Names of directives begin with these, in any case. Arguments are not checked.
STRANGERS = (
    Stranger(("shib",), "mod_shib", "libapache2-mod-shib", "sign-on by Shibboleth", True),
    Stranger(("oidc",), "auth_openidc", "libapache2-mod-auth-openidc", "sign-on by OpenID Connect", True),
    Stranger(("oauth2", "oauth"), "oauth2", "libapache2-mod-oauth2", "tokens of OAuth 2.0", True),
    Stranger(("mellon",), "auth_mellon", "libapache2-mod-auth-mellon", "sign-on by SAML", True),
    Stranger(("cas",), "auth_cas", "libapache2-mod-auth-cas", "sign-on by CAS", True),
    Stranger(("gssapi",), "auth_gssapi", "libapache2-mod-auth-gssapi", "sign-on by Kerberos", True),
    Stranger(("krb", "authkerb", "kerb"), "auth_kerb", "libapache2-mod-auth-kerb", "sign-on by Kerberos", True),
    Stranger(("tktauth", "auth_pubtkt"), "auth_pubtkt", "libapache2-mod-auth-pubtkt", "sign-on by tickets", True),
    Stranger(("authpam", "auth_pam"), "authnz_pam", "libapache2-mod-authnz-pam", "passwords of the system", True),
    Stranger(
        ("defineexternal", "addexternal", "authexternal", "groupexternal"),
        "authnz_external",
        "libapache2-mod-authnz-external",
        "passwords asked of a program",
        True,
    ),
    Stranger(("cosign",), "cosign", "libapache2-mod-cosign", "sign-on by CoSign", True),
    Stranger(("webauth",), "webauth", "libapache2-mod-webauth", "sign-on by WebAuth", True),
    Stranger(("auth_", "authmysql", "authtoken"), "auth_other", "", "access control of a module that is not httpd's own", True),
    Stranger(("sec",), "security2", "libapache2-mod-security2", "rules against attacks"),
    Stranger(("dosevasive", "dos"), "evasive20", "libapache2-mod-evasive", "limits for each client"),
    Stranger(("qs_",), "qos", "libapache2-mod-qos", "limits for each client"),
    Stranger(("wsgi",), "wsgi", "libapache2-mod-wsgi-py3", "Python applications inside Apache"),
    Stranger(("passenger", "rails", "rack"), "passenger", "libapache2-mod-passenger", "applications inside Apache"),
    Stranger(("php_",), "php", "libapache2-mod-php", "PHP"),
    Stranger(("perl",), "perl", "libapache2-mod-perl2", "Perl"),
    Stranger(("fcgid",), "fcgid", "libapache2-mod-fcgid", "FastCGI programs"),
    Stranger(("xsendfile",), "xsendfile", "libapache2-mod-xsendfile", "files named by the upstream"),
    Stranger(("geoip", "maxmind"), "maxminddb", "", "countries of clients"),
    Stranger(("jk",), "jk", "libapache2-mod-jk", "connections to Tomcat"),
    Stranger(("modpagespeed",), "pagespeed", "", "rewriting of pages"),
    Stranger(("rpaf",), "rpaf", "libapache2-mod-rpaf", "addresses of clients; RemoteIPHeader is Apache's own"),
)


def stranger(name: str) -> Stranger | None:
    """Return the module of others that a directive is known to belong to."""
    low = name.lower()
    return next((one for one in STRANGERS if low.startswith(one.prefixes)), None)


def enabling(module: str) -> str:
    """Return what to type to have a module loaded."""
    if module in STATIC:
        return "it is built in"
    return f"load it: `a2enmod {module}`, or `LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so`"
