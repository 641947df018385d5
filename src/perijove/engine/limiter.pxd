cimport cython

cdef Py_ssize_t _WIDTH, _ROWS, _FRONT, _SECRET, _TABLE, _PART, _KEPT
cdef double _SLACK

cdef class Limiter:
    cdef public int connections, per_client, tunnels
    cdef public bytes word
    cdef public double interval, tolerance
    cdef int[::1] _counts
    cdef double[::1] _rates
    cdef object _hash
    cdef dict _known
    cdef Py_ssize_t _own, _workers
    cpdef void admit(self, double rate, int burst) except *
    cpdef tuple spot(self, bytes kind, bytes name)
    cpdef void opened(self) except *
    @cython.locals(at=Py_ssize_t)
    cpdef void ended(self) except *
    @cython.locals(at=Py_ssize_t, total=cython.longlong)
    cpdef bint full(self) except -1
    @cython.locals(at=Py_ssize_t)
    cpdef void add(self, tuple spot) except *
    @cython.locals(at=Py_ssize_t)
    cpdef void remove(self, tuple spot) except *
    @cython.locals(at=Py_ssize_t, first=Py_ssize_t, second=Py_ssize_t, third=Py_ssize_t, fourth=Py_ssize_t)
    @cython.locals(one=cython.longlong, two=cython.longlong, three=cython.longlong, four=cython.longlong)
    cpdef long long count(self, tuple spot) except -1
    @cython.locals(at=Py_ssize_t, first=Py_ssize_t, second=Py_ssize_t, third=Py_ssize_t, fourth=Py_ssize_t)
    @cython.locals(due=double, other=double, latest=double, interval=double, wait=double)
    cpdef double take(self, tuple spot, double now) except -1.0
