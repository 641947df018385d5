cimport cython

from perijove.engine.head cimport RequestHead
from perijove.engine.peer cimport Peer
from perijove.engine.program cimport Program
from perijove.engine.state cimport State

cdef int REJECT, FIRST_ROUTE, _HOSTS

cdef class FieldEdit:
    cdef public bytes name
    cdef public tuple value
    cdef public bint if_absent

cdef class UrlMap:
    cdef public tuple upstream, public

cdef class CookieMap:
    cdef public bytes path_from, path_to, domain_from, domain_to
    cdef public object secure

cdef class Timeouts:
    cdef public double header, body, connect, response, stream, write, keepalive, tunnel, handshake, linger

cdef class Plan:
    cdef public int kind, status, counted
    cdef public Timeouts timeouts
    cdef public tuple rules, edits, response_edits, maps, cookies, body
    cdef public object upstream
    cdef public bytes authority, mount, map_from, map_to, content_type, directory, below
    cdef public bint preserve_host, sets_host, varies
    cdef public unsigned long long own, drop, response_drop
    cdef public frozenset drop_names, response_names
    cdef public bytes upgrade, own_name, allow
    cdef public bint edited
    cdef public frozenset overridden
    cdef public tuple request_operations, response_operations, always_operations, ranges
    cdef public object request_recipe, response_recipe, always_recipe
    cdef public bint keeps_fields, once, passes_trailers
    cdef public int per_connection
    cdef public bytes persistence, version
    cdef public dict pages
    cdef public object dynamic
    cdef public int activity
    cdef public Plan error_pages
    cdef public bint terse
    cpdef Plan copy(self)

cdef class Route:
    cdef public bytes prefix, plain
    cdef public Plan plan
    cdef public int rule
    cdef public bint exact

cdef class HostTable:
    cdef public int number
    cdef public tuple routes
    cdef public Plan single
    cdef public Program program

cdef class Table:
    cdef public tuple before
    cdef tuple _begins
    cdef dict _known
    cdef bytes _last_host
    cdef HostTable _last
    cdef public HostTable default
    cdef public dict named
    cdef public tuple wild, globs, failures, phrases, unnamed
    cdef public bytes spoken
    cdef public dict notes
    cdef public State state
    cdef public bint bare, anywhere
    cdef public Plan missing, bad
    @cython.locals(first=Plan, host=HostTable, path=bytes, plain=bytes, route=Route)
    cpdef Plan resolve(self, RequestHead head, list trace=*, Peer peer=*)
    @cython.locals(path=bytes, plain=bytes, route=Route)
    cdef Plan _first(self, RequestHead head, list trace)
    cpdef int status_of_head(self, int status)
    cdef HostTable _known_now(self, bytes host)
    cpdef HostTable host_of(self, bytes host)

cdef bint _names_no_path(RequestHead head) except -1
@cython.locals(route=Route, holds=bint)
cdef Route _match(tuple routes, bytes path, list trace)
@cython.locals(route=Route)
cdef Route _match_plain(tuple routes, bytes path)
