"""Numbers that several engine modules share. Imports nothing.

A compiled module imports them into C integers declared in its own `.pxd`, so that they cost no look-up there.
"""

from __future__ import annotations

from typing import Final

# What a read or a write on a non-blocking descriptor answers beside a count of bytes.
# Other negative numbers are -errno.
AGAIN: Final = -11  # EAGAIN: wait until the descriptor is ready
WANT_WRITE: Final = -1001  # of TLS: what it has to say first is not taken
PLAIN: Final = -1002  # of TLS: the other side speaks HTTP without it
TLS_FAILED: Final = -1003  # the TLS layer gave up; the connection is of no use any more
NOT_TAKEN: Final = -1004  # what was read from one descriptor cannot be written to the other

# Epoll's masks (linux/eventpoll.h); macOS' poll() has the same values for those it knows.
IN: Final = 0x001
OUT: Final = 0x004
ERR: Final = 0x008
HUP: Final = 0x010
FIN: Final = 0x2000  # EPOLLRDHUP: its end has come, though octets before it were not read
EXCLUSIVE: Final = 1 << 28  # EPOLLEXCLUSIVE, of a listening socket that several processes wait for: one is woken, not all

# What a scan of a message head answers; a status of 400 and more is a refusal.
MORE: Final = 0
FOUND: Final = 1

# What happened to content on its way.
BROKEN: Final = -1  # it is not what it says it is: nothing more of it may be written

# Verdicts of an exchange, beside MORE and FOUND (which there says: this part is complete).
TUNNEL: Final = 2  # the response was 101 and has been written; bytes are copied from now on
REFUSE: Final = 3  # nothing has been written to the client; answer with an error page
OVERRIDE: Final = 5  # the response is an error that a page of ours is given for; its status is the exchange's
STALE: Final = 6  # it tells of the time before the request: the request is to be sent again on a new connection
ABORT: Final = 4  # the response cannot be completed; the client must see that

# One direction of a tunnel; a positive number is one of octets that were copied.
OPEN: Final = 0
ENDED: Final = -1  # it has brought its last byte
FAILED: Final = -2  # the side that it comes from is lost
NO_TAKER: Final = -3  # the side that it goes to is lost

# What a plan does.
FORWARD: Final = 0
RESPOND: Final = 1
REJECT: Final = 2  # with an error page of ours
FILE: Final = 3  # with a small file
CONNECT: Final = 4  # copy octets to and from an upstream (RFC 9110 §9.3.6)
DYNAMIC: Final = 5  # as the route says that a request is for (engine.routes)

PAGED: Final = (404, 500, 502, 503, 504)  # statuses of errors for which there may be pages of others

# Why an upstream connection was lost.
REFUSED: Final = 1  # no connection came about; nothing was sent
CONNECT_TIMEOUT: Final = 2
UNKNOWN_NAME: Final = 3
UNTRUSTED: Final = 4  # the TLS handshake failed
LOST: Final = 5  # it ended, or failed, when it stood
BAD_RESPONSE: Final = 6  # what it said is not HTTP, or is over the limits
RESPONSE_TIMEOUT: Final = 7

# Why an exchange ended, beside what is lost of upstream.
DONE: Final = 0
DENIED: Final = 8  # by an answer of ours
CLIENT_GONE: Final = 9
CLIENT_TIMEOUT: Final = 10  # it brought nothing of what it had announced, or took nothing of what lay ready
IDLE: Final = 11  # a tunnel in which nobody said anything
CUT: Final = 12  # since we end

# Message framing (RFC 9112 §6): a length in octets, or one of these.
NO_BODY: Final = 0
CHUNKED: Final = -2
UNTIL_CLOSE: Final = -3

RECORD: Final = 16384  # octets of content that a TLS record has at the most (RFC 8446 §5.1)

# How much one read takes at most. A stalled reader pins at most this much in user space.
READ_SIZE: Final = 131072

UNTOLD: Final = 1.0  # seconds for which nobody is told of what is copied between joined descriptors

# What a page of an error is, where it is not ours.
TEXT: Final = 1
ELSEWHERE: Final = 2  # another URL
INSIDE: Final = 3  # another path here, whose answer is given in its place

# What a client's connection is doing.
ANNOUNCED: Final = -1  # a balancer is to say whose connection it is (PROXY protocol)
HANDSHAKE: Final = 0
HEAD: Final = 1  # waiting for a request, or for the rest of its head
ACTIVE: Final = 2  # an exchange with an upstream is going on
TUNNELLING: Final = 3
CLOSING: Final = 4  # the last answer is being written; then the connection ends
LINGER: Final = 5  # it is written; what the client still sends is thrown away, so that no RST overtakes it
