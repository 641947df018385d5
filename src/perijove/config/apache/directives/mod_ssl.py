"""mod_ssl: TLS on both sides.

Sources: modules/ssl/ssl_engine_config.c; ssl_hook_Access (ssl_engine_kernel.c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.config.apache.directives import directive
from perijove.config.apache.expression import condition

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive
    from perijove.config.apache.scope import Scope

VERSIONS = frozenset(("tlsv1.2", "tlsv1.3"))  # that perijove speaks: what is older is broken (RFC 8996)


@directive("SSLEngine", "SSLProxyEngine", "SSLProxyCheckPeerName", "SSLProxyCheckPeerCN", "SSLProxyCheckPeerExpire")
def switch(line: Directive, scope: Scope) -> None:
    """Turn something on or off."""
    scope.said[line.name.lower()] = line.words[0].text.lower()


@directive("SSLCertificateFile", "SSLCertificateKeyFile", "SSLCertificateChainFile", "SSLProxyCACertificateFile",
           "SSLProxyCACertificatePath", "SSLProxyMachineCertificateFile")  # fmt: skip
def file(line: Directive, scope: Scope) -> None:
    """Name a file; a later one is in place of an earlier, but for certificates of another kind."""
    from perijove.config.apache.scope import root_of

    name = line.words[0]
    if name.text.startswith("pkcs11:"):
        scope.warn(
            "not-emulated", f"{line.name}: keys of a token are not used", name.span, "name a file of PEM on this machine"
        )
        return
    scope.said.setdefault(line.name.lower(), []).append((root_of(scope, name.text), name.span))


@directive("SSLOptions")
def options(line: Directive, scope: Scope) -> None:
    """Say which variables requests have of their connection."""
    words = [word.text.lower() for word in line.words]
    scope.said["ssl-variables"] = "stdenvvars" in words or "+stdenvvars" in words


@directive("SSLProxyVerify", "SSLVerifyClient")
def verify(line: Directive, scope: Scope) -> None:
    """Say whether the other side must show a certificate."""
    text = line.words[0].text.lower()
    text = "none" if text == "off" else text
    scope.said[line.name.lower()] = text
    if line.name.lower() == "sslverifyclient" and text == "require":
        scope.said["certificate-required"] = line.span


@directive("SSLCipherSuite")
def ciphers(line: Directive, scope: Scope) -> None:
    """Name ciphers, those of TLS 1.3 apart."""
    *protocol, names = (word.text for word in line.words)
    kind = "tls13" if [one.lower() for one in protocol] == ["tlsv1.3"] else "tls12"
    scope.said[f"ciphers-{kind}"] = (names, line.span)


@directive("SSLHonorCipherOrder", "SSLSessionTickets")
def flag(line: Directive, scope: Scope) -> None:
    """Choose among what clients offer; give tickets to those who come back."""
    scope.said[line.name.lower()] = line.words[0].text.lower() == "on"


@directive("SSLProtocol")
def protocol(line: Directive, scope: Scope) -> None:
    """Name versions: of those that are still secure, which are spoken (ssl_cmd_protocol_parse). The line says all of it."""
    spoken: set[str] = set()
    for word in line.words:
        name = word.text.lower()
        meant = VERSIONS if name.lstrip("+-") == "all" else {name.lstrip("+-")}
        if name.startswith("-"):
            spoken -= meant
        elif name.startswith("+"):
            spoken |= meant
        else:
            spoken = set(meant)
    scope.said["sslprotocol"] = spoken & VERSIONS


@directive("SSLRequireSSL")
def require_tls(line: Directive, scope: Scope) -> None:
    """Refuse plain connections."""
    scope.said["tls-required"] = line.span


@directive("SSLRequire")
def require(line: Directive, scope: Scope) -> None:
    """Ask something of connections that are TLS."""
    # ssl_cmd_SSLRequire parses it with AP_EXPR_FLAG_SSL_EXPR_COMPAT.
    found = condition(line.rest.text, line.span, scope, "Cannot parse expression: ", texts=True)
    if found is not None:
        scope.said.setdefault("tls-asked", []).append((found, line.span))
