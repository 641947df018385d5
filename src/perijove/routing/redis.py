"""The routes that several perijoves share, as Redis (or Valkey) has them.

Knows keys, scripts, the channel, and redis-py, which is imported when it is first used. Must not know what is made of what is
read here (`server.replicated`), nor who asks.

There are two hashes and a channel, all with one prefix:

    routes     a path → what belongs to it, as JSON; and `epoch`, `sequence`, `before`
    activity   a path → when it was last of use, in seconds since 1970
    changes    EPOCH SEQUENCE CHANGES, for each change

Paths begin with a slash, so the three other fields are none. They stand in the same hash because it is read as a whole, at one
moment, and is lost as a whole. The epoch is new whenever the table may have lost something; the sequence is one more with each
change. `before` has earlier epochs, and how far each was known to whoever began the one after it.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from perijove.gateway.model import UnixAddress
from perijove.routing.store import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from perijove.gateway import model

# Changes routes if the table is of this epoch (and, where it is given, at this place of the sequence), and announces it.
# Returns the new place, and for each change whether the route was there before; or nothing if the table is another one.
_WRITE: Final = """
local routes, activity = KEYS[1], KEYS[2]
local channel, epoch, sequence, new, before, announced = unpack(ARGV, 1, 6)
if (redis.call('HGET', routes, 'epoch') or '') ~= epoch then return false end
if sequence ~= '' and (redis.call('HGET', routes, 'sequence') or '0') ~= sequence then return false end
if new ~= '' then
  redis.call('HSET', routes, 'epoch', new, 'before', before)
  epoch = new
