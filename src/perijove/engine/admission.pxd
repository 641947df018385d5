cimport cython

from perijove.engine.exchange cimport Exchange
from perijove.engine.head cimport RequestHead
from perijove.engine.limiter cimport Limiter
from perijove.engine.peer cimport Peer
from perijove.engine.plan cimport Plan
from perijove.engine.site cimport Site
from perijove.engine.upstream cimport Upstream

cdef int FORWARD

cdef class Admission:
    cdef public Site site
    cdef public Limiter limiter
    cdef public tuple spot, owner
    cdef public bint excess
    @cython.locals(limiter=Limiter, spot=tuple)
    cpdef bint admits(self, Peer peer, bint secured) except -1
    cpdef void stands(self, Peer peer) except *
    cpdef void tunnels(self, Exchange exchange) except *
    @cython.locals(site=Site, limiter=Limiter, peer=Peer, plan=Plan, wait=cython.double, owner=tuple)
    cpdef tuple refuses(self, Exchange exchange, RequestHead head, double now)
    cpdef void finished(self) except *
    cpdef void ended(self) except *
    @cython.locals(plan=Plan)
    cdef tuple _owner_of(self, Exchange exchange)
    cdef bytes _name(self, Exchange exchange, Plan plan)
