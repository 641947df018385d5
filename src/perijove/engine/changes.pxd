cimport cython

from perijove.engine.edits cimport edit_request
from perijove.engine.state cimport Action, State
from perijove.engine.texts cimport Text

cdef class SetNote(Action):
    cdef public bytes name
    cdef public Text value
    cpdef bint act(self, State state) except -1

cdef class UnsetNote(Action):
    cdef public bytes name
    cpdef bint act(self, State state) except -1

cdef class Set(Action):
    cdef public int number
    cdef public object value
    cdef dict _after
    cdef tuple _last, _made
    @cython.locals(before=tuple, after=tuple, found=tuple)
    cpdef bint act(self, State state) except -1

cdef class SetMore(Set):
    @cython.locals(before=tuple, after=tuple, found=tuple)
    cpdef bint act(self, State state) except -1

cdef class Select(Action):
    cdef public object bit
    cpdef bint act(self, State state) except -1

cdef class EditNow(Action):
    cdef public tuple operations
    cpdef bint act(self, State state) except -1

cdef class TrustField(Action):
    cdef public bytes name, lower, passed
    cdef public tuple networks, inside
    cpdef bint act(self, State state) except -1

cdef class Hold(Action):
    cdef public Text made
    @cython.locals(held=bytes)
    cpdef bint act(self, State state) except -1

cdef class SplitQuery(Action):
    cdef public bint append, discard, last
    @cython.locals(held=bytes, query=bytes, at=Py_ssize_t)
    cpdef bint act(self, State state) except -1

cdef class Count(Action):
    cdef public bytes what
    cdef public int most
    cpdef bint act(self, State state) except -1

cdef class Withdraw(Action):
    cpdef bint act(self, State state) except -1

cdef class Rewrite(Action):
    cdef public str handling
    cdef public Text path
    cdef public Text query
    cpdef bint act(self, State state) except -1
