cimport cython

cdef int _STEPS, _DEEPEST, _ROOM
cdef int FOUND, OCTET, JUMP, SPLIT, OPEN, CLOSE, ENTER, AGAIN, AGAIN_LAZY, START, END, BOUNDARY, BACK, BACK_NOCASE, KEEP, MARK, CUT
cdef int RETURN, NOT, FAIL_TO, STEP_BACK

@cython.final
cdef class Found:
    cdef bytes _subject
    cdef int[::1] _spans
    cdef readonly Machine re
    cpdef object group(self, int number=*)
    cpdef int start(self, int number=*) except? -2
    cpdef int end(self, int number=*) except? -2
    cpdef tuple span(self, int number=*)

@cython.final
cdef class Machine:
    cdef readonly int groups, gave_up
    cdef readonly long long steps
    cdef int[::1] _ops, _x, _y, _memo, _flag_at, _flags, _stack
    cdef bytes _sets, _first
    cdef int _rows, _numbers, _room
    cdef bint _anchored
    @cython.locals(length=cython.Py_ssize_t, start=cython.Py_ssize_t, numbers=cython.int[::1], seen=bytearray, first=bytes, rows=cython.Py_ssize_t,
                   result=cython.int)
    cpdef object search(self, bytes subject)
    @cython.locals(more=cython.int[::1])
    cdef int _grow(self, int height) except -1
    @cython.locals(ops=cython.int[::1], x=cython.int[::1], y=cython.int[::1], sets="const unsigned char *", memo=cython.int[::1],
                   flag_at=cython.int[::1], flags=cython.int[::1], stack=cython.int[::1], at=cython.int, pc=cython.int,
                   height=cython.int, opened=cython.int, rounds=cython.int, marks=cython.int, steps=cython.longlong, op=cython.int,
                   ok=cython.bint, row=cython.Py_ssize_t, flag=cython.int, weight=cython.int, bit=cython.Py_ssize_t, slot=cython.int,
                   begin=cython.int, size=cython.int, offset=cython.int, one=cython.int, other=cython.int, low=cython.int,
                   each=cython.int)
    cdef int _run(self, const unsigned char *subject, int length, int start, int[::1] numbers, unsigned char *seen) except -2

cdef bint _is_word(int octet) noexcept
cdef int _lower(int octet) noexcept
