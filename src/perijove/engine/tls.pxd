cimport cython

from perijove.engine.buffer cimport Buffer, give, take

cdef Py_ssize_t AGAIN, FOUND, PLAIN, RECORD, TLS_FAILED, WANT_WRITE, _AT_ONCE, _ENCRYPTED, _LIGHT
cdef object _WantRead, _Failed

cdef class Layer:
    cdef public object connection
    cdef object _incoming, _outgoing
    cdef public bint last
    cdef bint _client, _told, _shaken, _fresh, _ended
    cdef bytes _unsent
    cdef Py_ssize_t _owed, _piece, _room
    @cython.locals(left=Py_ssize_t, count=Py_ssize_t)
    cpdef Py_ssize_t handshake(self, int fd) except -9999
    @cython.locals(count=Py_ssize_t)
    cpdef Py_ssize_t recv(self, int fd, Buffer into, Py_ssize_t size) except -9999
    cpdef bint pending(self) except -1
    @cython.locals(left=Py_ssize_t, count=Py_ssize_t)
    cpdef Py_ssize_t send(self, int fd, Buffer data) except -9999
    cpdef void end(self, int fd) except *
    cpdef void lighten(self) except *
    @cython.locals(size=Py_ssize_t, done=Py_ssize_t, count=Py_ssize_t)
    cdef Py_ssize_t _encrypt(self, Buffer data) except -9999
    cdef void _close(self) except *
    @cython.locals(room=Py_ssize_t)
    cdef Py_ssize_t _fill(self, int fd) except -9999
    @cython.locals(count=Py_ssize_t, data=bytes)
    cdef Py_ssize_t _drain(self, int fd) except -9999
