cimport cython

from perijove.engine.state cimport State

cdef class Part:
    cpdef bytes text(self, State state)

cdef class Text:
    cdef public bytes literal, before
    cdef public tuple parts
    cdef public Part single
    cpdef bytes text(self, State state)

cdef class Value(Part):
    cdef public str name
    cpdef bytes text(self, State state)

cdef class RequestField(Part):
    cdef public bytes name
    cdef public int number
    cpdef bytes text(self, State state)

cdef class FieldLike(Part):
    cdef public object found
    cpdef bytes text(self, State state)

cdef class ResponseField(Part):
    cdef public bytes name
    cpdef bytes text(self, State state)

cdef class Note(Part):
    cdef public bytes missing
    cdef public bytes name
    cpdef bytes text(self, State state)

cdef class Capture(Part):
    cdef public int number
    cpdef bytes text(self, State state)

cdef class Kept(Part):
    cdef public int number
    cpdef bytes text(self, State state)

cdef class Rest(Part):
    cdef public bint raw
    cdef public Py_ssize_t prefix
    @cython.locals(path=bytes)
    cpdef bytes text(self, State state)

cdef class Moved(Part):
    cdef public bytes to
    cdef public Py_ssize_t prefix, size
    @cython.locals(path=bytes)
    cpdef bytes text(self, State state)

cdef class Hostname(Part):
    cpdef bytes text(self, State state)

cdef class Https(Part):
    cpdef bytes text(self, State state)

cdef class RequestLine(Part):
    cdef public str word
    cpdef bytes text(self, State state)

cdef class Port(Part):
    cdef public bint of_client
    cpdef bytes text(self, State state)

cdef class Handshake(Part):
    cpdef bytes text(self, State state)

cdef class Status(Part):
    cpdef bytes text(self, State state)

cdef class Called(Part):
    cdef public bint port
    cpdef bytes text(self, State state)

cdef class Began(Part):
    cpdef bytes text(self, State state)

cdef class Duration(Part):
    cpdef bytes text(self, State state)

cdef class Ipv6(Part):
    cpdef bytes text(self, State state)

cdef class ConnectionAddress(Part):
    cpdef bytes text(self, State state)

cdef class OfPeer(Part):
    cdef public str name
    cpdef bytes text(self, State state)

cdef class NamedPort(Part):
    cpdef bytes text(self, State state)

cdef class Destination(Part):
    cpdef bytes text(self, State state)

cdef class Sent(Part):
    cpdef bytes text(self, State state)

cdef class RequestId(Part):
    cpdef bytes text(self, State state)

cdef class Call(Part):
    cdef public Text argument
    cdef public object function
    cpdef bytes text(self, State state)

cdef class Look(Part):
    cdef public Text key
    cdef public Text missing
    cdef public dict table
    cpdef bytes text(self, State state)

cdef class Draw(Part):
    cdef public Text key
    cdef public Text missing
    cdef public dict table
    cpdef bytes text(self, State state)

cdef class Encoded(Part):
    cdef public Text argument
    cdef public list spelt
    cpdef bytes text(self, State state)

cdef class Without(Part):
    cdef public Text argument
    cdef public bytes prefix
    cpdef bytes text(self, State state)

cdef class Given(Part):
    cdef public Text otherwise
    cdef public Text subject
    cdef public Text then
    cpdef bytes text(self, State state)

cdef class Time(Part):
    cdef public Py_ssize_t ahead
    cdef public bint utc
    cdef public str format
    cpdef bytes text(self, State state)
