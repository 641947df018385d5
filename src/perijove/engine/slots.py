"""What is counted, each with its number in the row of `counters.Counters`. Imports nothing.

A compiled module takes them into C integers of its own, as with `const`. A new one goes to the end of its group; whoever reads
the row is built from the same source. Of whatever begins and ends there are two numbers, and both only grow: what is open is
their difference.
"""

from __future__ import annotations

from typing import Final

# ------------------------------------------------------------------ the worker
CONNECTIONS: Final = 0  # accepted
CONNECTIONS_ENDED: Final = 1
TUNNELS: Final = 2
TUNNELS_ENDED: Final = 3
LOG_DROPPED: Final = 4  # lines of the access log
LIMITED: Final = 5  # what operators' limits kept out, by the numbers that follow
LIMITED_CONNECTIONS: Final = 5  # all connections
LIMITED_ADDRESS: Final = 6  # connections of one client
LIMITED_RATE: Final = 7  # requests of one client
LIMITED_TUNNELS: Final = 8  # tunnels of one user
LIMITED_BODY: Final = 9  # content larger than allowed
SECONDS: Final = 10  # microseconds that exchanges took, tunnels left out
BUCKETS: Final = 11  # exchanges that took so long and no longer, by BOUNDS
BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds; one more for the rest
UPGRADES_REFUSED: Final = 25  # requests for a WebSocket that did not become one
TOUCHED: Final = 26  # how often it was noted that a route that comes and goes was of use
WORKER: Final = 32  # so many are kept for it

# ------------------------------------------------------------------ a route, from the number that its plan has
BY_CLASS: Final = 0  # + 1 to 5: exchanges by the class of their status; + 0: given up before there was one
RECEIVED: Final = 6  # octets of requests' content, and of tunnels that have ended
SENT: Final = 7  # octets of responses' content, and of such tunnels
LAST_ACTIVITY: Final = 8  # when an exchange ended last; milliseconds of CLOCK_MONOTONIC
ROUTE: Final = 9
ROUTES: Final = 1024  # rows, the first for what belongs to no route

# ------------------------------------------------------------------ an upstream, from the number that it has
ERRORS: Final = 0  # + REFUSED, CONNECT_TIMEOUT, UNKNOWN_NAME, UNTRUSTED, LOST, BAD_RESPONSE, RESPONSE_TIMEOUT: 1 to 7
ANSWERS: Final = 0  # exchanges that it answered
REUSED: Final = 8  # exchanges for which a connection was taken from the pool
OPENED: Final = 9  # connections
OPENED_ENDED: Final = 10
REPEATED: Final = 11  # requests that were sent once more, after a connection had ended without an answer
RECONNECTED: Final = 12  # connections that were tried again, since it had just been there
LAST_ANSWER: Final = 13  # when; milliseconds of CLOCK_MONOTONIC
LAST_ERROR: Final = 14
LAST_KIND: Final = 15  # of the error then
UPSTREAM: Final = 16
UPSTREAMS: Final = 256  # rows, the first for those for which there was no other

FIRST_ROUTE: Final = WORKER
FIRST_UPSTREAM: Final = FIRST_ROUTE + ROUTES * ROUTE
FIRST_STATUS: Final = FIRST_UPSTREAM + UPSTREAMS * UPSTREAM  # + a status: exchanges of one route, by their very status
STATUSES: Final = 1000  # 0 is none
COUNT: Final = FIRST_STATUS + STATUSES

# ------------------------------------------------------------------ a route that comes and goes (engine.routes)
FIRST_ACTIVITY: Final = COUNT  # when each was last of use; milliseconds of CLOCK_MONOTONIC
ACTIVITIES: Final = 1 << 20  # routes; memory is taken for those that are used
