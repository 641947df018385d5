cimport cython

from perijove.engine.buffer cimport Buffer
from perijove.engine.poll cimport Poller, clock
from perijove.engine.tls cimport Layer

cdef Buffer _NOTHING
cdef int ERR, IN, OUT
cdef double _TICK, _GATHER, _PATIENCE
cdef Py_ssize_t _MANY_LINES

cdef class Endpoint:
    cdef public Reactor reactor
    cdef public int fd, interest, mask
    cdef public object sock
    cdef public Layer tls
    cdef public Buffer inbuf, outbuf
    cdef public double deadline
    cdef public long long tick, born
    cdef public bint again, closed, muted
    cpdef void hold(self, int fd, int interest) except *
    cpdef void attach(self, object sock, int interest) except *
    cpdef void lighten(self) except *
    cpdef object socket(self)
    cpdef void probe(self) except *
    cpdef void want(self, int interest) except *
    cpdef void until(self, double seconds) except *
    cpdef Py_ssize_t recv(self, Buffer into, Py_ssize_t size) except -9999
    cpdef Py_ssize_t flush(self) except -9999
    cpdef void close(self) except *
    cpdef void reset(self) except *
    cpdef void on_event(self, int mask) except *
    cpdef void on_copied(self, Py_ssize_t count, Buffer rest) except *
    cpdef void on_timeout(self) except *
    cpdef void on_hangup(self, int mask) except *
    cpdef void on_lost(self) except *
    cpdef void on_fault(self) except *

cdef class Log:
    cdef public list lines
    cdef public double due
    cpdef void flush(self) except *

cdef class Reactor:
    cdef public Poller poller
    cdef public list table
    cdef public double now, attended
    cdef public bint running, draining
    cdef public long long round
    cdef public Log log
    cdef public Endpoint urgent
    cdef public bint took_long
    cdef dict _wheel
    cdef long long _next_tick
    cdef list _again
    cdef bytes _date
    cdef long long _date_second
    cpdef bytes date(self)
    cpdef void add(self, Endpoint endpoint, int mask) except *
    cpdef void forget(self, Endpoint endpoint) except *
    cpdef void again(self, Endpoint endpoint) except *
    cpdef void schedule(self, Endpoint endpoint) except *
    @cython.locals(slot=set)
    cpdef void unschedule(self, Endpoint endpoint) except *
    @cython.locals(endpoint=Endpoint, timeout=double, log=Log)
    cpdef void turn(self, double longest) except *
    @cython.locals(endpoint=Endpoint, now=double)
    cdef void _attend(self) except *
    @cython.locals(endpoint=Endpoint, tick=cython.longlong, key=object)
    cdef void _expire(self) except *
    cdef void _failed(self, Endpoint endpoint) except *

cdef class Wakeup(Endpoint):
    cdef public object heard, writer
    cpdef void wake(self) except *
