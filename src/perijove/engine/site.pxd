from perijove.engine.counters cimport Counters
from perijove.engine.exchange cimport Exchange
from perijove.engine.head cimport Limits, RequestHead, ResponseHead
from perijove.engine.limiter cimport Limiter
from perijove.engine.peer cimport Peer
from perijove.engine.plan cimport Table, Timeouts
from perijove.engine.reactor cimport Endpoint, Log

cdef Py_ssize_t _REMEMBERED

cdef class Recorder(Log):
    cpdef void begin(self, Endpoint client, RequestHead head) except *
    cpdef void finish(self, Endpoint client) except *

cdef class Site:
    cdef public Table table
    cdef public Limits limits, response_limits
    cdef public Timeouts timeouts
    cdef public long long body_limit
    cdef public RequestHead request_head
    cdef public ResponseHead response_head
    cdef public Recorder record
    cdef public long connections
    cdef public Counters counters
    cdef public Limiter limiter
    cdef public object tell, failed
    cdef dict _same, _known
    cpdef bytes same(self, bytes text)
    cpdef Peer known(self, Peer peer)
    cpdef void limited(self, int limit, bytes who) except *
    cpdef void failure(self, Exchange exchange, int status) except *
