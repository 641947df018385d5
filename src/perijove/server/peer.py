"""What is checked of an upstream's certificate where OpenSSL is not left to do it: parts of it, or for a name of each request.

Knows names and dates of a certificate. Must not know who vouches for it: that is the context's (`tls`).
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.gateway.model import TlsClient


def examiner(tls: TlsClient) -> Callable[[bytes, str], bool] | None:
    """Return what tells of a certificate, DER, and the name of who is to answer whether it may be spoken with.

    None: OpenSSL checks all there is to check.
    """
    if not tls.verify or (tls.chain and tls.names and tls.expiry and not tls.name_from_host):
        return None

    def examine(certificate: bytes, name: str) -> bool:
        try:
            begin, end, names = _read(certificate)
        except ValueError:
            return False
        if tls.expiry and not begin < time.time() < end:
            return False
        return not tls.names or not name or is_for(name, names)

    return examine


def is_for(name: str, names: tuple[str, ...]) -> bool:
    """Tell whether a name is among a certificate's, where a `*` stands for one label (modssl_X509_match_name)."""
    name = name.lower()
    _, dot, parent = name.partition(".")
    return name in names or bool(dot and f"*.{parent}" in names)


@lru_cache(maxsize=256)
def _read(certificate: bytes) -> tuple[float, float, tuple[str, ...]]:
    """Return from when until when a certificate holds, and its names: the alternative ones, and the common ones.

    Raises:
        ValueError: it is none.
    """
    from cryptography import x509

    found = x509.load_der_x509_certificate(certificate)
    names = [str(one.value) for one in found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    try:
        alternative = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += alternative.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        pass
    begin, end = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
    return begin, end, tuple(one.lower() for one in names)