end
local answer = {redis.call('HINCRBY', routes, 'sequence', 1)}
for at = 7, #ARGV, 3 do
  local path, data = ARGV[at], ARGV[at + 1]
  answer[#answer + 1] = redis.call('HEXISTS', routes, path)
  if data == '' then
    redis.call('HDEL', routes, path)
    redis.call('HDEL', activity, path)
  else
    redis.call('HSET', routes, path, data)
    redis.call('HSET', activity, path, ARGV[at + 2])
  end
end
redis.call('PUBLISH', channel, epoch .. ' ' .. answer[1] .. ' ' .. announced)
return answer
"""
# Notes when routes were of use, of those that are there, unless a later time is known.
_NOTE: Final = """
local routes, activity = KEYS[1], KEYS[2]
for at = 1, #ARGV, 2 do
  local path, used = ARGV[at], ARGV[at + 1]
  if redis.call('HEXISTS', routes, path) == 1 and tonumber(used) > tonumber(redis.call('HGET', activity, path) or '0') then
    redis.call('HSET', activity, path, used)
  end
end
"""
_EPOCHS: Final = 32  # earlier ones that are remembered
_CONNECT: Final = 2.0  # seconds in which Redis must be connected to
_ANSWER: Final = 3.0  # seconds for which it may be silent when it is asked
_AT_ONCE: Final = 1000  # notes in one call

Change = tuple[str, str | None, float]  # a path, its data as JSON (None: it is no more), and when it was added


@dataclass(frozen=True, slots=True)
class Read:
    """The table, as it was at one moment."""

    epoch: str  # empty: there is no table
    sequence: int
    before: Mapping[str, int] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    activity: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Announced:
    """A change that was made."""

    epoch: str
    sequence: int
    changes: Sequence[Change]


class Announcements:
    """What is announced, from when it was asked for on, until the connection is lost."""

    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription

    async def next(self, seconds: float) -> Announced | None:
        """Return the next one; None if there is none within so many seconds.

        Raises:
            Unavailable: the connection was lost, and whatever was announced since.
        """
        with _unavailable():
            told = await self._subscription.get_message(timeout=seconds)
        if told is None:
            return None
        if told["type"] != "message":  # redis-py has connected again by itself
            raise Unavailable("the connection was lost")
        epoch, sequence, changes = told["data"].split(b" ", 2)
        return Announced(epoch.decode(), int(sequence), json.loads(changes))


class Table:
    """The table, in Redis."""

    def __init__(self, where: model.Redis) -> None:
        self._where = where
        self._keys = [f"{where.prefix}:routes", f"{where.prefix}:activity"]
        self._channel = f"{where.prefix}:changes"
        self._client = _client(where)
        self._write = self._client.register_script(_WRITE)
        self._note = self._client.register_script(_NOTE)

    async def read(self) -> Read:
        """Return all of it.

        Raises:
            Unavailable: Redis cannot be reached, or refuses.
        """
        with _unavailable():
            async with self._client.pipeline(transaction=True) as asked:
                for key in self._keys:
                    asked.hgetall(key)
                found, activity = await asked.execute()
        routes = {_text(path): _text(data) for path, data in found.items()}
        epoch, sequence, before = (routes.pop(name, "") for name in ("epoch", "sequence", "before"))
        return Read(
            epoch,
            int(sequence or 0),
            {name: int(reached) for name, _, reached in (one.partition(":") for one in before.split())},
            {path: data for path, data in routes.items() if path.startswith("/")},
            {_text(path): float(used) for path, used in activity.items()},
        )

    async def position(self) -> tuple[str, int]:
        """Return epoch and sequence.

        Raises:
            Unavailable: Redis cannot be reached, or refuses.
        """
        with _unavailable():
            epoch, sequence = await self._client.hmget(self._keys[0], "epoch", "sequence")
        return _text(epoch or b""), int(sequence or 0)

    async def change(self, epoch: str, changes: Sequence[Change]) -> tuple[int, list[bool]] | None:
        """Make changes to the table of an epoch.

        Returns:
            The new sequence, and for each change whether the route was there before; None if the table is of another epoch.

        Raises:
            Unavailable: Redis cannot be reached, or refuses; the changes may have been made.
        """
        return await self._make(epoch, "", "", "", changes, announced=json.dumps(changes))

    async def renew(self, read: Read, epoch: str, known: Mapping[str, int], changes: Sequence[Change]) -> bool:
        """Begin another epoch with these changes, if nothing has changed since the table was read; tell whether that was so.

        Args:
            read: the table.
            epoch: the new one.
            known: earlier ones of which this one has all, and how far; the one that was read is added.
            changes: of what was read.

        Raises:
            Unavailable: Redis cannot be reached, or refuses; it may have been done.
        """
        before = {**read.before, **known}
        if read.epoch:
            before[read.epoch] = max(read.sequence, known.get(read.epoch, 0))
        shown = " ".join(f"{name}:{reached}" for name, reached in list(before.items())[-_EPOCHS:])
        return await self._make(read.epoch, str(read.sequence), epoch, shown, changes, announced="[]") is not None

    async def _make(
        self, epoch: str, sequence: str, new: str, before: str, changes: Sequence[Change], announced: str
    ) -> tuple[int, list[bool]] | None:
        given: list[str | float] = [self._channel, epoch, sequence, new, before, announced]
        for path, data, added in changes:
            given += path, data or "", added
        with _unavailable():
            answer = await self._write(keys=self._keys, args=given)
        return None if answer is None else (answer[0], [bool(one) for one in answer[1:]])

    async def note(self, activity: Mapping[str, float]) -> None:
        """Note when routes were last of use.

        Raises:
            Unavailable: Redis cannot be reached, or refuses.
        """
        given = [one for pair in activity.items() for one in pair]
        for at in range(0, len(given), 2 * _AT_ONCE):
            with _unavailable():
                await self._note(keys=self._keys, args=given[at : at + 2 * _AT_ONCE])

    async def activity(self, path: str = "") -> dict[str, float]:
        """Return when a route was last of use, or each of them.

        Raises:
            Unavailable: Redis cannot be reached, or refuses.
        """
        with _unavailable():
            if path:
                used = await self._client.hget(self._keys[1], path)
                return {} if used is None else {path: float(used)}
            found = await self._client.hgetall(self._keys[1])
        return {_text(path): float(used) for path, used in found.items()}

    @contextlib.asynccontextmanager
    async def announcements(self) -> AsyncIterator[Announcements]:
        """Hear of every change that is made from now on.

        Raises:
            Unavailable: Redis cannot be reached, or refuses.
        """
        subscription = self._client.pubsub()
        try:
            with _unavailable():
                await subscription.subscribe(self._channel)
                begun = await subscription.get_message(timeout=_ANSWER)
            if begun is None:
                raise Unavailable("it does not answer")
            yield Announcements(subscription)
        finally:
            with contextlib.suppress(Unavailable), _unavailable():
                await subscription.aclose()

    async def close(self) -> None:
        """Let go of all connections."""
        with contextlib.suppress(Unavailable), _unavailable():
            await self._client.aclose()


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    """Have all that can go wrong with Redis be one exception."""
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError, TimeoutError, EOFError) as error:
        raise Unavailable(str(error) or type(error).__name__) from None


def _client(where: model.Redis) -> Any:
    """Return redis-py's client. It connects when it is used, and tries nothing twice: whoever uses it has to know."""
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.asyncio.sentinel import Sentinel
    from redis.backoff import NoBackoff

    common: dict[str, Any] = {
        "socket_timeout": _ANSWER,
        "socket_connect_timeout": _CONNECT,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    if where.tls is not None:
        common |= {
            "ssl": True,
            "ssl_ca_certs": where.tls.ca,
            "ssl_certfile": where.tls.cert,
            "ssl_keyfile": where.tls.key,
            "ssl_check_hostname": True,
        }
    given = {**common, "db": where.database, "username": where.user or None, "password": where.password or None}
    if where.sentinels:
        sentinel = Sentinel(  # type: ignore[no-untyped-call]
            [(one.host, one.port) for one in where.sentinels],
            sentinel_kwargs={**common, "password": where.sentinel_password or None},
            **given,
        )
        return sentinel.master_for(where.service)
    if isinstance(where.address, UnixAddress):
        return Redis(unix_socket_path=where.address.path, **given)
    return Redis(host=where.address.host, port=where.address.port, **given)
