"""A place for a worker: what stays when the process in it is replaced.

Knows a process, its control socket and its memory. Must not know what other slots do, or what is served.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from typing import TYPE_CHECKING, Final

from perijove.server.control import Applied, Channel, Message, Numbered, Refused, encode
from perijove.server.shared import Shared

if TYPE_CHECKING:
    from perijove.gateway import model
    from perijove.server.limits import Memory
    from perijove.server.privileges import Ids

# Of the environment: who speaks to the world need not know it.
_SECRETS: Final = (
    "CONFIGPROXY_AUTH_TOKEN",
    "CONFIGPROXY_SSL_KEY_PASSPHRASE",
    "CONFIGPROXY_API_SSL_KEY_PASSPHRASE",
    "PERIJOVE_REDIS_URL",
    "PERIJOVE_REDIS_SENTINEL_PASSWORD",
)
HUNG: Final = 5.0  # seconds without a heartbeat


class Gone(Exception):
    """A worker has ended, or was ended because it did not answer. Whoever keeps its slot starts another one."""


class Slot:
    """A place for a worker: its sockets, its memory, and the process that is in it now."""

    def __init__(self, number: int, user: Ids | None, limits: Memory) -> None:
        self.number = number
        self.user = user
        self.limits = limits  # shared by all slots
        self.shared = Shared()
        self.sockets: dict[model.Address, list[socket.socket]] = {}
        self.process: asyncio.subprocess.Process | None = None
        self.control: socket.socket | None = None
        self.has: set[model.Address] = set()  # of `sockets`, those that the worker was given
        self.answers: asyncio.Queue[Message | None] = asyncio.Queue()  # None: no more will come
        self.serves = False
        self.routed = False  # it knows the routes that come and go
        self.restarts = 0

    async def start(self) -> None:
        """Start a process that waits to be told what to serve."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.control = ours
        self.has = set()
        self.answers = asyncio.Queue()
        self.shared.beat()
        with theirs:
            passed = (theirs.fileno(), self.shared.descriptor, self.limits.descriptor)
            command = [sys.executable, "-P", "-m", "perijove.server.child", *map(str, passed), str(self.number)]
            if self.user is not None:
                user, group, groups = self.user
                command.append(f"{user}:{group}:{','.join(map(str, groups))}")
            self.process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=passed,
                env={name: value for name, value in os.environ.items() if name not in _SECRETS},
            )
        channel = Channel(ours)

        def heard() -> None:
            with contextlib.suppress(OSError):
                messages = channel.receive()
                if messages is not None:
                    for message, _ in messages:
                        self.answers.put_nowait(message)
                    return
            self.answers.put_nowait(None)
            asyncio.get_running_loop().remove_reader(ours)

        asyncio.get_running_loop().add_reader(ours, heard)

    async def tell(self, message: Message, descriptors: list[int]) -> None:
        """Send a message with descriptors beside it.

        Raises:
            OSError: nobody listens any more.
        """
        assert self.control is not None
        head, body = encode(message, len(descriptors))
        if descriptors:
            socket.send_fds(self.control, [head], descriptors)
        else:
            body = head + body
        await asyncio.get_running_loop().sock_sendall(self.control, body)

    async def ask(self, message: Numbered, descriptors: list[int], seconds: float) -> str | None:
        """Have the worker do what a message says within so many seconds; return why it refuses, or None.

        Raises:
            Gone: it is no more.
        """
        if self.control is None:
            raise Gone(f"worker {self.number} is being started")
        try:
            async with asyncio.timeout(seconds):
                await self.tell(message, descriptors)
                while (answer := await self.answers.get()) is not None:
                    if isinstance(answer, Applied) and answer.number == message.number:
                        return None
                    if isinstance(answer, Refused) and answer.number == message.number:
                        return answer.why
        except TimeoutError:
            self.kill()
        except OSError:
            pass
        raise Gone(f"worker {self.number} ended or did not answer")

    def well(self) -> bool:
        """Tell whether the worker serves, and its loop goes round."""
        return self.serves and self.shared.age() < HUNG

    def kill(self) -> None:
        """End the process at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    def let_go(self) -> None:
        """Forget a process that has ended."""
        self.serves = self.routed = False
        self.process = None
        if self.control is not None:
            asyncio.get_running_loop().remove_reader(self.control)
            self.control.close()
            self.control = None
