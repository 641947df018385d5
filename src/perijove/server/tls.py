"""TLS contexts for both sides."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from typing import TYPE_CHECKING, Final

from perijove.gateway.model import CertificatePair, TcpAddress, TlsClient, TlsServer

if TYPE_CHECKING:
    from perijove.gateway.model import Gateway

_DAYS: Final = 30


class BadCertificate(Exception):
    """A certificate or key cannot be used; the text says which and why."""


def server_context(tls: TlsServer, gateway: Gateway, made: bytes | None = None) -> ssl.SSLContext:
    """Return the context of a listener; SNI chooses among several certificates.

    Args:
        tls: of the listener.
        gateway: names what a certificate that is made here is for.
        made: a self-signed certificate with its key, PEM, where there is one already.

    Raises:
        BadCertificate: a file cannot be read, or key and certificate do not belong together.
    """
    if not tls.certificates:
        return _from_pem(made or self_signed(gateway))
    contexts = [(pair, _context(pair)) for pair in tls.certificates]
    first = contexts[0][1]
    if len(contexts) > 1:
        by_name: dict[str, ssl.SSLContext] = {}
        for pair, context in reversed(contexts):
            by_name.update(dict.fromkeys(names_of(pair.cert), context))

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            wanted = (name or "").lower()
            found = by_name.get(wanted) or by_name.get("*." + wanted.partition(".")[2])
            if found is not None:
                connection.context = found

        first.sni_callback = choose
    return first


def _context(pair: CertificatePair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    # Without this, a client that closes without close_notify reads as an error in the middle of a response.
    context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    try:
        context.load_cert_chain(pair.cert, pair.key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BadCertificate(f"the key `{pair.key}` does not belong to the certificate `{pair.cert}`") from None
        why = f" ({error.reason})" if error.reason else ""
        raise BadCertificate(f"`{pair.cert}` and `{pair.key}` are not a PEM certificate and its key{why}") from None
    except OSError as error:
        raise BadCertificate(f"`{pair.cert}` or `{pair.key}` cannot be read: {error.strerror}") from None
    return context


def names_of(path: str) -> list[str]:
    """Return the DNS names in the first certificate of a PEM file, lower case."""
    from cryptography import x509

    with open(path, "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in names.get_values_for_type(x509.DNSName)]


def client_context(tls: TlsClient) -> ssl.SSLContext:
    """Return the context for an upstream.

    Raises:
        BadCertificate: the file of authorities cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python before 3.11.4 sets it: an answer that was cut would read as one that ended.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    context.set_alpn_protocols(["http/1.1"])
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca is not None:
        try:
            context.load_verify_locations(tls.ca)
        except (OSError, ssl.SSLError) as error:
            raise BadCertificate(f"`{tls.ca}` is not a PEM file of authorities: {error}") from None
    else:
        context.load_default_certs()
    return context


def _from_pem(pem: bytes) -> ssl.SSLContext:
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # load_cert_chain wants a path; mode is 0600
        file.write(pem)
        file.flush()
        return _context(CertificatePair(cert=file.name, key=file.name))


def self_signed(gateway: Gateway) -> bytes:
    """Make a certificate for localhost and the names that are served, with its key, PEM. It never outlives the process."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "perijove self-signed")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.DNSName(one) for host in gateway.hosts for one in host.names if one.strip("*.")]
    addresses = {"127.0.0.1", "::1"}
    addresses |= {one.address.host for one in gateway.listeners if isinstance(one.address, TcpAddress)}
    for one in sorted(addresses):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(one)))
        except ValueError:
            if one not in ("", "localhost"):
                names.append(x509.DNSName(one))
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
