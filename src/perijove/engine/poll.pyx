"""Waiting for descriptors, copying between those that are joined, and the clock. Compiled form, for Linux; `poll.py` is its
twin, and says what each method promises.

Waits without the GIL, and leaves signals to the wake-up descriptor: no Python handler runs inside the loop.
"""

from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno
from libc.errno cimport EINTR, errno
from libc.stdlib cimport calloc, free, realloc
from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec
from posix.unistd cimport close as close_descriptor

from perijove.engine.buffer cimport Buffer

from perijove.engine import const

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
    ALWAYS = -1  # of `due`: whatever is copied is told

cdef Py_ssize_t AGAIN = const.AGAIN
cdef Py_ssize_t READ_SIZE = const.READ_SIZE
cdef int IN = const.IN
cdef int UNTOLD = <int>(const.UNTOLD * 10)


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
        self.now = clock()
        self.copied = False
        self.count = 0
        self.rest = Buffer()
        self._events_count = self._at = self._room = self._tenth = 0
        self._joints = NULL
        self._events = calloc(AT_ONCE, sizeof(epoll_event))
        self._epoll = epoll_create1(EPOLL_CLOEXEC)
        if self._epoll < 0 or self._events == NULL:
            PyErr_SetFromErrno(OSError)

    def __dealloc__(self):
        free(self._events)
        free(self._joints)
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
        self.part(fd)
        return self._control(EPOLL_CTL_DEL, fd, 0)

    cpdef int wait(self, double timeout) except -1:
        cdef int milliseconds = -1
        cdef int count
        cdef epoll_event *events = <epoll_event *>self._events
        if timeout >= 0:
            milliseconds = <int>(timeout * 1000 + 0.999)
        with nogil:
            count = epoll_wait(self._epoll, events, AT_ONCE, milliseconds)
        self.now = clock()
        self._tenth = <int>(self.now * 10)  # of a second: whole numbers take half the room
        self._at = 0
        if count < 0:
            self._events_count = 0
            if errno != EINTR:
                PyErr_SetFromErrno(OSError)
            PyErr_CheckSignals()
            return 0
        self._events_count = count
        return count

    cpdef bint next(self) except -1:
        cdef epoll_event *event
        cdef Joint *joint
        cdef Py_ssize_t count
        self.copied = False
        if self.rest.size():
            self.rest.clear()
        while self._at < self._events_count:
            event = <epoll_event *>self._events + self._at
            self._at += 1
            if <int>event.events == IN and event.data.fd < self._room and self._joints[event.data.fd].to >= 0:
                joint = self._joints + event.data.fd
                count = self.rest.relay(event.data.fd, joint.to, READ_SIZE)
                if count == AGAIN:
                    continue
                if count > 0:
                    joint.octets += count
                    if self._tenth < joint.due and self.rest.size() == 0:
                        continue
                    if joint.due != ALWAYS:
                        joint.due = self._tenth + UNTOLD
                    count = joint.octets
                    joint.octets = 0
                self.count = count
                self.copied = True
            self.fd = event.data.fd
            self.mask = <int>event.events
            return True
        return False

    cpdef int join(self, int fd, int other, bint always=False) except -1:
        cdef int most = fd if fd > other else other
        cdef int room
        cdef Joint *joints
        if fd < self._room and self._joints[fd].to == other:
            return 0
        if most >= self._room:
            room = most + most // 8 + 64
            joints = <Joint *>realloc(self._joints, room * sizeof(Joint))
            if joints == NULL:
                raise MemoryError
            self._joints = joints
            while self._room < room:
                joints[self._room].to = -1
                self._room += 1
        self._meet(fd, other, always)
        self._meet(other, fd, always)
        return 0

    cdef void _meet(self, int fd, int to, bint always) noexcept:
        self._joints[fd].to = to
        self._joints[fd].octets = 0
        self._joints[fd].due = ALWAYS if always else 0

    cpdef int part(self, int fd) except -1:
        cdef int other
        if 0 <= fd < self._room:
            other = self._joints[fd].to
            if other >= 0:
                self._joints[fd].to = self._joints[other].to = -1
        return 0

    cpdef Py_ssize_t untold(self, int fd) except -1:
        cdef Py_ssize_t octets = 0
        if 0 <= fd < self._room:
            octets = self._joints[fd].octets
            self._joints[fd].octets = 0
        return octets

    cpdef int close(self) except -1:
        if self._epoll >= 0:
            close_descriptor(self._epoll)
            self._epoll = -1
        return 0
