"""Arguments of what keeps people out: passwords, groups, directories, sessions.

Sources: modules/aaa, modules/ldap/util_ldap.c, modules/session, modules/lua/mod_lua.c. Knows what `apachectl configtest` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.arguments.kinds import (
    Check,
    duration,
    every,
    expression,
    file,
    fits,
    listed,
    names,
    number,
    one_of,
    pattern,
    refused,
    said,
    whole,
    wrong,
)
from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.modules import enabling
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from perijove.config.apache.directive import Scope

# Who looks passwords up: the groups of authentication providers of httpd's modules.
AUTHENTICATION: Final = {
    "anon": "authn_anon",
    "dbd": "authn_dbd",
    "dbm": "authn_dbm",
    "file": "authn_file",
    "ldap": "authnz_ldap",
    "socache": "authn_socache",
}
_NO_DIGEST: Final = frozenset(("anon", "ldap"))


def provider(item: Directive | Section, scope: Scope) -> Fault | None:
    """AuthBasicProvider and its like: who looks passwords up. Names have case, and an alias must stand before (add_authn_provider)."""
    for at, word in enumerate(item.words):
        module = AUTHENTICATION.get(word.text)
        if word.text in scope.aliases or (module is None and scope.strangers):
            continue
        if module not in scope.modules:
            help_ = enabling(module) if module else "write `file`"
            return wrong(item, "Unknown Authn provider: {word}", help_, at, "unknown-provider")
        if item.name == "AuthDigestProvider" and word.text in _NO_DIGEST:
            return wrong(item, "The '{word}' Authn provider doesn't support Digest Authentication", "write `file`", at)
    return None


def alias(item: Directive | Section, scope: Scope) -> Fault | None:
    """`<AuthnProviderAlias>` and `<AuthzProviderAlias>`: a provider, and what it is called here."""
    if len(item.words) < (2 if item.name == "AuthnProviderAlias" else 3):
        return Fault(
            "too-few-arguments",
            f"<{item.name}> directive requires additional arguments",
            f"write `<{item.name} PROVIDER NAME …>`",
        )
    if said(item) == said(item, 1):
        return wrong(item, "The alias provider name must be different from the base provider name.", "choose another name", 1)
    if item.name == "AuthnProviderAlias" and AUTHENTICATION.get(said(item)) not in scope.modules and not scope.strangers:
        return wrong(item, "Unknown Authn provider: {word}", "write `file`", name="unknown-provider")
    return None


def fake(item: Directive | Section, scope: Scope) -> Fault | None:
    """AuthBasicFake: a name and a password, which are expressions."""
    if fold(said(item)) == "off":
        return None
    check = every(
        expression("Could not parse fake username expression '{word}': ", text=True),
        expression(f"Could not parse fake password expression associated to user '{said(item)}': ", at=1, text=True),
    )
    return check(item, scope)


def _named(text: str) -> Check:
    return expression(f"Cannot parse expression '{{word}}' in {text}: ", text=True)


def ldap_url(item: Directive | Section, scope: Scope) -> Fault | None:
    """AuthLDAPURL (mod_auth_ldap_parse_url)."""
    url = re.match(r"(ldap|ldaps|ldapi)://[^?]*(?:\?[^?]*(?:\?([^?]*))?)?", said(item), re.IGNORECASE)
    if url is None:
        message = "The scheme was not recognised as a valid LDAP URL scheme."
        return wrong(item, message, "write `ldap://HOST/ou=People,dc=example,dc=org?uid`")
    if url[2] and fold(url[2]) not in ("sub", "one", "base", "subtree", "onelevel"):
        return wrong(item, "Bad scope encountered while parsing LDAP URL.", "write `sub`, `one` or `base`")
    return _ldap_mode(item, scope) if len(item.words) > 1 else None


def _ldap_mode(item: Directive | Section, scope: Scope) -> Fault | None:
    if fold(said(item, 1)) not in ("none", "ssl", "tls", "starttls"):
        message = "Invalid LDAP connection mode setting: must be one of NONE, SSL, or TLS/STARTTLS"
        return wrong(item, message, listed("NONE", "SSL", "STARTTLS"), 1)
    return None


_CERTIFICATES: Final = (
    "CA_DER CA_BASE64 CA_CERT7_DB CA_SECMOD CERT_DER CERT_BASE64 CERT_KEY3_DB CERT_NICKNAME KEY_DER KEY_BASE64"
)
_OWN_CERTIFICATES: Final = "CA_DER CA_BASE64 CERT_DER CERT_BASE64 CERT_NICKNAME CERT_PFX KEY_DER KEY_BASE64 KEY_PFX"


def trusted_certificate(item: Directive | Section, scope: Scope) -> Fault | None:
    """LDAPTrustedGlobalCert and LDAPTrustedClientCert: of what kind, and the file."""
    everywhere = item.name == "LDAPTrustedGlobalCert"
    known = (_CERTIFICATES if everywhere else _OWN_CERTIFICATES).split()
    if said(item) not in known:
        quoted = "{word}" if everywhere else '"{word}"'
        return wrong(
            item,
            f"The certificate type {quoted} is not recognised. It should be one of {', '.join(known)}",
            "write `CA_BASE64`: a file of PEM",
        )
    return file("Invalid " + ("global" if everywhere else "client") + " certificate file path", 1)(item, scope)


_HOOKS: Final = names("""
    log_transaction quick_handler type_checker translate_name map_to_storage check_access check_access_ex insert_filter
    check_authn check_authz fixups pre_translate_name
    """)


def log_message(item: Directive | Section, scope: Scope) -> Fault | None:
    """LogMessage: a text, and perhaps when (log_message)."""
    found = expression("Could not parse message expression '{word}': ", text=True)(item, scope)
    if found is not None:
        return found
    for at, word in enumerate(item.words[1:], 1):
        key, _, value = word.text.partition("=")
        if fold(key) == "hook":
            if fold(value) not in _HOOKS and fold(value) != "all":
                return wrong(item, f"Invalid hook name: {value}", "write `hook=log_transaction`", at)
        elif fold(key) == "expr":
            from perijove.config.apache.arguments.kinds import complaint

            told = complaint(value, item, scope)
            if told is not None:
                return Fault("bad-expression", f"Could not parse expression '{value}': {told[0]}", told[1], at)
        else:
            return wrong(item, "Invalid argument {word}", 'put a text that has spaces into quotes; write `"expr=…"`', at)
    return None


def dav(item: Directive | Section, scope: Scope) -> Fault | None:
    """DAV: a switch, or what keeps the files."""
    name = fold(said(item))
    if name == "off" or (name in ("on", "filesystem") and "dav_fs" in scope.modules) or scope.strangers:
        return None
    shown = "filesystem" if name == "on" else said(item)
    return wrong(item, f"Unknown DAV provider: {shown}", enabling("dav_fs"), name="module-missing")


def _cookie(name: str) -> Check:
    return fits(r"[^=&]+", f"{name} cannot be empty, or contain '=' or '&'.", "write a name")


def _lua_moment(at: int, message: str) -> Check:
    return one_of(message, "early", "late", at=at)


_NUMBER: Final = "write a number"
_scope_of_lua: Final = (
    "Invalid value for LuaScope, '{word}', acceptable values are: 'once', 'request', 'conn', 'thread', 'server'"
)
_third: Final = "Third argument must be 'early' or 'late'"

ACCESS: Final[dict[str, Check]] = {
    **dict.fromkeys(("AuthBasicProvider", "AuthDigestProvider", "AuthFormProvider"), provider),
    "AuthBasicFake": fake,
    "AuthBasicUseDigestAlgorithm": one_of("Invalid algorithm in {name}: {word}", "Off", "MD5"),
    "AuthDigestAlgorithm": one_of("Unsupported algorithm in {name}: {word}", "MD5"),
    "AuthDigestNonceLifetime": whole("Invalid time in {name}: {word}", -(1 << 63), help_="write a number of seconds"),
    "AuthDigestQop": one_of("AuthDigestQop is deprecated: only 'auth' is supported", "auth"),
    "AuthDigestShmemSize": fits(r"\+?[0-9]+[KMkm]?", "Invalid size in {name}: {word}", "write `64K`"),
    "AuthFormSize": number("AuthCookieFormSize must be a size in bytes, or zero.", 0, bits=64),
    **{
        name: _cookie(name)
        for name in (
            "AuthFormBody",
            "AuthFormLocation",
            "AuthFormMethod",
            "AuthFormMimetype",
            "AuthFormPassword",
            "AuthFormUsername",
        )
    },
    "AuthFormLoginRequiredLocation": expression("Could not parse login required expression '{word}': ", text=True),
    "AuthFormLoginSuccessLocation": expression("Could not parse login success expression '{word}': ", text=True),
    "AuthFormLogoutLocation": expression("Could not parse logout required expression '{word}': ", text=True),
    "AuthLDAPDereferenceAliases": one_of(
        "Unrecognized value for AuthLDAPDereferenceAliases directive", "never", "searching", "finding", "always", "on", "off"
    ),
    "AuthLDAPInitialBindPattern": pattern("AuthLDAPInitialBindPattern: cannot compile regular expression '{word}'"),
    "AuthLDAPURL": ldap_url,
    "AuthName": _named("AuthName"),
    "AuthType": _named("AuthType"),
    "LDAPConnectionPoolTTL": fits(
        r"[+-]?[0-9]+(?:(?:h|ms|mi|s).*)?", "LDAPConnectionPoolTTL has wrong format", "write seconds, or -1 for no end"
    ),
    "LDAPReferralHopLimit": number(
        "LDAPReferralHopLimit must be greater than zero (Use 'LDAPReferrals Off' to disable referral chasing)", 1
    ),
    "LDAPReferrals": one_of("LDAPReferrals must be 'on', 'off', or 'default'", "on", "off", "default"),
    "LDAPRetries": number("LDAPRetries must be >= 0", 0),
    "LDAPRetryDelay": duration("LDAPRetryDelay has wrong format"),
    "LDAPTimeout": every(
        fits(r"[+-]?[0-9]+", "Timeout not numerical", "write a number of seconds"), number("Timeout must be non-negative", 0)
    ),
    "LDAPTrustedClientCert": trusted_certificate,
    "LDAPTrustedGlobalCert": trusted_certificate,
    "LDAPTrustedMode": one_of(
        "Invalid LDAPTrustedMode setting: must be one of NONE, SSL, or TLS/STARTTLS", "NONE", "SSL", "TLS", "STARTTLS"
    ),
    "LogMessage": log_message,
    "LuaCodeCache": one_of(
        "LuaCodeCache type of '{word}' not recognized, valid options are 'never', 'stat', and 'forever'",
        "never",
        "stat",
        "forever",
    ),
    "LuaHookInsertFilter": refused("LuaHookInsertFilter not yet implemented", "take it out", "not-to-be-had"),
    "LuaInherit": one_of(
        "LuaInherit type of '{word}' not recognized, valid options are 'none', 'parent-first', and 'parent-last'",
        *("none", "parent-first", "parent-last"),
    ),
    "LuaMapHandler": pattern("Invalid regex pattern!"),
    "LuaScope": one_of(_scope_of_lua, "once", "request", "conn", "thread", "server", at=0),
    **dict.fromkeys(
        ("LuaHookAccessChecker", "LuaHookAuthChecker", "LuaHookTranslateName"),
        _lua_moment(2, _third),
    ),
    **dict.fromkeys(("<AuthnProviderAlias", "<AuthzProviderAlias"), alias),
    **dict.fromkeys(
        ("SessionCookieName", "SessionCookieName2"),
        fits(r"[^=&]+", "{name} cannot be empty, or contain '=' or '&'.", "write a name", 0),
    ),
    **dict.fromkeys(
        ("SessionDBDCookieName", "SessionDBDCookieName2"),
        fits(r"[^=;&]+", "{name} cannot contain '=', ';' or '&'.", "write a name", 0),
    ),
    "SessionCryptoPassphraseFile": file("SessionCryptoPassphraseFile: Could not open file {path}: No such file or directory"),
    "SessionExpiryUpdateInterval": number("{name} must be zero (disable) or a positive value", 0),
    "DAV": dav,
    "DAVMinTimeout": number("DAVMinTimeout requires a non-negative integer.", 0),
    "KeptBodySize": whole("KeptBodySize must be a valid size in bytes, or zero.", 0, help_="write a number of octets"),
}
