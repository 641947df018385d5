cimport cython

from perijove.engine.exchange cimport Exchange
from perijove.engine.head cimport Head, RequestHead
from perijove.engine.peer cimport Peer
from perijove.engine.plan cimport CookieMap, FieldEdit, Plan, UrlMap

cdef int CLIENT_IP, CLIENT_PORT, HOSTNAME, LITERAL, METHOD, PATH, PUBLIC_HOST, PUBLIC_SCHEME, QUERY, REQUEST_ID, SEARCH
cdef int SERVER_PORT, TARGET, UPSTREAM

cpdef bytes request_id(Exchange exchange)
cpdef bytes without_port(bytes host)
cpdef bytes port_of(bytes host, bytes scheme)
cpdef bytes fill(tuple template, Exchange exchange)
@cython.locals(peer=Peer)
cdef bytes _value(int kind, Exchange exchange)
@cython.locals(peer=Peer, own=cython.ulonglong, known=bytes, chain=bytes, scheme=bytes, host=bytes, parts=list)
cpdef tuple forwarded(Exchange exchange, RequestHead head, Plan plan, unsigned long long drop)
cpdef void find_client(Exchange exchange, RequestHead head) except *
@cython.locals(found=bytes, one=bytes, address=bytes)
cpdef bytes client_of(bytes chain, Peer peer)
@cython.locals(number=cython.int, present=cython.ulonglong)
cdef unsigned long long _present(RequestHead head, unsigned long long numbers) except? 0xFFFFFFFFFFFFFFFF
@cython.locals(edit=FieldEdit, value=bytes)
cpdef bytes add_edits(bytes tail, tuple edits, Exchange exchange, Head head)
@cython.locals(one=UrlMap, upstream=bytes, rest=bytes, size=Py_ssize_t)
cpdef bytes map_url(bytes value, tuple maps, Exchange exchange)
cpdef bint under(bytes path, bytes prefix) except -1
cpdef bytes map_refresh(bytes value, tuple maps, Exchange exchange)
