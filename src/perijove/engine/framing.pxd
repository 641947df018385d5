from perijove.engine.buffer cimport Buffer

cdef int MORE, FOUND, BROKEN
cdef int _SIZE, _DATA, _DATA_END, _TRAILER, _END
cdef Py_ssize_t _SIZE_LINE, _TRAILERS

cdef class Chunked:
    cdef public int state
    cdef public long long left, count
    cdef public list trailers
    cdef public bint passes
    cdef public Py_ssize_t trailers_size
    cpdef int pump(self, Buffer source, Buffer out, bint chunked) except -9
    cdef bint _line(self, bytes line) except -1
