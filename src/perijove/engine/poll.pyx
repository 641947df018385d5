"""Waiting for descriptors, and the clock. Compiled form, for Linux; `poll.py` is its twin, and says what each method promises.

Waits without the GIL, and leaves signals to the wake-up descriptor: no Python handler runs inside the loop.
"""

from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno
from libc.errno cimport EINTR, errno
from libc.stdlib cimport calloc, free
from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec
from posix.unistd cimport close as close_descriptor

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        int fd
    struct epoll_event:
        unsigned int events
        epoll_data_t data
    int EPOLL_CTL_ADD
    int EPOLL_CTL_MOD
    int EPOLL_CTL_DEL
    int EPOLL_CLOEXEC
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int fd, epoll_event *event)
    int epoll_wait(int epoll, epoll_event *events, int most, int timeout)

cdef enum:
    AT_ONCE = 512


cpdef double clock() except -1:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec + now.tv_nsec * 1e-9


cpdef double wall() except -1:
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec + now.tv_nsec * 1e-9


cdef class Poller:
    def __cinit__(self):
        self.fd = -1
        self.mask = 0
        self._count = self._at = 0
        self._events = calloc(AT_ONCE, sizeof(epoll_event))
        self._epoll = epoll_create1(EPOLL_CLOEXEC)
        if self._epoll < 0 or self._events == NULL:
            PyErr_SetFromErrno(OSError)

    def __dealloc__(self):
        free(self._events)
        if self._epoll >= 0:
            close_descriptor(self._epoll)

    cdef int _control(self, int operation, int fd, int mask) except -1:
        cdef epoll_event event
        event.events = mask
        event.data.fd = fd
        if epoll_ctl(self._epoll, operation, fd, &event) < 0:
            PyErr_SetFromErrno(OSError)
        return 0

    cpdef int add(self, int fd, int mask) except -1:
        return self._control(EPOLL_CTL_ADD, fd, mask)

    cpdef int change(self, int fd, int mask) except -1:
        return self._control(EPOLL_CTL_MOD, fd, mask)

    cpdef int remove(self, int fd) except -1:
        return self._control(EPOLL_CTL_DEL, fd, 0)

    cpdef int wait(self, double timeout) except -1:
        cdef int milliseconds = -1
        cdef int count
        cdef epoll_event *events = <epoll_event *>self._events
        if timeout >= 0:
            milliseconds = <int>(timeout * 1000 + 0.999)
        with nogil:
            count = epoll_wait(self._epoll, events, AT_ONCE, milliseconds)
        self._at = 0
        if count < 0:
            self._count = 0
            if errno != EINTR:
                PyErr_SetFromErrno(OSError)
            PyErr_CheckSignals()
            return 0
        self._count = count
        return count

    cpdef bint next(self) except -1:
        cdef epoll_event *events = <epoll_event *>self._events
        if self._at >= self._count:
            return False
        self.fd = events[self._at].data.fd
        self.mask = <int>events[self._at].events
        self._at += 1
        return True

    cpdef int close(self) except -1:
        if self._epoll >= 0:
            close_descriptor(self._epoll)
            self._epoll = -1
        return 0
