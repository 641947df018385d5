from perijove.engine.buffer cimport Buffer

from libc.string cimport memcpy

ctypedef unsigned long long Eight  # octets that are looked at together

cdef inline Eight eight(const void *text) noexcept:
    cdef Eight octets
    memcpy(&octets, text, 8)
    return octets

cdef inline bint has_below(Eight octets, Eight octet) noexcept:
    """Tell whether one of eight octets is below `octet` (128 at the most). A borrow can only come from one that is."""
    return (octets - octet * 0x0101010101010101ULL) & ~octets & 0x8080808080808080ULL != 0

cdef inline bint has(Eight octets, Eight octet) noexcept:
    """Tell whether `octet` is one of eight."""
    return has_below(octets ^ octet * 0x0101010101010101ULL, 1)

cdef struct Line:
    int start  # of the name; from the front of the message
    int name  # octets of the name
    int value  # where the value starts, white space cut off
    int value_size
    int end  # behind the line's CRLF
    int number

cdef class Limits:
    cdef public Py_ssize_t line, size, count, field, empty
    cdef public bint anywhere, encoded, clear

cdef class Head:
    cdef public Py_ssize_t size
    cdef public int minor
    cdef public long long length, declared
    cdef public unsigned long long repeats
    cdef public frozenset nominated
    cdef unsigned long long seen
    cdef Buffer source
    cdef Line *lines
    cdef int count, room
    cdef int at[64]
    cdef const char *front(self)
    cdef int _scan_fields(self, const char *data, Py_ssize_t at, Py_ssize_t end, Limits limits) except -1
    cpdef bytes field(self, int number)
    cpdef list values(self, int number)
    cpdef list named(self, bytes name)
    cpdef list items(self)
    cpdef bint has(self, int number) except -1
    cpdef bint has_all(self, unsigned long long numbers) except -1
    cpdef bint doubled(self) except -1
    cpdef bint lacks(self, unsigned long long numbers, frozenset names) except -1
    cdef int _connection(self) except -1
    cdef long long _length(self) except -9999
    cdef bytes _value(self, int line)
    cdef bint _is(self, int line, const char *text, int size) except -1
    cdef int _write(self, Buffer out, unsigned long long drop, frozenset names, bytes tail) except -1

cpdef Py_ssize_t place(bytes text, int octet) except -9999
cpdef bytes cut(bytes text, Py_ssize_t start, Py_ssize_t end)
cpdef bytes content_length(long long size)
cpdef bint consists(bytes text, bytes octets) except -1

cdef class RequestHead(Head):
    cdef public bytes method, target, path, host, asked
    cdef public bint keep_alive, upgrade, expect, absolute, tidy
    cpdef int scan(self, Buffer source, Limits limits) except -1
    cdef bint _is_handshake(self) except -1
    cdef int _other_form(self, bytes target, Limits limits) except -1
    cpdef int write(self, Buffer out, bytes target, unsigned long long drop, frozenset names, bytes tail, bytes front=*) except -1

cdef class ResponseHead(Head):
    cdef public int status
    cdef public bytes reason
    cdef public bint keep_alive, upgrade
    cpdef int scan(self, Buffer source, Limits limits, bint to_head) except -1
    cpdef bint compact(self, int number) except -1
    cpdef bytes dated(self, bytes date)
    cpdef int write(self, Buffer out, unsigned long long drop, frozenset names, bytes tail, bytes front=*) except -1
