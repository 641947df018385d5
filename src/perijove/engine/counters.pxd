cimport cython

cdef int CONNECTIONS, CONNECTIONS_ENDED, TUNNELS, TUNNELS_ENDED, RECEIVED, SENT, BY_CLASS, SECONDS, BUCKETS

cdef class Counters:
    cdef long long[::1] slots
    cdef tuple _bounds
    cpdef void add(self, int number, long long count) except *
    @cython.locals(bucket=cython.int, bound=cython.double)
    cpdef void finish(self, int status, long long received, long long sent, double seconds) except *
