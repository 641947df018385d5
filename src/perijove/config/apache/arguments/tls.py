"""Arguments of mod_ssl.

Source: modules/ssl/ssl_engine_config.c. Knows what `apachectl configtest` says: files must be there, what is in them is looked at
when a server starts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.arguments.kinds import (
    Check,
    atoi,
    directory,
    every,
    exists,
    file,
    fits,
    listed,
    names,
    number,
    one_of,
    refused,
    said,
    wrong,
)
from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from perijove.config.apache.directive import Scope

_FILE: Final = "{name}: file '{path}' does not exist or is empty"
_DIRECTORY: Final = "{name}: directory '{path}' does not exist"
_NEGATIVE: Final = "{name}: invalid argument"
_SECONDS: Final = "write a number of seconds, 0 or more"
_LARGEST: Final = (1 << 32) - 1
_SMALLEST: Final = 8192
_file: Final = file(_FILE, help_="name a file of PEM on this machine")
_directory: Final = directory(_DIRECTORY)
_seconds: Final = number(_NEGATIVE, 0, help_=_SECONDS, bits=64)

# Commands of SSL_CONF_cmd() with a file or a directory; the others that OpenSSL 3.0 has.
_COMMANDS_FILE: Final = names(
    "certificate privatekey serverinfofile chaincafile verifycafile requestcafile clientcafile dhparameters"
)
_COMMANDS_DIRECTORY: Final = names("chaincapath verifycapath requestcapath clientcapath")
_COMMANDS: Final = names("""
    signaturealgorithms clientsignaturealgorithms curves groups ecdhparameters cipherstring ciphersuites protocol minprotocol
    maxprotocol options verifymode recordpadding numtickets chaincastore verifycastore
    """)


def certificate(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLCertificateFile and SSLCertificateKeyFile: a file, or what an engine keeps (modssl_is_engine_id)."""
    return None if said(item).startswith("pkcs11:") else _file(item, scope)


