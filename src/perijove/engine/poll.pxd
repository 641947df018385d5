
from perijove.engine.buffer cimport Buffer

cdef Py_ssize_t AGAIN, READ_SIZE
cdef int IN

cpdef double clock() except -1
cpdef double wall() except -1

cdef struct Joint:
    Py_ssize_t octets
    int to
    int due

cdef class Poller:
    cdef public int fd, mask
    cdef public double now
    cdef public bint copied
    cdef public Py_ssize_t count
    cdef public Buffer rest
    cdef int _epoll, _events_count, _at, _room, _tenth
    cdef void *_events
    cdef Joint *_joints
    cdef int _control(self, int operation, int fd, int mask) except -1
    cpdef int add(self, int fd, int mask) except -1
    cpdef int change(self, int fd, int mask) except -1
    cpdef int remove(self, int fd) except -1
    cpdef int wait(self, double timeout) except -1
    cpdef bint next(self) except -1
    cpdef int join(self, int fd, int other, bint always=*) except -1
    cpdef int part(self, int fd) except -1
    cdef void _meet(self, int fd, int to, bint always) noexcept
    cpdef Py_ssize_t untold(self, int fd) except -1
    cpdef int close(self) except -1
