"""A worker without a supervisor, to be looked into by valgrind or perf: `python -m tests.bench.alone FILE`, until it is killed.

The engine is all that runs in it, once it says READY.
"""

from __future__ import annotations

import gc
import socket
import sys

from perijove import config
from perijove.engine.counters import unshared
from perijove.gateway.model import TcpAddress
from perijove.server.limits import Memory
from perijove.server.worker import Given, Worker, check, open_log


def main() -> None:
    """Serve."""
    gateway = config.load(sys.argv[1]).gateway
    assert gateway is not None
    sockets = {}
    for listener in gateway.listeners:
        assert isinstance(listener.address, TcpAddress)
        made = socket.create_server((listener.address.host, listener.address.port), backlog=4096)
        made.setblocking(False)
        sockets[listener.address] = [made]
    worker = Worker(unshared(), Memory(workers=1), 0)
    worker.apply(gateway, Given(sockets, check(gateway), log=open_log(gateway)))
    gc.collect()
    gc.freeze()
    print("READY", flush=True)
    worker.reactor.run()


if __name__ == "__main__":
    main()
