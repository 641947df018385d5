cimport cython

from perijove.engine.buffer cimport Buffer
from perijove.engine.framing cimport Chunked
from perijove.engine.head cimport RequestHead
from perijove.engine.peer cimport Peer
from perijove.engine.plan cimport Plan
from perijove.engine.state cimport State

cdef int _UPGRADE
cdef Py_ssize_t _GATHERED
cdef int ABORT, BROKEN, DONE, FOUND, MORE, REFUSE
cdef long long CHUNKED, NO_BODY, UNTIL_CLOSE

cdef class Exchange:
    cdef public Peer peer
    cdef public Plan plan
    cdef public object part
    cdef public State state
    cdef public bytes date, method, target, path, host, address, scheme, request_id, carried, range, if_range
    cdef public int minor, status, interim, ended, instead
    cdef public bint keep_alive, kept, persistent, upgrade, expect, request_done, response_started, response_done, chunk_out, reuse, asked, silent, inside
    cdef public long long request_left, response_left, received, sent
    cdef public double begun, answered
    cdef public Chunked request_decoder, decoder
    cdef public long long length
    cdef public Py_ssize_t gathered
    @cython.locals(size=Py_ssize_t, raw=Buffer, content=Buffer, decoder=Chunked)
    cpdef bytes gather(self, RequestHead head, Buffer source)
    cpdef void forget(self, double now) except *
    cdef void _renew(self) except *
    cpdef void lighten(self) except *
    cpdef void begin(self, RequestHead head, Plan plan) except *
    @cython.locals(before=cython.longlong, verdict=cython.int, size=cython.longlong)
    cpdef int pump_request(self, Buffer source, Buffer out) except -1
    cpdef void took(self, long long size) except *
    @cython.locals(before=cython.longlong, verdict=cython.int, size=cython.longlong)
    cpdef int pump_response(self, Buffer source, Buffer out) except -1
    cpdef void gave(self, long long size) except *
    cpdef int end_response(self, Buffer out) except -1
    cpdef bint may_repeat(self) except -1
