"""The routes that several perijoves share, as Redis (or Valkey) has them.

Knows keys, scripts, the channel, and redis-py, which is imported when it is first used. Must not know what is made of what is
read here (`server.replicated`), nor who asks.

There are two hashes and a channel, all with one prefix:

    routes     a path → what belongs to it, as JSON; and `epoch`, `sequence`, `before`
    activity   a path → when it was last of use, in seconds since 1970
    changes    EPOCH SEQUENCE CHANGES, for each change

Paths begin with a slash, so the three other fields are none. They stand in the same hash because it is lost as a whole. The
epoch is new whenever the table may have lost something; the sequence is one more with each change. `before` has earlier epochs,
and how far each was known to whoever began the one after it.

No call and no answer grows with the table: 100,000 routes in one take longer than one may take. So a table is read piece by
piece, and what changes meanwhile is announced; and what is put back lies ready in a hash of its own, piece by piece, before one
script puts it in place.
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

# Changes routes if the table is of this epoch, and announces it. Returns the new place in the sequence, and for each change
# whether the route was there before; or nothing if the table is another one.
_WRITE: Final = """
local routes, activity = KEYS[1], KEYS[2]
local channel, epoch, announced = unpack(ARGV, 1, 3)
if (redis.call('HGET', routes, 'epoch') or '') ~= epoch then return false end
local answer = {redis.call('HINCRBY', routes, 'sequence', 1)}
for at = 4, #ARGV, 3 do
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
# Begins a new epoch if the table is of this one and at this place of the sequence, with the changes that lie ready in two
# hashes: a path → its data, or nothing if it is to go; a path → when it was of use. Where all is lost they become the table.
_RENEW: Final = """
local routes, activity, ready, used = unpack(KEYS)
local channel, epoch, sequence, new, before = unpack(ARGV)
if (redis.call('HGET', routes, 'epoch') or '') ~= epoch then return false end
if (redis.call('HGET', routes, 'sequence') or '0') ~= sequence then return false end
local paths = redis.call('HLEN', routes)
for _, name in ipairs({'epoch', 'sequence', 'before'}) do paths = paths - redis.call('HEXISTS', routes, name) end
if paths == 0 and redis.call('HLEN', ready) > 0 then
  redis.call('RENAME', ready, routes)
  redis.call('PERSIST', routes)
  redis.call('RENAME', used, activity)
  redis.call('PERSIST', activity)
else
  local changes = redis.call('HGETALL', ready)
  for at = 1, #changes, 2 do
    local path, data = changes[at], changes[at + 1]
    if data == '' then
      redis.call('HDEL', routes, path)
      redis.call('HDEL', activity, path)
    else
      redis.call('HSET', routes, path, data)
      redis.call('HSET', activity, path, redis.call('HGET', used, path))
    end
  end
  redis.call('DEL', ready, used)
end
redis.call('HSET', routes, 'epoch', new, 'before', before, 'sequence', sequence + 1)
redis.call('PUBLISH', channel, new .. ' ' .. (sequence + 1) .. ' []')
return 1
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
_AT_ONCE: Final = 1000  # routes in one call
_READY: Final = 300  # seconds for which changes lie ready at most: whoever laid them there may have ended

Change = tuple[str, str | None, float]  # a path, its data as JSON (None: it is no more), and when it was added


@dataclass(frozen=True, slots=True)
class Read:
    """The table, as it was at a place of the sequence; of some routes it may say what was changed after that."""

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
        self._renew = self._client.register_script(_RENEW)
        self._note = self._client.register_script(_NOTE)

    async def read(self) -> Read:
        """Return all of it.

        Raises:
            Unavailable: Redis cannot be reached, or refuses.
        """
        while True:
            with _unavailable():
                found = await self._client.hmget(self._keys[0], "epoch", "sequence", "before")
                epoch, sequence, before = _text(found[0] or b""), int(found[1] or 0), _text(found[2] or b"")
                routes = await self._all(self._keys[0])
                activity = await self._all(self._keys[1])
            again, later = await self.position()
            if again == epoch and later >= sequence:
                break
        return Read(
            epoch,
            sequence,
            {name: int(reached) for name, _, reached in (one.partition(":") for one in before.split())},
            {path: data for path, data in routes.items() if path.startswith("/")},
            {path: float(used) for path, used in activity.items()},
        )

    async def _all(self, key: str) -> dict[str, str]:
        """Return a hash: what is there all the while, and perhaps what comes or goes meanwhile (HSCAN)."""
        return {_text(name): _text(value) async for name, value in self._client.hscan_iter(key, count=_AT_ONCE)}

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
        given: list[str | float] = [self._channel, epoch, json.dumps(changes)]
        for path, data, added in changes:
            given += path, data or "", added
        with _unavailable():
            answer = await self._write(keys=self._keys, args=given)
        return None if answer is None else (answer[0], [bool(one) for one in answer[1:]])

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
        ready = [f"{self._where.prefix}:{name}:{epoch}" for name in ("ready", "used")]
        given = [self._channel, read.epoch, read.sequence, epoch, shown]
        with _unavailable():
            for at in range(0, len(changes), _AT_ONCE):
                some = changes[at : at + _AT_ONCE]
                async with self._client.pipeline(transaction=False) as asked:
                    asked.hset(ready[0], mapping={path: data or "" for path, data, _ in some})
                    asked.hset(ready[1], mapping={path: used for path, _, used in some})
                    for key in ready:
                        asked.expire(key, _READY)
                    await asked.execute()
            if await self._renew(keys=[*self._keys, *ready], args=given) is not None:
                return True
            await self._client.delete(*ready)
        return False

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
            return {path: float(used) for path, used in (await self._all(self._keys[1])).items()}

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
