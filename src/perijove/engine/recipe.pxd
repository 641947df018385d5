cimport cython

from perijove.engine.edits cimport clean
from perijove.engine.state cimport State
from perijove.engine.texts cimport Text

cdef class Recipe:
    cdef public tuple lines
    cdef public unsigned long long absent, drop
    cdef public frozenset absent_names, drop_names
    cdef public bint steady
    @cython.locals(name=bytes, value=Text)
    cpdef bytes text(self, State state)
