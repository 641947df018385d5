cimport cython

from perijove.engine.buffer cimport Buffer
from perijove.engine.exchange cimport Exchange
from perijove.engine.framing cimport Chunked
from perijove.engine.head cimport Limits, ResponseHead, content_length
from perijove.engine.plan cimport Plan
from perijove.engine.recipe cimport Recipe
from perijove.engine.state cimport State
from perijove.engine.template cimport add_edits, map_refresh, map_url

cdef unsigned long long _ALWAYS_OURS, _DATE_SERVER, _COOKIES, _MAPPED, _WARNINGS
cdef int _TRANSFER_ENCODING, _VARY, _SET_COOKIE, _WARNING, _INTERIM
cdef frozenset _no_names, _ENDS
cdef Py_ssize_t _PARTED
cdef int FOUND, MORE, TUNNEL, REFUSE, OVERRIDE, STALE
cdef long long CHUNKED, UNTIL_CLOSE

@cython.locals(plan=Plan, verdict=cython.int)
cpdef int read_response(Exchange exchange, ResponseHead head, Limits limits, Buffer source, Buffer out) except -1
@cython.locals(plan=Plan)
cdef int _switch(Exchange exchange, ResponseHead head, Buffer source, Buffer out) except -1
@cython.locals(plan=Plan, tail=bytes, length=cython.longlong, ended=cython.int)
cdef int _read_final(Exchange exchange, ResponseHead head, Buffer source, Buffer out) except -1
@cython.locals(plan=Plan, length=cython.longlong)
cdef object _part_of(Exchange exchange, ResponseHead head, Buffer source)
@cython.locals(plan=Plan, drop=cython.ulonglong)
cdef void _write_head(Exchange exchange, ResponseHead head, Buffer out, bytes size, bytes tail) except *
@cython.locals(plan=Plan, state=State, lines=list, first=list, recipe=Recipe, always=Recipe, front=bytes, server=bytes, date=bytes)
cdef void _write_edited_response(Exchange exchange, ResponseHead head, Buffer out, unsigned long long drop, bytes size, bytes tail) except *
cdef void _write_switching(Exchange exchange, ResponseHead head, Buffer out, bytes tail) except *
@cython.locals(plan=Plan, state=State)
cpdef bytes page_fields(Exchange exchange)
cpdef list content_lines(Exchange exchange)
cdef bytes _mapped(Exchange exchange, ResponseHead head, int number, Plan plan)