def authority(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLCACertificateFile and SSLCACertificatePath: of a server only, since OpenSSL 1.0 (ssl_cmd_SSLCACertificateFile)."""
    if scope.sections and fold(scope.sections[-1]) != "virtualhost":
        message = "Your SSL library does not have support for per-directory CA"
        return Fault("not-allowed-here", message, "move it into the `<VirtualHost>`")
    return (_file if item.name == "SSLCACertificateFile" else _directory)(item, scope)


def verify(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLVerifyClient and SSLProxyVerify (ssl_cmd_verify_parse)."""
    if fold(said(item)) not in ("none", "off", "optional", "require", "optional_no_ca"):
        return wrong(item, "{name}: Invalid argument '{word}'", listed("none", "optional", "require"))
    return None


def revoked(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLCARevocationCheck and SSLProxyCARevocationCheck: how far, and what if there is no list (ssl_cmd_crlcheck_parse)."""
    for at, known in enumerate((("none", "leaf", "chain"), ("no_crl_for_cert_ok",))):
        if at < len(item.words) and fold(said(item, at)) not in known:
            return wrong(item, "{name}: Invalid argument '{word}'", listed(*known), at)
    return None


def random_seed(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLRandomSeed: when, from where, and how many octets (ssl_cmd_SSLRandomSeed)."""
    if fold(said(item)) not in ("startup", "connect"):
        return wrong(item, "{name}: invalid context: `{word}'", listed("startup", "connect"))
    source = said(item, 1)
    if source.startswith("egd:"):
        message = "Invalid SSLRandomSeed entropy source `{word}': "
        message += "This version of OpenSSL does not support the Entropy Gathering Daemon (EGD)."
        return wrong(item, message, "write `builtin`, or take the line out: OpenSSL seeds itself", 1)
    if fold(source) == "builtin":
        if len(item.words) > 2:
            return wrong(item, "{name}: byte specification not allowed for builtin seed source", "leave the number out", 2)
        return None
    begin = next((one for one in ("file:", "exec:") if source.startswith(one)), "")
    missing = exists("{name}: source path '{path}' does not exist", 1, begin=begin)(item, scope)
    if missing is not None:
        return missing
    if atoi(said(item, 2)) < 0:
        return wrong(item, "{name}: invalid number of bytes specified", "write a number of octets", 2)
    return None


def pass_phrase(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLPassPhraseDialog: who asks for the key's (ssl_cmd_SSLPassPhraseDialog)."""
    if said(item).startswith("exec:"):
        return exists(
            "{name}: file '{path}' does not exist", begin="exec:", help_="name a program that is there; no arguments"
        )(item, scope)
    if fold(said(item)) == "builtin" or (said(item).startswith("|") and len(said(item)) > 1):
        return None
    return wrong(item, "{name}: Invalid argument", "write `builtin`, or `exec:` and the path of a program")


def openssl_command(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLOpenSSLConfCmd: what SSL_CONF_cmd_value_type() knows; what values are is looked at when a server starts."""
    name = fold(said(item))
    if name in _COMMANDS_FILE:
        return file(_FILE, 1)(item, scope)
    if name in _COMMANDS_DIRECTORY:
        return directory(_DIRECTORY, 1)(item, scope)
    if name not in _COMMANDS:
        return wrong(
            item, "'{word}': invalid OpenSSL configuration command", "write `Curves`, `MinProtocol` or another of openssl's"
        )
    return None


def cache_size(item: Directive | Section) -> Fault | None:
    """Return what is wrong with the size of a shared memory: `shmcb:FILE(OCTETS)` (socache_shmcb_create)."""
    whole = said(item).partition(":")[2]
    _, opened, size = whole.rpartition("(")
    message = ""
    if not opened:
        message = "no opening parenthesis" if whole.endswith(")") else ""
    elif not size.endswith(")"):
        message = "no closing parenthesis or cache size missing after pathname with parenthesis"
    elif not re.fullmatch(r"[+-]?[0-9]+", size[:-1]):
        message = "cache size not numerical"
    elif 0 <= int(size[:-1]) < _SMALLEST:
        message = f"size has to be >= {_SMALLEST} bytes"
    elif not 0 <= int(size[:-1]) < _LARGEST:
        message = f"size has to be < {_LARGEST} bytes on this platform"
    return wrong(item, f"{{name}}: Invalid argument: {message}", "write `shmcb:FILE(512000)`") if message else None


_PROTOCOLS: Final = frozenset(("all", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"))
_CACHES: Final = ("shmcb", "dbm", "memcache", "redis", "dc")


def protocols(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLProtocol and SSLProxyProtocol: versions of TLS (ssl_cmd_protocol_parse)."""
    for at, word in enumerate(item.words):
        name = fold(word.text.lstrip("+-"))
        if name == "sslv3" and not word.text.startswith("-"):
            return Fault("bad-value", "SSLv3 not supported by this version of OpenSSL", "leave it out: it is broken", at)
        if name == "sslv2" and not word.text.startswith("-"):
            return Fault("bad-value", f"{item.name}: SSLv2 is no longer supported", "leave it out", at)
        if name not in _PROTOCOLS and name != "sslv2":
            help_ = "write `all -SSLv3 -TLSv1 -TLSv1.1`, with spaces between"
            return Fault("bad-value", f"{item.name}: Illegal protocol '{word.text.lstrip('+-')}'", help_, at)
    return None


def ciphers(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLCipherSuite: ciphers, of a protocol if two words stand there."""
    if len(item.words) == 2 and fold(item.words[0].text) not in ("tlsv1.3", "ssl"):
        help_ = "put a list that has spaces into quotes, or write `TLSv1.3` or `SSL` first"
        return Fault("bad-value", f"protocol '{item.words[0].text}' not supported", help_, 0)
    return None


def tls_options(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLOptions."""
    known = ("stdenvvars", "exportcertdata", "exportbothcerts", "fakebasicauth", "strictrequire", "optrenegotiate")
    for at, word in enumerate(item.words):
        name = word.text.lstrip("+-")
        if fold(name) not in (*known, "legacydnstringformat"):
            return Fault("bad-value", f"SSLOptions: Illegal option '{name}'", "write `+StdEnvVars`", at)
    return None


def session_cache(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLSessionCache and SSLStaplingCache: a cache that a module brings, and how large it is."""
    text = item.words[0].text if item.words else "none"
    sessions = item.name == "SSLSessionCache"
    if sessions and fold(text) in ("none", "nonenotnull"):
        return None
    name, _, rest = text.partition(":")
    kind = "session" if sessions else "stapling"
    loaded = [one for one in _CACHES if f"socache_{one}" in scope.modules]
    if name not in (*loaded, "default") and not scope.strangers:
        known = ",".join(("default", *loaded) if sessions else (*loaded, "default")) if loaded else ""
        message = f"{item.name}: '{name}' {kind} cache not supported (known names: {known}){'.' * sessions} "
        message += f"Maybe you need to load the appropriate socache module (mod_socache_{name}?){'.' * sessions}"
        return Fault(
            "module-missing", message, f"type `a2enmod socache_{name}`" if name in _CACHES else "write `shmcb:FILE`", 0
        )
    return cache_size(item) if name == "shmcb" and rest else None


def compression(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLCompression: Debian's OpenSSL has none."""
    if item.words and fold(item.words[0].text) == "on":
        message = "This version of OpenSSL does not have any compression methods available, cannot enable SSLCompression."
        return Fault("bad-value", message, "leave it out: it lets others guess what is encrypted", 0)
    return None


_known_devices: Final = "'builtin' (none), 'dynamic' (Dynamic engine loading support)"

TLS: Final[dict[str, Check]] = {
    **dict.fromkeys(("SSLCertificateFile", "SSLCertificateKeyFile"), certificate),
    **dict.fromkeys(
        (
            "SSLCADNRequestFile",
            "SSLCARevocationFile",
            "SSLCertificateChainFile",
            "SSLOCSPResponderCertificateFile",
            "SSLProxyCACertificateFile",
            "SSLProxyCARevocationFile",
            "SSLProxyMachineCertificateChainFile",
            "SSLProxyMachineCertificateFile",
            "SSLSRPVerifierFile",
            "SSLSessionTicketKeyFile",
        ),
        _file,
    ),
    **dict.fromkeys(
        (
            "SSLCADNRequestPath",
            "SSLCARevocationPath",
            "SSLProxyCACertificatePath",
            "SSLProxyCARevocationPath",
            "SSLProxyMachineCertificatePath",
        ),
        _directory,
    ),
    **dict.fromkeys(("SSLCACertificateFile", "SSLCACertificatePath"), authority),
    **dict.fromkeys(
        (
            "SSLOCSPResponderTimeout",
            "SSLOCSPResponseMaxAge",
            "SSLOCSPResponseTimeSkew",
            "SSLStaplingErrorCacheTimeout",
            "SSLStaplingResponderTimeout",
            "SSLStaplingResponseMaxAge",
            "SSLStaplingResponseTimeSkew",
            "SSLStaplingStandardCacheTimeout",
        ),
        _seconds,
    ),
    "SSLCARevocationCheck": revoked,
    "SSLCryptoDevice": one_of(f"{{name}}: Invalid argument; must be one of: {_known_devices}", "builtin", "dynamic"),
    "SSLOCSPEnable": every(
        one_of("{name}: Invalid argument '{word}'", "on", "off", "leaf", at=0),
        one_of("{name}: Invalid argument '{word}'", "no_ocsp_for_cert_ok", at=1),
    ),
    "SSLOCSPProxyURL": fits(r"(?!.*//\[[^\]]*$).*", "{name}: Cannot parse URL {word}", "write `http://HOST:PORT`"),
    "SSLOpenSSLConfCmd": openssl_command,
    "SSLPassPhraseDialog": pass_phrase,
    "SSLProxyCARevocationCheck": revoked,
    "SSLProxyVerify": verify,
    "SSLRandomSeed": random_seed,
    "SSLRenegBufferSize": number("Invalid size for {name}: {word}", 0, help_="write a number of octets"),
    "SSLVerifyClient": verify,
    "SSLVHostSNIPolicy": one_of("Invalid SSLVhostSNIPolicy argument '{word}'", "strict", "secure", "authonly", "insecure"),
    "SSLLog": refused("SSLLog directive is no longer supported - use ErrorLog.", "write `ErrorLog`"),
    "SSLLogLevel": refused("SSLLogLevel directive is no longer supported - use LogLevel.", "write `LogLevel ssl:info`"),
    "SSLCipherSuite": ciphers,
    "SSLCompression": compression,
    "SSLEngine": one_of("Argument must be On or Off", "on", "off", "optional"),
    "SSLOptions": tls_options,
    "SSLProtocol": protocols,
    "SSLProxyCipherSuite": ciphers,
    "SSLProxyProtocol": protocols,
    "SSLProxyVerifyDepth": number("{name}: Invalid argument '{word}'", 0),
    "SSLSessionCache": session_cache,
    "SSLSessionCacheTimeout": number("{name}: Invalid argument", 0),
    "SSLStaplingCache": session_cache,
    "SSLVerifyDepth": number("{name}: Invalid argument '{word}'", 0),
}
