cimport cython

from perijove.engine.admission cimport Admission
from perijove.engine.exchange cimport Exchange
from perijove.engine.forwarding cimport Forwarding
from perijove.engine.head cimport RequestHead
from perijove.engine.limiter cimport Limiter
from perijove.engine.plan cimport Plan
from perijove.engine.site cimport Site
from perijove.engine.tunnel cimport relay

cdef Py_ssize_t AGAIN, READ_SIZE
cdef long long CHUNKED
cdef int FOUND, IN, MORE, OUT, CONNECT, FILE, FIN, FORWARD, RESPOND
cdef int CLIENT_TIMEOUT, CUT, IDLE, RESPONSE_TIMEOUT
cdef int ANNOUNCED, HANDSHAKE, HEAD, ACTIVE, TUNNELLING, CLOSING, LINGER
cdef int _ACCEPT
cdef Py_ssize_t _PIPELINED, _LINGER_MOST

cdef class Client(Forwarding):
    cdef public int requests
    cpdef void enter(self, Limiter limiter) except *
    @cython.locals(count=Py_ssize_t, mode=cython.int)
    cdef void _read(self) except *
    @cython.locals(count=Py_ssize_t)
    cdef void _read_ahead(self) except *
    @cython.locals(count=Py_ssize_t)
    cdef void _read_content(self) except *
    @cython.locals(before=Py_ssize_t, left=Py_ssize_t)
    cdef void _drain(self) except *
    @cython.locals(site=Site, verdict=cython.int)
    cdef void _next_request(self) except *
    cdef void _forget(self) except *
    @cython.locals(site=Site, plan=Plan, exchange=Exchange)
    cdef void _begin(self, RequestHead head) except *
    cpdef void drain(self) except *
    cpdef double idle_since(self) except? -2.0
    cpdef void close_if_idle(self) except *
    cpdef void end(self) except *
