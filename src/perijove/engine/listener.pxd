cimport cython

from perijove.engine.client cimport Client
from perijove.engine.limiter cimport Limiter
from perijove.engine.peer cimport Peer
from perijove.engine.reactor cimport Endpoint
from perijove.engine.site cimport Site

cdef int _AT_ONCE, _WANTED, IN, CONNECTIONS, LIMITED_CONNECTIONS

cdef class Acceptor(Endpoint):
    cdef public Site site
    cdef public object secure, trusts, announced
    cdef public bytes scheme
    cdef public int port
    @cython.locals(limiter=Limiter, number=cython.int, taken=tuple)
    cpdef void take(self, int most) except *
    @cython.locals(client=Client, peer=Peer)
    cdef void _start(self, int fd, bytes address, int port) except *
    @cython.locals(since=double, latest=double, one=Endpoint)
    cdef void _make_room(self) except *
    cdef void _pause(self) except *
