cimport cython

from perijove.engine.conditions cimport Test
from perijove.engine.edits cimport edit_request
from perijove.engine.head cimport RequestHead
from perijove.engine.head cimport consists
from perijove.engine.peer cimport Peer
from perijove.engine.state cimport State, decoded, encoded, encoded_but_slashes
from perijove.engine.texts cimport Text

cdef bytes _IS_TARGET

cdef class Action:
    cpdef bint act(self, State state) except -1

cdef class Step:
    cdef public Action action
    cdef public int matched
    cdef public int missed
    cdef public int number, without
    cdef public Test test
    cdef public unsigned long long needs

cdef class Forward(Action):
    cdef public int encoding
    cdef public bint whole
    cdef public bytes origin, absolute
    cdef public Text path
    cdef public object upstream
    @cython.locals(path=bytes, target=bytes, spelt=bytes)
    cpdef bint act(self, State state) except -1

cdef class Anywhere(Action):
    cdef public int encoding
    cdef public bint whole
    cdef public object find
    cdef public Text url
    cpdef bint act(self, State state) except -1

cdef class ForwardAsked(Action):
    cdef public object find, by
    cpdef bint act(self, State state) except -1

cdef class Finish(Action):
    cdef public Text location
    cdef public bytes phrase
    cdef public int status
    cpdef bint act(self, State state) except -1

cdef class ServeTree(Action):
    cdef public Text path
    cdef public object tree
    cpdef bint act(self, State state) except -1

cdef class Answer(Action):
    cdef public object plan
    cpdef bint act(self, State state) except -1

cdef class Authenticate(Action):
    cdef public bytes challenge
    cdef public object right
    cpdef bint act(self, State state) except -1

cdef class SetNote(Action):
    cdef public bytes name
    cdef public Text value
    cpdef bint act(self, State state) except -1

cdef class UnsetNote(Action):
    cdef public bytes name
    cpdef bint act(self, State state) except -1

cdef class Set(Action):
    cdef public int number
    cdef public object value
    cdef dict _after
    cdef tuple _last, _made
    @cython.locals(before=tuple, after=tuple, found=tuple)
    cpdef bint act(self, State state) except -1

cdef class SetMore(Set):
    @cython.locals(before=tuple, after=tuple, found=tuple)
    cpdef bint act(self, State state) except -1

cdef class Select(Action):
    cdef public object bit
    cpdef bint act(self, State state) except -1

cdef class EditNow(Action):
    cdef public tuple operations
    cpdef bint act(self, State state) except -1

cdef class TrustField(Action):
    cdef public bytes name, lower, passed
    cdef public tuple networks, inside
    cpdef bint act(self, State state) except -1

cdef class Hold(Action):
    cdef public Text made
    @cython.locals(held=bytes)
    cpdef bint act(self, State state) except -1

cdef class SplitQuery(Action):
    cdef public bint append, discard, last
    @cython.locals(held=bytes, query=bytes, at=Py_ssize_t)
    cpdef bint act(self, State state) except -1

cdef class Count(Action):
    cdef public bytes what
    cdef public int most
    cpdef bint act(self, State state) except -1

cdef class Withdraw(Action):
    cpdef bint act(self, State state) except -1

@cython.locals(octet=cython.uchar)
cdef bytes _spelt(bytes path, int encoding)

cdef class Rewrite(Action):
    cdef public str handling
    cdef public Text path
    cdef public Text query
    cpdef bint act(self, State state) except -1

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
