"""A queue of bytes that can be filled from and drained to a descriptor. Compiled form; `buffer.py` is its twin,
and says what each method promises.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.buffer cimport PyBUF_READ
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove

import ssl

from perijove.engine import const

cdef extern from "<sys/socket.h>" nogil:
    enum: MSG_NOSIGNAL
    ssize_t c_recv "recv" (int fd, void *into, size_t size, int flags)
    ssize_t c_send "send" (int fd, const void *data, size_t size, int flags)

cdef extern from *:
    const int CYTHON_HEX_VERSION

COMPILER = f"Cython {CYTHON_HEX_VERSION >> 24}.{CYTHON_HEX_VERSION >> 16 & 255}.{CYTHON_HEX_VERSION >> 8 & 255}"

cdef Py_ssize_t AGAIN = const.AGAIN
cdef Py_ssize_t TLS_FAILED = const.TLS_FAILED
cdef Py_ssize_t NOT_TAKEN = const.NOT_TAKEN
cdef Py_ssize_t SCRATCH = const.READ_SIZE
cdef Py_ssize_t GIVE_AWAY = 16384  # a read of at least this much is handed over instead of being copied
cdef object WantRead = ssl.SSLWantReadError
cdef object TLSError = ssl.SSLError

cdef Py_ssize_t RECORD = const.RECORD
cdef bytearray record = bytearray(RECORD)

cdef char *scratch = <char *>malloc(SCRATCH)


cdef class Buffer:
    def __cinit__(self):
        self.ptr = NULL
        self.start = self.end = self.capacity = 0

    def __dealloc__(self):
        if self.ptr != NULL:
            free(self.ptr)

    cpdef Py_ssize_t size(self) except -1:
        return self.end - self.start

    cdef int reserve(self, Py_ssize_t size) except -1:
        """Make room for `size` more bytes after `end`."""
        cdef Py_ssize_t held = self.end - self.start
        cdef Py_ssize_t capacity
        cdef char *ptr
        if self.capacity - self.end >= size:
            return 0
        if self.start and self.capacity - held >= size:
            memmove(self.ptr, self.ptr + self.start, held)
            self.start = 0
            self.end = held
            return 0
        capacity = held + size
        if held:
            capacity += capacity >> 1
        capacity = (capacity + 511) & ~511
        ptr = <char *>malloc(capacity)
        if ptr == NULL:
            raise MemoryError
        if held:
            memcpy(ptr, self.ptr + self.start, held)
        if self.ptr != NULL:
            free(self.ptr)
        self.ptr = ptr
        self.start = 0
        self.end = held
        self.capacity = capacity
        return 0

    cdef int put(self, const char *data, Py_ssize_t size) except -1:
        if size:
            self.reserve(size)
            memcpy(self.ptr + self.end, data, size)
            self.end += size
        return 0

    cpdef int append(self, bytes data) except -1:
        return self.put(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    cpdef bytes peek(self, Py_ssize_t size):
        if size > self.end - self.start:
            size = self.end - self.start
        return PyBytes_FromStringAndSize(self.ptr + self.start, size) if size else b""

    cpdef int drop(self, Py_ssize_t size) except -1:
        self.start += size
        if self.start >= self.end:
            self.clear()
        return 0

    cpdef int move(self, Buffer to, Py_ssize_t size) except -1:
        if to.ptr == NULL and size == self.end - self.start:
            to.ptr, self.ptr = self.ptr, NULL
            to.start, to.end, to.capacity = self.start, self.end, self.capacity
            self.start = self.end = self.capacity = 0
            return 0
        to.put(self.ptr + self.start, size)
        return self.drop(size)

    cpdef int clear(self) except -1:
        if self.ptr != NULL:
            free(self.ptr)
            self.ptr = NULL
        self.start = self.end = self.capacity = 0
        return 0

    cpdef bytes copy(self):
        return self.peek(self.end - self.start)

    cpdef Py_ssize_t recv(self, int fd, Py_ssize_t size) except -9999:
        global scratch
        cdef Py_ssize_t count
        cdef char *fresh
        if size > SCRATCH:
            size = SCRATCH
        while True:
            count = c_recv(fd, scratch, size, 0)
            if count >= 0:
                break
            if errno == EAGAIN:
                return AGAIN
            if errno != EINTR:
                return -errno
        if count >= GIVE_AWAY and self.ptr == NULL:
            fresh = <char *>malloc(SCRATCH)
            if fresh != NULL:
                self.ptr = scratch
                self.capacity = SCRATCH
                self.start = 0
                self.end = count
                scratch = fresh
                return count
        self.put(scratch, count)
        return count

    cpdef Py_ssize_t send(self, int fd) except -9999:
        cdef Py_ssize_t count
        cdef Py_ssize_t left
        cdef char *ptr
        while True:
            count = c_send(fd, self.ptr + self.start, self.end - self.start, MSG_NOSIGNAL)
            if count >= 0:
                break
            if errno == EAGAIN:
                return self.end - self.start
            if errno != EINTR:
                return -errno
        self.start += count
        left = self.end - self.start
        if left == 0:
            self.clear()
        elif self.start > GIVE_AWAY:  # let go of what has been written: a slow reader must not pin it
            memmove(self.ptr, self.ptr + self.start, left)
            self.start = 0
            self.end = left
            ptr = <char *>realloc(self.ptr, left)
            if ptr != NULL:
                self.ptr = ptr
                self.capacity = left
        return left

    cpdef Py_ssize_t relay(self, int source, int to, Py_ssize_t size) except -9999:
        cdef Py_ssize_t count
        cdef Py_ssize_t taken
        if size > SCRATCH:
            size = SCRATCH
        while True:
            count = c_recv(source, scratch, size, 0)
            if count > 0:
                break
            if count == 0:
                return 0
            if errno == EAGAIN:
                return AGAIN
            if errno != EINTR:
                return -errno
        while True:
            taken = c_send(to, scratch, count, MSG_NOSIGNAL)
            if taken >= 0:
                break
            if errno == EAGAIN:
                taken = 0
                break
            if errno != EINTR:
                return NOT_TAKEN
        if taken < count:
            self.put(scratch + taken, count - taken)
        return count

    cpdef Py_ssize_t decrypt(self, object connection, Py_ssize_t size) except -9999:
        cdef Py_ssize_t count
        try:  # not without `record`: that makes an object of 16 KiB to be cut
            count = connection.read(size if size < RECORD else RECORD, record)
        except WantRead:
            return AGAIN
        except TLSError:
            return TLS_FAILED
        self.put(PyByteArray_AS_STRING(record), count)
        return count

    cpdef Py_ssize_t encrypt(self, object connection, Py_ssize_t at, Py_ssize_t size) except -9999:
        if size > self.end - self.start - at:
            size = self.end - self.start - at
        try:
            return connection.write(PyMemoryView_FromMemory(self.ptr + self.start + at, size, PyBUF_READ))
        except TLSError:
            return TLS_FAILED


cpdef object take(int fd, Py_ssize_t size):
    cdef Py_ssize_t count
    if size > SCRATCH:
        size = SCRATCH
    while True:
        count = c_recv(fd, scratch, size, 0)
        if count >= 0:
            return PyBytes_FromStringAndSize(scratch, count)
        if errno == EAGAIN:
            return AGAIN
        if errno != EINTR:
            return -errno


cpdef Py_ssize_t give(int fd, bytes data) except -9999:
    cdef Py_ssize_t count
    while True:
        count = c_send(fd, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), MSG_NOSIGNAL)
        if count >= 0:
            return count
        if errno == EAGAIN:
            return AGAIN
        if errno != EINTR:
            return -errno
