cimport cython

from perijove.engine.exchange cimport Exchange
from perijove.engine.head cimport RequestHead
from perijove.engine.plan cimport Plan
from perijove.engine.request cimport write_request
from perijove.engine.response cimport read_response
from perijove.engine.tunnel cimport relay
from perijove.engine.tunnelling cimport Tunnelling
from perijove.engine.upstream cimport Upstream, UpstreamConnection

cdef Py_ssize_t AGAIN, READ_SIZE
cdef long long NO_BODY
cdef int OVERRIDE, FIN, FOUND, IN, MORE, OUT, ABORT, REFUSE, STALE, TUNNEL, CONNECT, FORWARD, FAILED
cdef int DENIED, IDLE, BAD_RESPONSE, CONNECT_TIMEOUT, LOST, REFUSED, RESPONSE_TIMEOUT, UNKNOWN_NAME
cdef int ACTIVE, TUNNELLING
cdef double _RETRY_FOR, _RETRY_IF, _RETRY_EVERY

cdef class Forwarding(Tunnelling):
    cdef public bint repeated
    cdef public int attempts
    cdef public bytes first
    cdef public double retry_until
    cdef void _connect(self, RequestHead head, Plan plan) except *
    @cython.locals(exchange=Exchange, lender=Upstream, upstream=UpstreamConnection)
    cdef void _send(self, RequestHead head, Plan plan) except *
    @cython.locals(left=Py_ssize_t)
    cdef void _push_content(self) except *
    cdef bint _take_content(self, UpstreamConnection upstream) except -1
    cdef void _hold_content(self) except *
    cdef void _await_content(self) except *
    cdef void _time_upstream(self, UpstreamConnection upstream) except *
    cdef void _connected(self) except *
    @cython.locals(count=Py_ssize_t, verdict=cython.int, interim=cython.int)
    cpdef void upstream_readable(self) except *
    @cython.locals(exchange=Exchange)
    cdef int _read_head(self, UpstreamConnection upstream) except -1
    cdef void _no_content(self, int verdict) except *
    @cython.locals(left=Py_ssize_t)
    cdef void _push_response(self, int verdict) except *
    @cython.locals(exchange=Exchange, verdict=cython.int)
    cdef bint _hear_out(self, UpstreamConnection upstream) except -1
    @cython.locals(exchange=Exchange)
    cdef bint _may_repeat(self, UpstreamConnection upstream) except -1
    cdef bint _ask_another(self, int why) except -1
    cdef void _replace(self, bytes request, bint at_once) except *
    cdef void _reconnect(self) except *
    cdef void _complete(self, Py_ssize_t left) except *
