"""A Tornado application that starts by itself: pages that say what arrived, and a WebSocket that says everything again.

It compares Origin with Host, as Tornado does unless it is told otherwise. Arguments: a port; a port for TLS; the certificate.
"""

from __future__ import annotations

import asyncio
import ssl
import sys

from tornado import web, websocket


class _Page(web.RequestHandler):
    def get(self) -> None:
        self.write(f"{self.request.path} for {self.request.headers.get('Remote-User') or 'nobody'}")


class _Echo(websocket.WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)


async def _serve(port: int, tls_port: int, certificate: str) -> None:
    application = web.Application([(r".*/(?:channels|subscribe)", _Echo), (r"/(?:hub|user|inside)/.*", _Page)])
    application.listen(port, "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    application.listen(tls_port, "127.0.0.1", ssl_options=context)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
