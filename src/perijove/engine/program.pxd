cimport cython

from perijove.engine.changes cimport Select
from perijove.engine.conditions cimport Test
from perijove.engine.head cimport RequestHead
from perijove.engine.peer cimport Peer
from perijove.engine.state cimport Action, State, decoded

cdef class Step:
    cdef public Action action
    cdef public int matched
    cdef public int missed
    cdef public int number, without
    cdef public Test test
    cdef public unsigned long long needs

@cython.locals(head=RequestHead)
cdef bint _lacks(Step step, State state) except -1

cdef class Choice:
    cdef public int status
    cdef public bytes form
    cdef public object upstream, selected, plan
    cdef public tuple settings

cdef class Program:
    cdef public list steps, brief, edits, asked
    cdef public bint timed
    cdef public tuple settings
    cdef public object chosen
    cdef public object make
    cdef public int slashes
    cdef public bint merge, forwards
    cdef public tuple undecoded
    cdef public bytes undecoded_note, allow
    cdef public Test own
    cdef dict _plans
    cdef Choice _last
    @cython.locals(state=State, path=object, step=Step)
    cpdef State run(self, RequestHead head, Peer peer, list trace=*, dict notes=*)
    cpdef State refuse(self, RequestHead head, Peer peer, int status)
    @cython.locals(step=Step)
    cdef void _select(self, State state) except *
    @cython.locals(at=cython.int, count=cython.int, size=cython.int, step=Step, holds=cython.bint, lacks=cython.bint)
    @cython.locals(seen=State)
    cdef void _decide(self, list steps, State state, list trace, bint stop) except *
    @cython.locals(path=bytes)
    cdef bytes _undecoded(self, State state)
    @cython.locals(status=cython.int, last=Choice, choice=Choice)
    cdef object _plan(self, State state)
