"""What is counted, each with its number in the row of `counters.Counters`. Imports nothing.

A compiled module takes them into C integers of its own, as with `const`. A new one goes to the end of its group; whoever reads
the row is built from the same source.
"""

from __future__ import annotations

from typing import Final

CONNECTIONS: Final = 0  # accepted
CONNECTIONS_ENDED: Final = 1
TUNNELS: Final = 2
TUNNELS_ENDED: Final = 3
RECEIVED: Final = 4  # octets of requests' content
SENT: Final = 5  # octets of responses' content
REPEATED: Final = 6  # requests that were sent a second time, after a pooled connection had ended
RECONNECTED: Final = 7  # connections that were tried again, since the upstream had just been there
LOG_DROPPED: Final = 8  # lines of the access log
BAD_RESPONSE: Final = 9  # upstream errors; those of const.py stand behind, by their numbers
RESPONSE_TIMEOUT: Final = 10
UPSTREAM_ERRORS: Final = 10  # + REFUSED, CONNECT_TIMEOUT, UNKNOWN_NAME, UNTRUSTED, LOST: 11 to 15
BY_CLASS: Final = 16  # + 1 to 5: exchanges by the class of their status; + 0: refused before there was one
SECONDS: Final = 22  # microseconds that exchanges took, tunnels left out
BUCKETS: Final = 23  # exchanges that took so long and no longer, by BOUNDS
BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds; one more for the rest
LIMITED: Final = BUCKETS + len(BOUNDS) + 1  # what operators' limits kept out, by the numbers that follow
LIMITED_CONNECTIONS: Final = LIMITED  # all connections
LIMITED_ADDRESS: Final = LIMITED + 1  # connections of one client
LIMITED_RATE: Final = LIMITED + 2  # requests of one client
LIMITED_TUNNELS: Final = LIMITED + 3  # tunnels of one user
LIMITED_BODY: Final = LIMITED + 4  # content larger than allowed
LENT: Final = LIMITED + 5  # exchanges for which an upstream connection was taken from the pool
OPENED: Final = LENT + 1  # upstream connections that were opened
OPENED_ENDED: Final = LENT + 2
COUNT: Final = LENT + 3
