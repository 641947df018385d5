cimport cython

from perijove.engine.admission cimport Admission
from perijove.engine.arrival cimport Arrival
from perijove.engine.exchange cimport Exchange
from perijove.engine.head cimport RequestHead
from perijove.engine.limiter cimport Limiter
from perijove.engine.plan cimport Plan
from perijove.engine.reactor cimport Endpoint, Reactor
from perijove.engine.replies cimport Reply
from perijove.engine.site cimport Site
from perijove.engine.tunnel cimport copied, drained, half_close, join, relay
from perijove.engine.upstream cimport Upstream, UpstreamConnection

cdef Py_ssize_t AGAIN, READ_SIZE
cdef long long CHUNKED, NO_BODY
cdef int UNKNOWN_NAME, OVERRIDE, FOUND, IN, MORE, OUT, ABORT, REFUSE, STALE, TUNNEL, CONNECT, FILE, FORWARD, RESPOND, ENDED, FAILED, OPEN
cdef int CLIENT_GONE, CLIENT_TIMEOUT, CUT, DENIED, DONE, IDLE
cdef int BAD_RESPONSE, CONNECT_TIMEOUT, LOST, REFUSED, RESPONSE_TIMEOUT
cdef int FIRST_ROUTE
cdef int ANNOUNCED, HANDSHAKE, HEAD, ACTIVE, TUNNELLING, CLOSING, LINGER
cdef int _ACCEPT
cdef Py_ssize_t _PIPELINED, _LINGER_MOST
cdef double _RETRY_FOR, _RETRY_IF, _RETRY_EVERY

cdef class Client(Arrival):
    cdef public int requests, attempts
    cdef public bytes first
    cdef public Py_ssize_t head_size
    cdef public UpstreamConnection upstream
    cdef public bint head_begun, buffered, repeated, client_ended, upstream_ended
    cdef public bytes replay, accept, referer, agent
    cdef public double retry_until, tunnelled
    cpdef void enter(self, Limiter limiter) except *
    @cython.locals(count=Py_ssize_t, mode=cython.int)
    cdef void _read(self) except *
    @cython.locals(count=Py_ssize_t)
    cdef void _read_ahead(self) except *
    @cython.locals(count=Py_ssize_t)
    cdef void _read_content(self) except *
    @cython.locals(left=Py_ssize_t)
    cdef void _push_content(self) except *
    cdef bint _take_content(self, UpstreamConnection upstream) except -1
    @cython.locals(before=Py_ssize_t, left=Py_ssize_t)
    cdef void _drain(self) except *
    cdef double _stream_timeout(self) except -1.0
    @cython.locals(site=Site, verdict=cython.int)
    cdef void _next_request(self) except *
    cdef void _forget(self) except *
    @cython.locals(site=Site, plan=Plan, exchange=Exchange)
    cdef void _begin(self, RequestHead head) except *
    @cython.locals(count=Py_ssize_t, verdict=cython.int)
    cpdef void upstream_readable(self) except *
    cdef void _await_content(self) except *
    @cython.locals(left=Py_ssize_t)
    cdef void _push_response(self, int verdict) except *
    cdef void _replace(self, bytes request, bint at_once) except *
    cdef void _reconnect(self) except *
    cdef void _complete(self, Py_ssize_t left) except *
    cdef void _after_answer(self, Py_ssize_t left) except *
    cdef void _await_request(self) except *
    cdef void _written(self) except *
    cdef void _finished(self) except *
    cdef void _touch(self) except *
    cdef void _vanished(self) except *
    cdef void _abort(self, int why) except *
    cdef void _release(self) except *
    cdef void _give_up(self, int status, int why) except *
    @cython.locals(exchange=Exchange)
    cdef bint _may_repeat(self, UpstreamConnection upstream) except -1
    @cython.locals(exchange=Exchange, site=Site, reply=Reply)
    cpdef void refuse(self, int status, int why=*, int wait=*) except *
    @cython.locals(exchange=Exchange, lender=Upstream, upstream=UpstreamConnection)
    cdef void _send(self, RequestHead head, Plan plan) except *
    cdef void _respond(self, Plan plan, RequestHead head) except *
    @cython.locals(path=bytes)
    cdef void _serve_file(self, Plan plan, RequestHead head) except *
    @cython.locals(left=Py_ssize_t)
    cdef void _answer(self, Reply reply) except *
    cpdef void drain(self) except *
    cpdef void close_if_idle(self) except *
    cpdef void end(self) except *
    cdef void _tunnel(self) except *
    @cython.locals(upstream=UpstreamConnection, exchange=Exchange, plan=Plan)
    cdef void _copied(self, Py_ssize_t verdict, bint from_client) except *
    cdef void _tunnel_lasts(self) except *
    @cython.locals(upstream=UpstreamConnection, received=Py_ssize_t, sent=Py_ssize_t)
    cdef bint _untold(self) except -1
