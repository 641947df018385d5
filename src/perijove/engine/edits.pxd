cimport cython

from perijove.engine.conditions cimport Test
from perijove.engine.state cimport State
from perijove.engine.texts cimport Text

cdef class FieldOperation:
    cdef public int kind
    cdef public bytes name, lower
    cdef public Text value, old
    cdef public object pattern
    cdef public Test test
    cdef public bint always

@cython.locals(one=FieldOperation)
cpdef void edit_request(tuple operations, State state) except *
@cython.locals(one=FieldOperation)
cpdef list edited(list lines, tuple operations, State state, list before=*, list behind=*)
cdef list _prefixed(list lines, FieldOperation one, State state, set mapped)
cdef bytes _path(bytes url)
cdef list _cookies(list lines, FieldOperation one, State state, set mapped)
@cython.locals(at=Py_ssize_t, name=bytes, value=bytes, joined=bytes, there=list, kind=cython.int, first=Py_ssize_t, out=list)
cdef list _done(list lines, FieldOperation one, State state)
@cython.locals(at=Py_ssize_t, size=Py_ssize_t, line=tuple)
cdef list _places(list lines, bytes name)
cpdef bytes clean(bytes value)
cdef bytes _replaced(bytes value, FieldOperation one, State state)
@cython.locals(number=cython.int, lower=bytes, line=tuple)
cpdef list kept(list lines, unsigned long long drop, frozenset nominated)
@cython.locals(line=tuple)
cpdef bytes joined(list lines)
cpdef list compacted(list lines, bytes name)
cpdef bytes first_of(list lines, bytes name)
