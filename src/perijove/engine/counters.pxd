cimport cython

cdef int CONNECTIONS, CONNECTIONS_ENDED, TUNNELS, TUNNELS_ENDED, RECEIVED, SENT, BY_CLASS, SECONDS, BUCKETS, LAST_ACTIVITY
cdef int FIRST_STATUS, STATUSES, TOUCHED, FIRST_UPSTREAM, OPENED, OPENED_ENDED, UPSTREAM, UPSTREAMS

cdef class Counters:
    cdef long long[::1] slots
    cdef public int detailed
    cdef tuple _bounds
    cpdef void add(self, int number, long long count) except *
    cpdef void touch(self, int number, double now) except *
    cpdef void note(self, int number, long long value) except *
    @cython.locals(bucket=cython.int, bound=cython.double)
    cpdef void finish(self, int route, int status, long long received, long long sent, double now, double seconds) except *
