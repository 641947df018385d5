"""The API's certificate is renewed while it listens. Over the wire: tests/contract/test_own.py."""

import asyncio
import ssl
from types import SimpleNamespace

import trustme
from cryptography import x509
from tornado.testing import bind_unused_port

from perijove.api.listen import serve
from perijove.gateway.model import CertificatePair, RoutesApi, Routing, TcpAddress, TlsServer
from perijove.observe.seen import Asked


def test_a_certificate_is_renewed():
    def issued(name):
        return trustme.CA(organization_name=name).issue_cert("localhost").private_key_and_cert_chain_pem.bytes()

    sock, port = bind_unused_port()
    sock.close()
    tls = TlsServer(certificates=(CertificatePair(cert="a.pem", key="a.pem"),))
    routing = Routing(api=RoutesApi(address=TcpAddress("127.0.0.1", port), tls=tls))
    of = SimpleNamespace(
        gateway=SimpleNamespace(routing=routing),
        kept=object(),
        asked=Asked(),
        served=SimpleNamespace(files={"a.pem": issued("before")}),
    )

    async def play():
        async def shown():
            pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
            return x509.load_pem_x509_certificate(pem.encode()).issuer.rfc4514_string()

        (listening,) = await serve(of)
        found = [await shown()]
        listening.renew({"a.pem": issued("after")})
        found.append(await shown())
        listening.close()
        return found

    before, after = asyncio.run(play())
    assert "O=before" in before
    assert "O=after" in after
