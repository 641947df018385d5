cimport cython

from perijove.engine.buffer cimport Buffer
from perijove.engine.framing cimport Chunked
from perijove.engine.head cimport Limits, RequestHead, ResponseHead, content_length
from perijove.engine.peer cimport Peer
from perijove.engine.plan cimport Plan
from perijove.engine.recipe cimport Recipe
from perijove.engine.state cimport State

cdef unsigned long long _HOST, _OWNED, _ALWAYS_OURS, _DATE_SERVER, _COOKIES, _MAPPED, _WARNINGS
cdef int _CONTENT_LENGTH, _TRANSFER_ENCODING, _UPGRADE, _VARY, _RANGE, _SET_COOKIE, _WARNING
cdef frozenset _no_names, _ENDS
cdef Py_ssize_t _GATHERED, _PARTED
cdef int DONE, FOUND, MORE, BROKEN, TUNNEL, REFUSE, OVERRIDE, STALE, ABORT, _INTERIM
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
    @cython.locals(plan=Plan, state=State, lines=list, host=bytes, tail=bytes, first=bytes, asked=bytes, recipe=Recipe)
    cdef void _write_edited(self, RequestHead head, Buffer out) except *
    @cython.locals(plan=Plan, state=State, peer=Peer, host=bytes, tail=bytes, asked=bytes)
    cdef void _write_by_recipe(self, Recipe recipe, RequestHead head, Buffer out) except *
    @cython.locals(lines=bytes, length=cython.longlong)
    cdef bytes _framed(self, RequestHead head, bytes asked)
    @cython.locals(plan=Plan, state=State, lines=list, first=list, recipe=Recipe, always=Recipe, front=bytes, server=bytes, date=bytes)
    cdef void _write_edited_response(self, ResponseHead head, Buffer out, unsigned long long drop, bytes size, bytes tail) except *
    cdef void _write_switching(self, ResponseHead head, Buffer out, bytes tail) except *
    cpdef list content_lines(self)
    @cython.locals(plan=Plan, state=State)
    cpdef bytes page_fields(self)
    @cython.locals(peer=Peer, plan=Plan, drop=cython.ulonglong, target=bytes, tail=bytes)
    cpdef void write_request(self, RequestHead head, Buffer out) except *
    @cython.locals(before=cython.longlong, verdict=cython.int, size=cython.longlong)
    cpdef int pump_request(self, Buffer source, Buffer out) except -1
    cpdef void took(self, long long size) except *
    @cython.locals(plan=Plan, verdict=cython.int, tail=bytes, length=cython.longlong, ended=cython.int)
    cpdef int read_response(self, ResponseHead head, Limits limits, Buffer source, Buffer out) except -1
    @cython.locals(plan=Plan, drop=cython.ulonglong)
    cdef void _write_head(self, ResponseHead head, Buffer out, bytes size, bytes tail) except *
    cdef bytes _mapped(self, ResponseHead head, int number, Plan plan)
    @cython.locals(before=cython.longlong, verdict=cython.int, size=cython.longlong)
    cpdef int pump_response(self, Buffer source, Buffer out) except -1
    cpdef void gave(self, long long size) except *
    cpdef int end_response(self, Buffer out) except -1
    cpdef bint may_repeat(self) except -1
