cimport cython

from perijove.engine.head cimport consists
from perijove.engine.state cimport Action, State, encoded, encoded_but_slashes
from perijove.engine.texts cimport Text

cdef bytes _IS_TARGET

cdef class Forward(Action):
    cdef public int encoding
    cdef public bint whole
    cdef public bytes origin, absolute
    cdef public Text path
    cdef public object upstream
    @cython.locals(path=bytes, target=bytes, spelt=bytes)
    cpdef bint act(self, State state) except -1

cdef class Anywhere(Action):
    cdef public int encoding
    cdef public bint whole
    cdef public object find
    cdef public Text url
    cpdef bint act(self, State state) except -1

cdef class ForwardAsked(Action):
    cdef public object find, by
    cpdef bint act(self, State state) except -1

cdef class Bar(Action):
    cdef public object find
    cdef public Finish refuse
    cpdef bint act(self, State state) except -1

cdef class Finish(Action):
    cdef public Text location
    cdef public bytes phrase
    cdef public int status
    cdef public bint anew
    cpdef bint act(self, State state) except -1

cdef class ServeTree(Action):
    cdef public Text path
    cdef public object tree
    cpdef bint act(self, State state) except -1

cdef class Answer(Action):
    cdef public object plan
    cpdef bint act(self, State state) except -1

cdef class Authenticate(Action):
    cdef public bytes challenge
    cdef public object right
    cpdef bint act(self, State state) except -1

@cython.locals(octet=cython.uchar)
cdef bytes _spelt(bytes path, int encoding)
