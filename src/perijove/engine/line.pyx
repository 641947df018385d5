"""A line of the access log, and whether a URL in it has something to hide. Compiled form; `line.py` is its twin,
and says what each function promises.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy, memset

from perijove.engine.head cimport Eight, eight, has, has_below

ALL = 1 << 30

cdef char *line = NULL  # where lines are made, one after the other
cdef Py_ssize_t room = 0
cdef char *HEX = b"0123456789abcdef"
cdef bint safe[256]
cdef bint in_name[256]
cdef bint begins[256]  # what may be secret
cdef frozenset known = None  # names of parameters, and the keys of all of them
cdef bint keys[256]


cdef void _prepare():
    cdef int c
    for c in range(256):
        safe[c] = 0x20 <= c <= 0x7E and c != 0x22 and c != 0x5C
        begins[c] = c in b"%/?&;#"
        in_name[c] = 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c == 45 or c == 95


_prepare()


cpdef bytes shortened(bytes value, Py_ssize_t most):
    return value if PyBytes_GET_SIZE(value) <= most else value[:most] + b"..."


cdef char *_put(char *to, bytes data) noexcept:
    memcpy(to, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    return to + PyBytes_GET_SIZE(data)


cdef inline bint _plain(Eight octets) noexcept:
    """Tell whether none of eight octets must be escaped."""
    return not (
        octets & 0x8080808080808080ULL or has_below(octets, 32) or has(octets, 0x22) or has(octets, 0x5C) or has(octets, 0x7F)
    )


cdef char *_put_value(char *to, bytes data, Py_ssize_t most) noexcept:
    """Write what a client chose; there is room for four octets for each of it, and three dots."""
    cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t at, size = PyBytes_GET_SIZE(data)
    if size > most:
        size = most
    at = 0
    while at < size:
        if at + 8 <= size and _plain(eight(text + at)):
            memcpy(to, text + at, 8)
            to += 8
            at += 8
            continue
        if safe[text[at]]:
            to[0] = text[at]
            to += 1
        else:
            to[0] = c"\\"
            to[1] = c"x"
            to[2] = HEX[text[at] >> 4]
            to[3] = HEX[text[at] & 15]
            to += 4
        at += 1
    if PyBytes_GET_SIZE(data) > most:
        memcpy(to, b"...", 3)
        to += 3
    return to


cdef char *_put_or_none(char *to, bytes data, Py_ssize_t most) noexcept:
    if PyBytes_GET_SIZE(data):
        return _put_value(to, data, most)
    to[0] = c"-"
    return to + 1


cdef char *_put_number(char *to, long long number) noexcept:
    cdef char digits[20]
    cdef int at = 20
    while True:
        at -= 1
        digits[at] = 48 + number % 10
        number //= 10
        if number == 0:
            break
    memcpy(to, digits + at, 20 - at)
    return to + 20 - at


cpdef bytes combined(
    bytes address, bytes stamp, bytes method, bytes target, int minor, int status, long long sent, bytes referer, bytes agent,
    Py_ssize_t most,
):
    global line, room
    cdef char *to
    cdef char *ptr
    cdef Py_ssize_t size = (
        PyBytes_GET_SIZE(address) + PyBytes_GET_SIZE(stamp) + 128
        + 4 * (PyBytes_GET_SIZE(method) + PyBytes_GET_SIZE(target) + PyBytes_GET_SIZE(referer) + PyBytes_GET_SIZE(agent))
    )
    if size > room:
        ptr = <char *>realloc(line, size)
        if ptr == NULL:
            raise MemoryError
        line = ptr
        room = size
    to = _put(line, address)
    memcpy(to, b" - - [", 6)
    to = _put(to + 6, stamp)
    memcpy(to, b'] "', 3)
    to += 3
    if PyBytes_GET_SIZE(method):
        to = _put_value(to, method, most)
        to[0] = c" "
        to = _put_value(to + 1, target, most)
        memcpy(to, b" HTTP/1.", 8)
        to = _put_number(to + 8, minor)
    else:
        to[0] = c"-"
        to += 1
    memcpy(to, b'" ', 2)
    to = _put_number(to + 2, status)
    to[0] = c" "
    to = _put_number(to + 1, sent)
    memcpy(to, b' "', 2)
    to = _put_or_none(to + 2, referer, most)
    memcpy(to, b'" "', 3)
    to = _put_or_none(to + 3, agent, most)
    memcpy(to, b'"\n', 2)
    to += 2
    return PyBytes_FromStringAndSize(line, to - line)


cdef inline int _key(const unsigned char *name, Py_ssize_t size) noexcept:
    """Return a number of a name in any case (32 makes letters small) that few others have."""
    return (size * 37 + (name[0] | 32) * 5 + (name[size - 1] | 32)) & 255


cdef void _know(frozenset names):
    global known
    cdef bytes name
    known = names
    memset(keys, 0, sizeof(keys))
    for name in names:
        keys[_key(<const unsigned char *>PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name))] = True


cpdef bint may_hide(bytes url, frozenset names) except -1:
    cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(url)
    cdef Py_ssize_t at, start, size = PyBytes_GET_SIZE(url)
    cdef unsigned char c
    if names is not known:
        _know(names)
    at = 0
    while True:
        while at < size and not begins[text[at]]:
            at += 1
        if at >= size:
            return False
        c = text[at]
        at += 1
        if c == c"%":
            return True
        if c == c"/":
            if size - at >= 15 and text[at] == c"a" and memcmp(text + at, b"authorizations/", 15) == 0:
                return True
        else:
            start = at
            while at < size and in_name[text[at]]:
                at += 1
            # The octet behind a bytes object's last is a zero.
            if at > start and text[at] == c"=" and keys[_key(text + start, at - start)] and url[start:at].lower() in names:
                return True
