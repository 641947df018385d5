cimport cython

from perijove.engine.head cimport RequestHead

cdef class Target:
    cdef public bytes prefix
    cdef public str url
    cdef public int activity
    cdef public object upstream

cdef class Routes:
    cdef public dict targets
    cdef public int deepest
    cdef public list users
    cdef dict _depths
    cpdef Target put(self, Target target)
    cpdef Target remove(self, bytes prefix)
    @cython.locals(at=Py_ssize_t, found=Target, targets=dict)
    cpdef Target find(self, bytes path)

cdef class Dynamic:
    cdef public Routes routes
    cdef public object pattern, missing, bad, make
    cdef public bint by_host
    cdef public dict plans
    @cython.locals(path=bytes, at=Py_ssize_t, before=bytes, plain=bytes, target=Target)
    cpdef object plan(self, RequestHead head)
