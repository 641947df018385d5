cimport cython

from perijove.engine.counters cimport Counters
from perijove.engine.exchange cimport Exchange
from perijove.engine.peer cimport Peer
from perijove.engine.head cimport Limits, RequestHead, ResponseHead
from perijove.engine.limiter cimport Limiter
from perijove.engine.plan cimport Plan, Table, Timeouts
from perijove.engine.reactor cimport Endpoint, Reactor
from perijove.engine.tunnel cimport drained, half_close, relay
from perijove.engine.upstream cimport Borrower, Upstream, UpstreamConnection

cdef Py_ssize_t AGAIN, READ_SIZE
cdef long long CHUNKED, NO_BODY
cdef int UNKNOWN_NAME, OVERRIDE, BROKEN, FOUND, IN, MORE, OUT, ABORT, REFUSE, TUNNEL, CONNECT, FILE, FORWARD, RESPOND, ENDED, FAILED, OPEN
cdef int CLIENT_GONE, CLIENT_TIMEOUT, CUT, DENIED, DONE, IDLE
cdef int BAD_RESPONSE, CONNECT_TIMEOUT, LOST, REFUSED, RESPONSE_TIMEOUT
cdef int FIRST_ROUTE, TEXT, ELSEWHERE, INSIDE
cdef int ANNOUNCED, HANDSHAKE, HEAD, ACTIVE, TUNNELLING, CLOSING, LINGER
cdef Py_ssize_t _PIPELINED, _LINGER_MOST
cdef double _RETRY_FOR, _RETRY_IF, _RETRY_EVERY

cdef class Site:
    cdef public Table table
    cdef public Limits limits, response_limits
    cdef public Timeouts timeouts
    cdef public long long body_limit
    cdef public RequestHead request_head
    cdef public ResponseHead response_head
    cdef public object record
    cdef public long connections
    cdef public Counters counters
    cdef public Limiter limiter
    cdef public object tell
    cpdef void limited(self, int limit, bytes who) except *

cdef class Client(Borrower):
    cdef public Site site
    cdef public int requests, attempts
    cdef public bytes first
    cdef public Py_ssize_t head_size
    cdef public Peer peer
    cdef public Exchange exchange
    cdef public UpstreamConnection upstream
    cdef public int mode
    cdef public bint head_begun, buffered, repeated, client_ended, upstream_ended
    cdef public bytes replay, accept, referer, agent
    cdef public double retry_until, tunnelled
    cdef public object context
    cdef public Limiter limiter
    cdef public tuple spot, owner
    cdef public bint excess
    cpdef void start(self, object sock, object tls, bint announced=*) except *
    cpdef void enter(self, Limiter limiter) except *
    cdef bint _admitted(self, object tls) except -1
    @cython.locals(size=cython.int)
    cdef void _announced(self) except *
    cdef void _handshake(self) except *
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
    @cython.locals(site=Site, limiter=Limiter, exchange=Exchange, wait=cython.double)
    cdef bint _limited(self, RequestHead head, Plan plan) except -1
    cdef bint _too_many(self, RequestHead head, int why, int wait) except -1
    @cython.locals(exchange=Exchange, plan=Plan)
    cdef tuple _owner_of(self, Limiter limiter)
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
    cdef bint _paged(self, int status, Plan plan) except -1
    cdef void _vanished(self) except *
    cdef void _abort(self, int why) except *
    cdef void _release(self) except *
    cdef void _give_up(self, int status, int why) except *
    cpdef void refuse(self, int status, int why=*, int wait=*) except *
    @cython.locals(exchange=Exchange, lender=Upstream, upstream=UpstreamConnection)
    cdef void _send(self, RequestHead head, Plan plan) except *
    cdef bint _inside(self, bytes target, int status, object state) except -1
    cdef void _refuse_plainly(self, int status, Plan plan) except *
    cpdef void answer(self, Plan plan, RequestHead head) except *
    @cython.locals(path=bytes)
    cdef void _serve_file(self, Plan plan, RequestHead head) except *
    cdef void _answer_content(self, int status, bytes content, bytes carried) except *
    @cython.locals(left=Py_ssize_t)
    cdef void _answer(self, int status, bytes content_type, bytes body, bytes extra, bytes phrase=*) except *
    cpdef void drain(self) except *
    cpdef void close_if_idle(self) except *
    cpdef void end(self) except *
    cdef void _tunnel(self) except *
    cdef void _copied(self, Py_ssize_t verdict, bint from_client) except *
