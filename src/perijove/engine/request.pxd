cimport cython

from perijove.engine.buffer cimport Buffer
from perijove.engine.exchange cimport Exchange
from perijove.engine.head cimport RequestHead, content_length
from perijove.engine.peer cimport Peer
from perijove.engine.plan cimport Plan
from perijove.engine.recipe cimport Recipe
from perijove.engine.state cimport State
from perijove.engine.template cimport add_edits, forwarded

cdef unsigned long long _HOST, _OWNED, _ALWAYS_OURS
cdef int _CONTENT_LENGTH, _UPGRADE, _RANGE
cdef frozenset _no_names
cdef long long CHUNKED, NO_BODY

@cython.locals(peer=Peer, plan=Plan, drop=cython.ulonglong, target=bytes, tail=bytes)
cpdef void write_request(Exchange exchange, RequestHead head, Buffer out) except *
@cython.locals(plan=Plan, state=State, lines=list, host=bytes, tail=bytes, first=bytes, asked=bytes, recipe=Recipe)
cdef void _write_edited(Exchange exchange, RequestHead head, Buffer out) except *
@cython.locals(plan=Plan, state=State, peer=Peer, host=bytes, tail=bytes, asked=bytes)
cdef void _write_by_recipe(Exchange exchange, Recipe recipe, RequestHead head, Buffer out) except *
@cython.locals(lines=bytes, length=cython.longlong)
cdef bytes _framed(Exchange exchange, RequestHead head, bytes asked)
