cimport cython

from perijove.engine.reactor cimport Endpoint

cdef Py_ssize_t AGAIN, READ_SIZE
cdef int IN, OUT, OPEN, ENDED, FAILED

@cython.locals(count=Py_ssize_t, left=Py_ssize_t)
cpdef int relay(Endpoint source, Endpoint to) except -1
@cython.locals(left=Py_ssize_t)
cpdef int drained(Endpoint to, Endpoint source, bint ended) except -1
cpdef void half_close(Endpoint to) except *
