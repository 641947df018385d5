cimport cython

from perijove.engine.state cimport State
from perijove.engine.texts cimport Text

cdef class Test:
    cpdef bint holds(self, State state) except -1

cdef class Constant(Test):
    cdef public bint value
    cpdef bint holds(self, State state) except -1

cdef class PathPrefix(Test):
    cdef public bytes prefix
    cdef public Py_ssize_t size
    cdef public bint every
    cdef public bint merged
    @cython.locals(path=bytes)
    cpdef bint holds(self, State state) except -1

cdef class PathIs(Test):
    cdef public bytes path
    cpdef bint holds(self, State state) except -1

cdef class PathMatches(Test):
    cdef public bint merged
    cdef public tuple names
    cdef public object pattern
    @cython.locals(path=bytes)
    cpdef bint holds(self, State state) except -1

cdef class Matches(Test):
    cdef public bint captures
    cdef public bint keeps
    cdef public object pattern
    cdef public Text subject
    cpdef bint holds(self, State state) except -1

cdef class Compares(Test):
    cdef public str how
    cdef public Text left
    cdef public Text right
    cpdef bint holds(self, State state) except -1

cdef class Within(Test):
    cdef public tuple networks
    cdef public Text subject
    cpdef bint holds(self, State state) except -1

cdef class OnDisk(Test):
    cdef public str kind
    cdef public Text subject
    cpdef bint holds(self, State state) except -1

cdef class NotEmpty(Test):
    cdef public Text subject
    cpdef bint holds(self, State state) except -1

cdef class Destined(Test):
    cpdef bint holds(self, State state) except -1

cdef class HasNote(Test):
    cdef public bytes name
    cpdef bint holds(self, State state) except -1

cdef class SettingIs(Test):
    cdef public int number
    cdef public object value
    cpdef bint holds(self, State state) except -1

cdef class All(Test):
    cdef public tuple of
    @cython.locals(one=Test)
    cpdef bint holds(self, State state) except -1

cdef class Either(Test):
    cdef public tuple of
    @cython.locals(one=Test)
    cpdef bint holds(self, State state) except -1

cdef class Not(Test):
    cdef public Test of
    cpdef bint holds(self, State state) except -1

cdef class Apart(Test):
    cdef public str groups
    cdef public Test of
    @cython.locals(holds=cython.bint)
    cpdef bint holds(self, State state) except -1

@cython.locals(number=cython.int)
cpdef tuple groups_of(object found, object pattern)
