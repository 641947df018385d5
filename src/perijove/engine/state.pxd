cimport cython

from perijove.engine.head cimport RequestHead, consists, cut, place
from perijove.engine.peer cimport Peer

cdef int _HOST, _OTHER
cdef dict _NO_NOTES
cdef list _NO_LINES

@cython.final
@cython.freelist(64)
cdef class State:
    cdef public RequestHead head
    cdef public Peer peer
    cdef public object response, plan, upstream, balance
    cdef public bytes address, scheme, host, method, whole, wanted, raw, path, query, location, target, user, local, request_id, phrase
    cdef public bytes held, origin, onward, asked, form
    cdef public bytes content
    cdef public list lines, came, out, content_lines
    cdef public dict notes, counts
    cdef public tuple captures, kept, settings
    cdef public object selected
    cdef public int status, minor
    cdef public bint upgrade, elsewhere, anew
    cdef public double began
    @cython.locals(head=RequestHead)
    cpdef void snapshot(self) except *
    cpdef bytes field(self, bytes name)
    @cython.locals(head=RequestHead)
    cpdef bytes value(self, int number, bytes name)
    cpdef void note(self, bytes name, bytes value) except *
    cpdef bytes hostname(self)
    cpdef bytes called(self)
    cpdef bytes called_port(self)

@cython.locals(at=cython.Py_ssize_t, name=bytes, value=bytes, lower=bytes, out=list, found=dict)
cpdef list combined(list lines)
@cython.locals(plain=bytes, slashed=cython.bint)
cpdef object decoded(bytes path, int slashes, bint merge)
@cython.locals(at=Py_ssize_t, last=Py_ssize_t, segment=bytes, out=list, segments=list)
cpdef bytes undotted(bytes path, bint merge, bint stays)
cpdef bytes normalized(bytes path, bint merge)
@cython.locals(plain=bytes)
cpdef bytes refused(bytes path, bint merge)
cdef bytes _IS_SAFE
@cython.locals(octet=cython.uchar)
cpdef bytes encoded(bytes path)
cpdef bytes encoded_but_slashes(object path)

cdef class Action:
    cpdef bint act(self, State state) except -1
