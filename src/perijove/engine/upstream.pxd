cimport cython

from perijove.engine.buffer cimport Buffer
from perijove.engine.counters cimport Counters
from perijove.engine.plan cimport Timeouts
from perijove.engine.reactor cimport Endpoint, Reactor
from perijove.engine.tls cimport Layer

cdef Py_ssize_t AGAIN, FOUND, WANT_WRITE
cdef int ERR, HUP, IN, OUT, REFUSED, CONNECT_TIMEOUT, UNKNOWN_NAME, UNTRUSTED, LOST

cdef int ERRORS, FIRST_UPSTREAM, LAST_ANSWER, LAST_ERROR, LAST_KIND, ANSWERS, OPENED, OPENED_ENDED, REUSED

cdef class Borrower(Endpoint):
    cpdef void upstream_copied(self, Py_ssize_t count, Buffer rest) except *
    cpdef void upstream_opened(self) except *
    cpdef void upstream_readable(self) except *
    cpdef void upstream_drained(self) except *
    cpdef void upstream_lost(self, int why) except *
    cpdef void upstream_timeout(self) except *

cdef class Upstream:
    cdef public str name, host
    cdef public object server_name, examine
    cdef public bytes absolute, authority
    cdef public Timeouts timeouts
    cdef public list addresses, idle, waiting
    cdef public int port, max_idle, counted
    cdef public Counters counters
    cdef public object tls
    cdef public double idle_timeout, last_answer
    cdef public bint unresolved, name_from_host, barred
    @cython.locals(connection=UpstreamConnection, at=Py_ssize_t)
    cpdef UpstreamConnection lend(self, Borrower borrower, bint fresh, str name)
    cpdef void take_back(self, UpstreamConnection connection) except *
    cpdef void resolved(self, list addresses) except *
    cpdef void close_idle(self) except *
    cpdef void answered(self, double now) except *
    cpdef void failed(self, int why, double now) except *

cdef class UpstreamConnection(Endpoint):
    cdef public Upstream upstream
    cdef public Borrower borrower
    cdef public bint opened, used, counted, unsure
    cdef public long long lent
    cdef public str server_name
    cdef int _next
    cpdef void open(self) except *
    cpdef void close(self) except *
    cdef void _connected(self) except *
    @cython.locals(verdict=Py_ssize_t)
    cdef void _handshake(self) except *
    cdef bint _is_who_it_should_be(self) except -1
    cdef void _ready(self) except *
    cdef void _drop_socket(self) except *
    cdef void _lost(self, int why) except *
    @cython.locals(left=Py_ssize_t)
    cpdef Py_ssize_t offer(self) except -9999
    cpdef bint untaken(self) except -1
    cdef void _retire(self) except *
