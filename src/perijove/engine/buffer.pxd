cdef class Buffer:
    cdef char *ptr
    cdef Py_ssize_t start, end, capacity
    cpdef Py_ssize_t size(self) except -1
    cpdef int append(self, bytes data) except -1
    cpdef bytes peek(self, Py_ssize_t size)
    cpdef int drop(self, Py_ssize_t size) except -1
    cpdef int move(self, Buffer to, Py_ssize_t size) except -1
    cpdef int clear(self) except -1
    cpdef bytes copy(self)
    cpdef Py_ssize_t recv(self, int fd, Py_ssize_t size) except -9999
    cpdef Py_ssize_t send(self, int fd) except -9999
    cpdef Py_ssize_t relay(self, int source, int to, Py_ssize_t size) except -9999
    cpdef Py_ssize_t decrypt(self, object connection, Py_ssize_t size) except -9999
    cpdef Py_ssize_t encrypt(self, object connection, Py_ssize_t at, Py_ssize_t size) except -9999
    cdef int reserve(self, Py_ssize_t size) except -1
    cdef int put(self, const char *data, Py_ssize_t size) except -1

cpdef object take(int fd, Py_ssize_t size)
cpdef Py_ssize_t give(int fd, bytes data) except -9999
