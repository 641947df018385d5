cimport cython

from perijove.engine.admission cimport Admission
from perijove.engine.exchange cimport Exchange
from perijove.engine.limiter cimport Limiter
from perijove.engine.peer cimport Peer
from perijove.engine.site cimport Site
from perijove.engine.tls cimport Layer
from perijove.engine.upstream cimport Borrower

cdef int ANNOUNCED, BROKEN, HANDSHAKE, HEAD, IN, MORE, OUT
cdef Py_ssize_t AGAIN, FOUND, PLAIN, WANT_WRITE

cdef class Arrival(Borrower):
    cdef public Site site
    cdef public Peer peer
    cdef public Exchange exchange
    cdef public int mode
    cdef public Admission admission
    cdef public object context
    @cython.locals(limiter=Limiter)
    cpdef void start(self, int fd, object tls, bint announced=*) except *
    cpdef void go_on(self) except *
    cpdef void arrived(self) except *
    cpdef void spoke_plainly(self) except *
    @cython.locals(size=cython.int)
    cdef void _announced(self) except *
    @cython.locals(verdict=Py_ssize_t)
    cdef void _handshake(self) except *
