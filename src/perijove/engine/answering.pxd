cimport cython

from perijove.engine.arrival cimport Arrival
from perijove.engine.exchange cimport Exchange
from perijove.engine.head cimport RequestHead
from perijove.engine.plan cimport Plan
from perijove.engine.reactor cimport Endpoint
from perijove.engine.replies cimport Reply
from perijove.engine.site cimport Site
from perijove.engine.tunnel cimport half_close
from perijove.engine.upstream cimport UpstreamConnection

cdef int CLIENT_GONE, DENIED, DONE, IN, OUT
cdef int FIRST_ROUTE
cdef Py_ssize_t _HOST
cdef int HEAD, ACTIVE, TUNNELLING, CLOSING, LINGER

cdef class Answering(Arrival):
    cdef public UpstreamConnection upstream
    cdef public bint head_begun, buffered
    cdef public Py_ssize_t head_size
    cdef public bytes replay, accept, referer, agent
    cdef void _tell_if_last(self) except *
    @cython.locals(exchange=Exchange)
    cdef void _let_go(self) except *
    cdef void _after_answer(self, Py_ssize_t left) except *
    cdef void _await_request(self) except *
    cdef void _written(self) except *
    cdef void _finished(self) except *
    cdef void _touch(self) except *
    cdef void _vanished(self) except *
    cdef void _abort(self, int why) except *
    cdef void _release(self) except *
    cdef void _give_up(self, int status, int why) except *
    @cython.locals(exchange=Exchange, site=Site, reply=Reply)
    cpdef void refuse(self, int status, int why=*, int wait=*) except *
    cdef void _send(self, RequestHead head, Plan plan) except *
    cdef void _respond(self, Plan plan, RequestHead head) except *
    @cython.locals(path=bytes)
    cdef void _serve_file(self, Plan plan, RequestHead head) except *
    @cython.locals(left=Py_ssize_t)
    cdef void _answer(self, Reply reply) except *
