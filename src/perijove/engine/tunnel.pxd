cimport cython

from perijove.engine.buffer cimport Buffer
from perijove.engine.reactor cimport Endpoint

cdef Py_ssize_t AGAIN, NOT_TAKEN, READ_SIZE
cdef Buffer _rest
cdef int IN, OUT, OPEN, ENDED, FAILED, NO_TAKER

@cython.locals(count=Py_ssize_t, left=Py_ssize_t)
cpdef Py_ssize_t relay(Endpoint source, Endpoint to) except -9999
@cython.locals(left=Py_ssize_t)
cpdef Py_ssize_t copied(Endpoint source, Endpoint to, Py_ssize_t count, Buffer rest) except -9999
cdef Py_ssize_t _answer(Endpoint source, Endpoint to, Py_ssize_t count, Py_ssize_t left) except -9999
@cython.locals(left=Py_ssize_t)
cpdef int drained(Endpoint to, Endpoint source, bint ended) except -9999
cpdef void join(Endpoint one, Endpoint other, bint always) except *
cpdef void half_close(Endpoint to) except *
