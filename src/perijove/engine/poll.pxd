
cpdef double clock() except -1
cpdef double wall() except -1

cdef class Poller:
    cdef public int fd, mask
    cdef int _epoll, _count, _at
    cdef void *_events
    cdef int _control(self, int operation, int fd, int mask) except -1
    cpdef int add(self, int fd, int mask) except -1
    cpdef int change(self, int fd, int mask) except -1
    cpdef int remove(self, int fd) except -1
    cpdef int wait(self, double timeout) except -1
    cpdef bint next(self) except -1
    cpdef int close(self) except -1
