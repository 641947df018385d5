"""TLS contexts for both sides."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import ssl
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.engine.peer import Accepted
from perijove.gateway.model import TcpAddress, TlsClient, TlsServer
from perijove.server.peer import examiner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perijove.gateway.model import Gateway
    from perijove.server.files import Contents

_DAYS: Final = 30
# Of TLS 1.2: Mozilla's intermediate profile (https://ssl-config.mozilla.org/guidelines/5.7.json), but for its three by DHE,
# which would need parameters. Python's own default has suites in CBC mode, too. Those of TLS 1.3 are all of the profile.
_SUITES: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
    ":ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)


class BadCertificate(Exception):
    """A certificate or key cannot be used; the text says which and why."""


def server_context(tls: TlsServer, contents: Contents, made: bytes | None = None) -> ssl.SSLContext:
    """Return the context of a listener; SNI chooses among several certificates.

    Args:
        tls: of the listener.
        contents: what its files hold.
        made: a self-signed certificate with its key, PEM, for a listener without certificates.

    Raises:
        BadCertificate: a file holds no certificate, or key and certificate do not belong together.
    """
    if not tls.certificates:
        assert made is not None
        return _asking(_context(made, made, "the self-signed certificate", "its key"), tls, contents)
    contexts = [
        (pair, _context(contents[pair.cert], contents[pair.key], pair.cert, pair.key, pair.password))
        for pair in tls.certificates
    ]
    for _, context in contexts:
        _asking(context, tls, contents)
    first = contexts[0][1]
    by_name: dict[str, ssl.SSLContext] = {}
    for pair, context in reversed(contexts) if len(contexts) > 1 else ():
        by_name.update(dict.fromkeys(certificate(contents[pair.cert], pair.cert).names, context))

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        if isinstance(connection, Accepted):
            connection.shown = name
        wanted = (name or "").lower()
        found = by_name.get(wanted) or by_name.get("*." + wanted.partition(".")[2])
        if found is not None:
            connection.context = found

    first.sslobject_class = Accepted
    first.sni_callback = choose
    return first


def _asking(context: ssl.SSLContext, tls: TlsServer, contents: Contents) -> ssl.SSLContext:
    """Have a context speak as it is wanted, and ask clients for certificates, as far as that is wanted."""
    _speak(context, tls)
    if tls.own_order:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if not tls.oldest:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if not tls.tickets:
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
    if tls.dh is not None:
        try:
            with _as_file(contents[tls.dh]) as file:
                context.load_dh_params(file)
        except ssl.SSLError:
            raise BadCertificate(f"`{tls.dh}` is not a PEM file of Diffie-Hellman parameters") from None
    if tls.client_ca is not None:
        _believe(context, tls.client_ca, contents)
    if tls.asks_client:
        context.verify_mode = ssl.CERT_REQUIRED if tls.needs_client else ssl.CERT_OPTIONAL
    return context


def _speak(context: ssl.SSLContext, tls: TlsServer | TlsClient) -> None:
    if tls.ciphers is not None:
        try:
            context.set_ciphers(tls.ciphers)
        except ssl.SSLError:
            raise BadCertificate(f"OpenSSL knows none of the ciphers `{tls.ciphers}`") from None
    if not tls.newest:
        context.maximum_version = ssl.TLSVersion.TLSv1_2


def _believe(context: ssl.SSLContext, path: str, contents: Contents) -> None:
    try:
        context.load_verify_locations(cadata=contents[path].decode("ascii", "replace"))
    except ssl.SSLError as error:
        raise BadCertificate(f"`{path}` is not a PEM file of authorities: {error}") from None


def _context(cert: bytes, key: bytes, cert_path: str, key_path: str, password: str = "") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_SUITES)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # A client knows what it is fast at, as the profile says; Python would have the server choose.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    # OpenSSL would give two with every handshake, each as dear as a tenth of one; who has come back once is given more.
    context.num_tickets = 1
    # Without this, a client that closes without close_notify reads as an error in the middle of a response.
    context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    _show(context, cert, key, cert_path, key_path, password)
    return context


def _show(context: ssl.SSLContext, cert: bytes, key: bytes, cert_path: str, key_path: str, password: str = "") -> None:
    asked = False

    def answer() -> str:  # without this OpenSSL would ask on the terminal
        nonlocal asked
        asked = True
        if not password:
            raise _Encrypted
        return password

    try:
        with _as_file(cert) as one, _as_file(key) as other:
            context.load_cert_chain(one, other, answer)
    except _Encrypted:
        raise BadCertificate(
            f"the key `{key_path}` is encrypted: `openssl pkey -in {key_path}` takes the password off"
        ) from None
    except ssl.SSLError as error:
        if asked and error.reason != "KEY_VALUES_MISMATCH":
            raise BadCertificate(f"the password does not open the key `{key_path}`") from None
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BadCertificate(f"the key `{key_path}` does not belong to the certificate `{cert_path}`") from None
        why = f" ({error.reason})" if error.reason else ""
        raise BadCertificate(f"`{cert_path}` and `{key_path}` are not a PEM certificate and its key{why}") from None
    except OSError as error:  # as many files are open as may be
        raise BadCertificate(f"`{cert_path}` and `{key_path}` cannot be used now: {error.strerror}") from None


class _Encrypted(Exception):
    pass


@contextlib.contextmanager
def _as_file(octets: bytes) -> Iterator[str]:
    """Give octets a path, which load_cert_chain wants, without a disk."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("perijove")
        with open(descriptor, "wb", buffering=0) as file:
            file.write(octets)
            yield f"/proc/self/fd/{descriptor}"
    else:  # macOS
        with tempfile.NamedTemporaryFile() as named:
            named.write(octets)
            named.flush()
            yield named.name


@dataclass(frozen=True)
class Certificate:
    """What is to be known of the first certificate of a file."""

    names: tuple[str, ...]  # DNS, lower case
    not_after: float  # seconds since 1970


def certificate(pem: bytes, path: str) -> Certificate:
    """Read the first certificate of a PEM file, whose path is for the message.

    Raises:
        BadCertificate: there is none.
    """
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(pem)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        dns = ()
    except ValueError as error:
        raise BadCertificate(f"`{path}` is not a PEM certificate: {error}") from None
    return Certificate(dns, found.not_valid_after_utc.timestamp())


def client_context(tls: TlsClient, contents: Contents) -> ssl.SSLContext:
    """Return the context for an upstream.

    Raises:
        BadCertificate: the file of authorities cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python before 3.11.4 sets it: an answer that was cut would read as one that ended.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    context.set_alpn_protocols(["http/1.1"])
    _speak(context, tls)
    if not tls.verify or examiner(tls) is not None:
        context.check_hostname = False
    if not tls.verify or not tls.chain:
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca is not None:
        _believe(context, tls.ca, contents)
    elif tls.system:
        context.load_default_certs()
    if tls.cert is not None:
        key = tls.key or tls.cert
        _show(context, contents[tls.cert], contents[key], tls.cert, key)
    return context


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
