cimport cython

from perijove.engine.client cimport Client
from perijove.engine.exchange cimport Exchange
from perijove.engine.head cimport RequestHead
from perijove.engine.line cimport combined, may_hide, shortened
from perijove.engine.poll cimport wall
from perijove.engine.reactor cimport Endpoint
from perijove.engine.site cimport Recorder

cdef int _REFERER, _USER_AGENT
cdef Py_ssize_t ALL
cdef frozenset _SECRET

cdef bytes _shown(bytes url)

cdef class Record(Recorder):
    cdef public object sink
    cdef public long long dropped
    cdef Py_ssize_t _most
    cdef long long _second
    cdef bytes _stamp
    @cython.locals(line=bytes)
    cpdef void finish(self, Endpoint client) except *
    @cython.locals(one=Client)
    cpdef void begin(self, Endpoint client, RequestHead head) except *
    cdef bytes _shorter(self, Client client)
    cpdef bytes line(self, Client client, Py_ssize_t most)
    cpdef void flush(self) except *

cdef class Combined(Record):
    @cython.locals(exchange=Exchange, now=cython.double)
    cpdef bytes line(self, Client client, Py_ssize_t most)

cdef class Json(Record):
    @cython.locals(exchange=Exchange, clock=cython.double, now=cython.double)
    cpdef bytes line(self, Client client, Py_ssize_t most)
