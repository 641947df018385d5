cimport cython

from perijove.engine.answering cimport Answering
from perijove.engine.exchange cimport Exchange
from perijove.engine.plan cimport Plan
from perijove.engine.site cimport Site
from perijove.engine.tunnel cimport copied, drained, half_close, join
from perijove.engine.upstream cimport UpstreamConnection

cdef int ENDED, FAILED, IN, OPEN, OUT, CLIENT_GONE, LOST, TUNNELLING

cdef class Tunnelling(Answering):
    cdef public bint client_ended, upstream_ended
    cdef public double tunnelled
    cdef void _drain(self) except *
    @cython.locals(upstream=UpstreamConnection, site=Site)
    cdef void _tunnel(self) except *
    @cython.locals(upstream=UpstreamConnection, exchange=Exchange)
    cdef void _copied(self, Py_ssize_t verdict, bint from_client) except *
    @cython.locals(plan=Plan)
    cdef void _join(self) except *
    @cython.locals(upstream=UpstreamConnection, verdict=cython.int)
    cdef void _drained(self, bint from_client) except *
    cdef void _tunnel_lasts(self) except *
    @cython.locals(upstream=UpstreamConnection, received=Py_ssize_t, sent=Py_ssize_t)
    cdef bint _untold(self) except -1
    cdef void _finished(self) except *
