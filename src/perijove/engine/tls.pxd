from perijove.engine.buffer cimport Buffer, give, take

cdef Py_ssize_t AGAIN, FOUND, PLAIN, TLS_FAILED, WANT_WRITE, _RECORD
cdef object _WantRead, _Failed

cdef class Layer:
    cdef public object connection
    cdef object _incoming, _outgoing
    cdef public bint last
    cdef bint _client, _told, _shaken, _fresh, _ended
    cdef bytes _unsent
    cdef Py_ssize_t _owed
    cpdef Py_ssize_t handshake(self, int fd) except -9999
    cpdef Py_ssize_t recv(self, int fd, Buffer into, Py_ssize_t size) except -9999
    cpdef bint pending(self) except -1
    cpdef Py_ssize_t send(self, int fd, Buffer data) except -9999
    cpdef void end(self, int fd) except *
    cdef void _close(self) except *
    cdef Py_ssize_t _fill(self, int fd) except -9999
    cdef Py_ssize_t _drain(self, int fd) except -9999
