"""The head of a message: found, checked, taken apart and written on. Compiled form; `head.py` is its twin,
and says what each method promises and why.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcmp, memcpy, memset

from perijove.engine.buffer cimport Buffer

import re

from perijove.engine import const, fields

cdef extern from "string.h" nogil:
    void *memmem(const void *haystack, size_t size, const void *needle, size_t needle_size)

cdef int MORE = const.MORE
cdef int FOUND = const.FOUND
cdef long long NO_BODY = const.NO_BODY
cdef long long CHUNKED = const.CHUNKED
cdef long long UNTIL_CLOSE = const.UNTIL_CLOSE

cdef int CONNECTION = fields.CONNECTION
cdef int TRANSFER_ENCODING = fields.TRANSFER_ENCODING
cdef int UPGRADE = fields.UPGRADE
cdef int CONTENT_LENGTH = fields.CONTENT_LENGTH
cdef int HOST = fields.HOST
cdef int EXPECT = fields.EXPECT
cdef int DATE = fields.DATE
cdef int SERVER = fields.SERVER
cdef int SEC_WEBSOCKET_KEY = fields.SEC_WEBSOCKET_KEY
cdef int SEC_WEBSOCKET_VERSION = fields.SEC_WEBSOCKET_VERSION
cdef int COUNT = fields.COUNT
cdef unsigned long long FRAMING = fields.FRAMING
cdef unsigned long long NOT_NOMINATED = fields.NOT_NOMINATED

# Classes of octets, one bit each.
cdef enum:
    TOKEN = 1
    TARGET = 2
    VALUE = 4
    DIGIT = 8
    HOSTNAME = 16
    ADDRESS = 32

cdef unsigned char classes[256]
cdef unsigned char lower[256]

cdef struct Known:
    char name[32]
    int size
    int key
    int number

cdef Known known[65]  # the last one is the end
cdef unsigned char first_of[256]  # a key -> its first entry in `known`, which is sorted by keys

cdef enum:
    SMALL = 32  # makes a letter small, and leaves digits and hyphens what they are


cdef inline int key_of(const unsigned char *name, int size) noexcept:
    """Return a number of a name in any case that few others have."""
    return (size * 37 + (name[0] | SMALL) * 5 + (name[size - 1] | SMALL)) & 255


cdef bint is_name(const unsigned char *text, const char *name, int size) noexcept:
    """Compare a token, or a part of a field's value, with a name of small letters, digits and hyphens.

    No other octet that may stand there becomes one of these by `SMALL`.
    """
    cdef Eight small = SMALL * 0x0101010101010101ULL
    cdef int at = 0
    if size < 8:
        for at in range(size):
            if text[at] | SMALL != <unsigned char>name[at]:
                return False
        return True
    while at <= size - 8:
        if eight(text + at) | small != eight(name + at) | small:
            return False
        at += 8
    return at == size or eight(text + size - 8) | small == eight(name + size - 8) | small


cdef void _prepare():
    cdef int c, at = 0
    cdef bytes name
    for c in range(256):
        classes[c] = 0
        lower[c] = c + 32 if 65 <= c <= 90 else c
        if 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c in b"!#$%&'*+-.^_`|~":
            classes[c] |= TOKEN
        if 0x21 <= c <= 0x7E and c != 0x23:
            classes[c] |= TARGET
        if c == 9 or (c >= 32 and c != 127):
            classes[c] |= VALUE
        if 48 <= c <= 57:
            classes[c] |= DIGIT
        if 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c in b"._-":
            classes[c] |= HOSTNAME
        if 48 <= c <= 57 or 65 <= c <= 70 or 97 <= c <= 102 or c in b".:":
            classes[c] |= ADDRESS
    for name, number in sorted(fields.NUMBERS.items(), key=lambda item: key_of(item[0], len(item[0]))):
        memcpy(known[at].name, PyBytes_AS_STRING(name), len(name))
        known[at].size = len(name)
        known[at].key = key_of(name, len(name))
        known[at].number = number
        at += 1
    known[at].key = -1
    for c in range(256):
        first_of[c] = at
    for at in range(at - 1, -1, -1):
        first_of[known[at].key] = at


_prepare()

METHODS = {name: name for name in (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH")}
cdef bytes GET = b"GET"
cdef bytes POST = b"POST"
cdef frozenset NOTHING = frozenset()


cdef int number_of(const unsigned char *name, int size) noexcept:
    """Return the number of a name in any case, or 0."""
    cdef int key, at
    if size > 30 or size < 2:
        return 0
    key = key_of(name, size)
    at = first_of[key]
    while known[at].key == key:
        if known[at].size == size and is_name(name, known[at].name, size):
            return known[at].number
        at += 1
    return 0


cdef bint only(const unsigned char *data, Py_ssize_t size, unsigned char kind) noexcept:
    """Tell whether all octets are of a class."""
    cdef Py_ssize_t i
    for i in range(size):
        if not classes[data[i]] & kind:
            return False
    return True


cdef bint same(const unsigned char *data, const char *text, Py_ssize_t size) noexcept:
    """Compare without case; `text` is lower case."""
    cdef Py_ssize_t i
    for i in range(size):
        if lower[data[i]] != <unsigned char>text[i]:
            return False
    return True


cdef bint alike(const char *one, const char *other, Py_ssize_t size) noexcept:
    """Compare without case."""
    cdef Py_ssize_t i
    for i in range(size):
        if lower[<unsigned char>one[i]] != lower[<unsigned char>other[i]]:
            return False
    return True


cdef bint is_host(const unsigned char *data, Py_ssize_t size) noexcept:
    cdef Py_ssize_t end, i
    cdef int port
    if size == 0:
        return False
    if data[0] == c"[":
        end = 1
        while end < size and classes[data[end]] & ADDRESS:
            end += 1
        if end >= size or data[end] != c"]" or end - 1 < 2 or end - 1 > 45:
            return False
        end += 1
    else:
        if data[0] == c"." or data[0] == c"-":
            return False
        end = 0
        while end < size and classes[data[end]] & HOSTNAME:
            end += 1
        if end == 0:
            return False
    if end == size:
        return True
    if data[end] != c":" or not 1 <= size - end - 1 <= 5 or not only(data + end + 1, size - end - 1, DIGIT):
        return False
    port = 0
    for i in range(end + 1, size):
        port = port * 10 + data[i] - 48
    return 1 <= port <= 65535


cdef int count_of(const char *data, Py_ssize_t size, char octet, bint after_cr) noexcept:
    """Count an octet; with `after_cr`, only where a CR stands before it."""
    cdef Py_ssize_t i
    cdef int count = 0
    for i in range(size):
        if data[i] == octet and (not after_cr or (i and data[i - 1] == c"\r")):
            count += 1
    return count


cdef Py_ssize_t end_of_line(const char *data, Py_ssize_t size) noexcept:
    """Return where the first CRLF is, or -1."""
    cdef const char *at = data
    while True:
        at = <const char *>memchr(at, c"\n", size - (at - data))
        if at == NULL:
            return -1
        if at > data and (at - 1)[0] == c"\r":
            return at - data - 1
        at += 1


cdef Py_ssize_t end_of_head(const char *data, Py_ssize_t size) noexcept:
    """Return where the first CRLFCRLF is, or -1. From line to line that is much faster than `memmem`."""
    cdef Py_ssize_t at = 0, next
    if size == 0:
        return -1  # of nothing there is no address that memchr() may be given (C17 §7.24.1)
    while True:
        next = end_of_line(data + at, size - at)
        if next < 0:
            return -1
        at += next
        if size - at < 4:
            return -1
        if data[at + 2] == c"\r" and data[at + 3] == c"\n":
            return at
        at += 2


cdef int incomplete(const char *data, Py_ssize_t size, Limits limits) noexcept:
    """Judge a head that has not ended yet: MORE, or the status to refuse it with already."""
    cdef const char *first
    cdef int ends
    cdef Py_ssize_t ending = 0  # of it that may be there in part: CRLFCRLF but for the last octet, or the line's CR
    if size == 0:
        return MORE
    if data[size - 1] == c"\r":
        ending = 3 if size >= 3 and data[size - 2] == c"\n" and data[size - 3] == c"\r" else 1
    elif size >= 2 and data[size - 1] == c"\n" and data[size - 2] == c"\r":
        ending = 2
    first = <const char *>memmem(data, size, b"\r\n", 2)
    if (first == NULL and size - ending > limits.line) or (first != NULL and first - data > limits.line):
        return 414
    if size - ending > limits.size:
        return 431
    ends = count_of(data, size, c"\n", False)
    if ends != count_of(data, size, c"\n", True) or (<unsigned char>data[0] < 0x21 and data[0] != c"\r"):
        return 400
    if ends > limits.count + 1:
        return 431
    return MORE


# A name, or four decimal numbers (RFC 3986 §3.2.2, RFC 1123 §2.1; strict_hostname_check, server/vhost.c of httpd): what else
# ends with a number, such as 127.1, is an address to some and a name to others.
is_clear = re.compile(
    rb"(?![^:]*\.\.)(?:\[.*|(?:(?:0|[1-9][0-9]*)\.){3}(?:0|[1-9][0-9]*)\.?"
    rb"|(?=[^:]*[A-Za-z_-])(?:[^:]*\.[A-Za-z][^:.]*|[^:.]+)\.?)(?::[0-9]*)?\Z"
).match
# A host with octets that are encoded: who speaks to a Unix socket puts its path there.
is_encoded_host = re.compile(
    rb"(?:[0-9A-Za-z._~-]|%[0-9A-Fa-f]{2})+(?::(?!0{1,5}\Z)(?:[0-5]?[0-9]{1,4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?\Z"
).match


cdef class Limits:
    def __init__(self, line=16384, size=65536, count=200, anywhere=False, field=0, empty=1, encoded=False, clear=False):
        self.line = line
        self.size = size
        self.count = count
        self.anywhere = anywhere
        self.field = field
        self.empty = empty
        self.encoded = encoded
        self.clear = clear


cdef class Head:
    def __cinit__(self):
        self.lines = NULL
        self.room = 0
        self.count = 0
        self.seen = 0

    def __init__(self):
        self.size = 0
        self.minor = 1
        self.length = NO_BODY
        self.declared = -1
        self.repeats = 0
        self.nominated = NOTHING
        self.source = None

    def __dealloc__(self):
        if self.lines != NULL:
            free(self.lines)

    cdef const char *front(self):
        return self.source.ptr + self.source.start

    cdef int _scan_fields(self, const char *data, Py_ssize_t at, Py_ssize_t end, Limits limits) except -1:
        """Take the lines from `at` (behind the first line) to `end` (behind the last one's CRLF) apart."""
        cdef const unsigned char *text = <const unsigned char *>data
        cdef Py_ssize_t start, colon, value, last
        cdef int number, i
        cdef Line *line
        cdef bint lookalike = False, over = False
        cdef unsigned char copy[32]
        self.count = 0
        self.seen = 0
        self.repeats = 0
        if self.nominated is not NOTHING:
            self.nominated = NOTHING
        while at < end:
            start = at
            while classes[text[at]] & TOKEN:
                at += 1
            if at == start or text[at] != c":":
                return 400
            colon = at
            at += 1
            while text[at] == c" " or text[at] == c"\t":
                at += 1
            value = at
            while at + 8 <= end and not has_below(eight(text + at), 32) and not has(eight(text + at), 127):
                at += 8
            while classes[text[at]] & VALUE:
                at += 1
            if text[at] != c"\r" or text[at + 1] != c"\n":
                return 400
            last = at
            while last > value and (text[last - 1] == c" " or text[last - 1] == c"\t"):
                last -= 1
            if limits.field and at - start > limits.field:
                over = True
            at += 2
            if self.count >= self.room:
                self.room = self.room * 2 if self.room else 32
                line = <Line *>realloc(self.lines, self.room * sizeof(Line))
                if line == NULL:
                    raise MemoryError
                self.lines = line
            number = number_of(text + start, colon - start)
            if number == 0 and colon - start <= 30 and memchr(text + start, c"_", colon - start) != NULL:
                for i in range(<int>(colon - start)):
                    copy[i] = c"-" if text[start + i] == c"_" else text[start + i]
                number = number_of(copy, colon - start)
                if number and FRAMING >> number & 1:
                    lookalike = True
            line = &self.lines[self.count]
            line.start = start
            line.name = colon - start
            line.value = value
            line.value_size = last - value
            line.end = at
            line.number = number
            if self.seen >> number & 1:
                self.repeats |= <unsigned long long>1 << number
            else:
                self.seen |= <unsigned long long>1 << number
                self.at[number] = self.count
            self.count += 1
        if self.count > limits.count or over:
            return 431
        return 400 if lookalike else FOUND

    cdef bytes _value(self, int line):
        return PyBytes_FromStringAndSize(self.front() + self.lines[line].value, self.lines[line].value_size)

    cdef bint _is(self, int line, const char *text, int size) except -1:
        return self.lines[line].value_size == size and same(
            <const unsigned char *>self.front() + self.lines[line].value, text, size
        )

    cpdef bytes field(self, int number):
        return self._value(self.at[number]) if self.seen >> number & 1 else None

    cpdef list values(self, int number):
        cdef int line
        return [self._value(line) for line in range(self.count) if self.lines[line].number == number]

    cpdef list named(self, bytes name):
        cdef int line
        cdef int size = PyBytes_GET_SIZE(name)
        return [
            self._value(line)
            for line in range(self.count)
            if self.lines[line].name == size
            and same(<const unsigned char *>self.front() + self.lines[line].start, PyBytes_AS_STRING(name), size)
        ]

    cpdef list items(self):
        cdef int line
        cdef const char *front = self.front()
        return [
            (PyBytes_FromStringAndSize(front + self.lines[line].start, self.lines[line].name), self._value(line))
            for line in range(self.count)
        ]

    cpdef bint has(self, int number) except -1:
        return self.seen >> number & 1

    cpdef bint has_all(self, unsigned long long numbers) except -1:
        return self.seen & numbers == numbers

    cpdef bint doubled(self) except -1:
        cdef const char *front
        cdef Line *one
        cdef Line *other
        cdef int i, j
        cdef unsigned long long sizes = 0, size  # of names without a number, one bit each: most are of a size of their own
        if self.repeats & ~<unsigned long long>1:
            return True
        if not self.repeats:
            return False
        front = self.front()
        for i in range(self.count):
            one = &self.lines[i]
            if one.number:
                continue
            size = <unsigned long long>1 << min(one.name, 63)
            if not sizes & size:
                sizes |= size
                continue
            for j in range(i):
                other = &self.lines[j]
                if other.number == 0 and other.name == one.name and alike(front + one.start, front + other.start, one.name):
                    return True
        return False

    cpdef bint lacks(self, unsigned long long numbers, frozenset names) except -1:
        cdef const char *front
        cdef int i, size
        cdef bytes name
        if self.seen & numbers:
            return False
        if not names:
            return True
        front = self.front()
        for name in names:
            size = PyBytes_GET_SIZE(name)
            for i in range(self.count):
                if self.lines[i].name == size and same(
                    <const unsigned char *>front + self.lines[i].start, PyBytes_AS_STRING(name), size
                ):
                    return False
        return True

    cdef int _connection(self) except -1:
        """Read all Connection fields: 1 close, 2 keep-alive, 4 upgrade; other tokens become `nominated`."""
        cdef int seen = 0, line, number
        cdef const unsigned char *text
        cdef Py_ssize_t at, end, start, stop
        cdef list others = None
        for line in range(self.count):
            if self.lines[line].number != CONNECTION:
                continue
            text = <const unsigned char *>self.front()
            at = self.lines[line].value
            end = at + self.lines[line].value_size
            while at <= end:
                start = at
                while at < end and text[at] != c",":
                    at += 1
                stop = at
                at += 1
                while start < stop and (text[start] == c" " or text[start] == c"\t"):
                    start += 1
                while stop > start and (text[stop - 1] == c" " or text[stop - 1] == c"\t"):
                    stop -= 1
                if stop - start == 10 and same(text + start, b"keep-alive", 10):
                    seen |= 2
                elif stop - start == 5 and same(text + start, b"close", 5):
                    seen |= 1
                elif stop - start == 7 and same(text + start, b"upgrade", 7):
                    seen |= 4
                elif stop > start:
                    number = number_of(text + start, stop - start)
                    if number == 0 or not NOT_NOMINATED >> number & 1:
                        if others is None:
                            others = []
                        others.append(text[start:stop].lower())
        if others is not None:
            self.nominated = frozenset(others)
        return seen

    cdef long long _length(self) except -9999:
        """Return the framing that the fields declare, or a negated status; -1 for none."""
        cdef const unsigned char *text
        cdef int line, i
        cdef long long length = 0
        self.declared = -1
        if self.seen >> TRANSFER_ENCODING & 1:
            if self.seen >> CONTENT_LENGTH & 1 or self.repeats >> TRANSFER_ENCODING & 1 or self.minor == 0:
                return -400
            line = self.at[TRANSFER_ENCODING]
            text = <const unsigned char *>self.front() + self.lines[line].value
            i = self.lines[line].value_size
            while text[i] == c" ":
                i += 1
            # A tab behind it is white space (RFC 9110 §5.6.3), but llhttp takes it for a part of the value.
            return CHUNKED if text[i] != c"\t" and self._is(line, b"chunked", 7) else -501
        if self.seen >> CONTENT_LENGTH & 1:
            line = self.at[CONTENT_LENGTH]
            text = <const unsigned char *>self.front() + self.lines[line].value
            if self.repeats >> CONTENT_LENGTH & 1 or not 1 <= self.lines[line].value_size <= 18:
                return -400
            for i in range(self.lines[line].value_size):
                if not classes[text[i]] & DIGIT:
                    return -400
                length = length * 10 + (text[i] - 48)
            self.declared = length
            return length
        return -1

    cdef int _write(self, Buffer out, unsigned long long drop, frozenset names, bytes tail) except -1:
        """Write the lines that stay, `tail` and the empty line. Neighbours that stay are copied at once."""
        cdef const char *text = self.front()
        cdef Py_ssize_t run = -1
        cdef int i
        cdef Line *line
        cdef unsigned long long sizes = 0  # of the names, one bit each; of those of 63 octets and more the last
        cdef bytes name
        if self.nominated is not NOTHING:
            names = names | self.nominated
        if names:
            for name in names:
                sizes |= <unsigned long long>1 << min(PyBytes_GET_SIZE(name), 63)
        for i in range(self.count):
            line = &self.lines[i]
            if drop >> line.number & 1 or (
                sizes >> min(line.name, 63) & 1
                and PyBytes_FromStringAndSize(text + line.start, line.name).lower() in names
            ):
                if run >= 0:
                    out.put(text + run, line.start - run)
                    run = -1
            elif run < 0:
                run = line.start
        if run >= 0:
            out.put(text + run, self.lines[self.count - 1].end - run)
        out.put(PyBytes_AS_STRING(tail), PyBytes_GET_SIZE(tail))
        return out.put(b"\r\n", 2)


cpdef Py_ssize_t place(bytes text, int octet) except -9999:
    cdef const char *its = PyBytes_AS_STRING(text)
    cdef const char *found = <const char *>memchr(its, octet, PyBytes_GET_SIZE(text))
    return -1 if found == NULL else found - its


cpdef bytes cut(bytes text, Py_ssize_t start, Py_ssize_t end):
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(text) + start, end - start)


cpdef bytes content_length(long long size):
    cdef char line[40]
    cdef int at = 40
    line[39] = c"\n"
    line[38] = c"\r"
    at = 38
    while True:
        at -= 1
        line[at] = 48 + size % 10
        size //= 10
        if size == 0:
            break
    at -= 16
    memcpy(line + at, b"Content-Length: ", 16)
    return PyBytes_FromStringAndSize(line + at, 40 - at)


cpdef bint consists(bytes text, bytes octets) except -1:
    cdef const unsigned char *its = <const unsigned char *>PyBytes_AS_STRING(text)
    cdef const unsigned char *table = <const unsigned char *>PyBytes_AS_STRING(octets)
    cdef Py_ssize_t at
    if PyBytes_GET_SIZE(octets) != 256:
        raise ValueError("translation table must be 256 characters long")
    for at in range(PyBytes_GET_SIZE(text)):
        if not table[its[at]]:
            return False
    return True


cdef bint is_tidy(const unsigned char *path, Py_ssize_t size) noexcept:
    cdef Py_ssize_t at
    for at in range(size):
        if path[at] == c"?":
            return True
        if path[at] == c"%":
            return False
        # The octet behind a bytes object's last is a zero.
        if path[at] == c"/" and (path[at + 1] == c"/" or path[at + 1] == c"."):
            return False
    return True


cdef class RequestHead(Head):
    def __init__(self):
        Head.__init__(self)
        self.tidy = False
        self.method = self.target = self.path = self.host = self.asked = b""
        self.keep_alive = self.upgrade = self.expect = self.absolute = False

    cpdef int scan(self, Buffer source, Limits limits) except -1:
        cdef const char *data = source.ptr + source.start
        cdef Py_ssize_t skipped = 0, size = source.end - source.start
        cdef Py_ssize_t end, line_end, first_space, second_space
        cdef const char *found
        cdef int verdict, options
        cdef long long length
        self.source = source
        while skipped < 2 * limits.empty and size >= skipped + 2 and data[skipped] == c"\r" and data[skipped + 1] == c"\n":
            skipped += 2
        end = end_of_head(data + skipped, size - skipped)
        if end < 0:
            return incomplete(data + skipped, size - skipped, limits)
        end += skipped
        if end - skipped > limits.size:
            return 431
        line_end = skipped + end_of_line(data + skipped, size - skipped)
        if line_end - skipped > limits.line:
            return 414
        found = <const char *>memchr(data + skipped, c" ", line_end - skipped)
        if found == NULL:
            return 400
        first_space = found - data
        found = <const char *>memchr(data + first_space + 1, c" ", line_end - first_space - 1)
        if found == NULL:
            return 400
        second_space = found - data
        if memchr(data + second_space + 1, c" ", line_end - second_space - 1) != NULL:
            return 400
        found = data + second_space + 1
        if line_end - second_space - 1 != 8 or memcmp(found, b"HTTP/", 5) != 0 or found[6] != c".":
            return 400
        if not classes[<unsigned char>found[5]] & DIGIT or not classes[<unsigned char>found[7]] & DIGIT:
            return 400
        if found[5] != c"1" or (found[7] != c"1" and found[7] != c"0"):
            return 400 if found[5] == c"0" else 505
        self.minor = found[7] - 48
        if first_space == skipped or not only(
            <const unsigned char *>data + skipped, first_space - skipped, TOKEN
        ) or not only(
            <const unsigned char *>data + first_space + 1, second_space - first_space - 1, TARGET
        ):
            return 400
        if first_space - skipped == 3 and memcmp(data + skipped, b"GET", 3) == 0:
            self.method = GET
        else:
            self.method = PyBytes_FromStringAndSize(data + skipped, first_space - skipped)
        if first_space - skipped == 7 and data[first_space + 1] == c"/" and memcmp(data + skipped, b"CONNECT", 7) == 0:
            return 400
        self.target = PyBytes_FromStringAndSize(data + first_space + 1, second_space - first_space - 1)
        self.size = end + 4
        verdict = self._scan_fields(data, line_end + 2, end + 2, limits)
        if verdict != FOUND:
            return verdict
        if self.seen >> HOST & 1:
            if self.repeats >> HOST & 1:
                return 400
            if not is_host(
                <const unsigned char *>data + self.lines[self.at[HOST]].value, self.lines[self.at[HOST]].value_size
            ) and not (limits.encoded and is_encoded_host(self._value(self.at[HOST]))):
                return 400
            host = self._value(self.at[HOST])
            if limits.clear and host != self.host and not is_clear(host):
                return 400
            self.host = host
        elif self.minor == 1:
            return 400
        else:
            self.host = b""
        if data[first_space + 1] == c"/":
            self.path = self.target
            self.absolute = False
            self.asked = b""
        else:
            verdict = self._other_form(self.target, limits)
            if verdict != FOUND:
                return verdict
        self.tidy = is_tidy(<const unsigned char *>PyBytes_AS_STRING(self.path), PyBytes_GET_SIZE(self.path))
        length = self._length()
        if length < -1 and length != CHUNKED:
            return <int>-length
        self.length = NO_BODY if length == -1 else length
        options = self._connection() if self.seen >> CONNECTION & 1 else 0
        self.keep_alive = not options & 1 and (self.minor == 1 or options & 2 != 0)
        self.expect = False
        if self.seen >> EXPECT & 1 and self.minor == 1:
            if not self._is(self.at[EXPECT], b"100-continue", 12):
                return 417
            self.expect = True
        self.upgrade = options & 4 != 0 and self.seen >> UPGRADE & 1 and self._is_handshake()
        return FOUND

    cdef bint _is_handshake(self) except -1:
        return (
            self.method is GET
            and self.minor == 1
            and self.length == NO_BODY
            and not self.repeats >> UPGRADE & 1
            and self._is(self.at[UPGRADE], b"websocket", 9)
            and self.seen >> SEC_WEBSOCKET_VERSION & 1
            and self._is(self.at[SEC_WEBSOCKET_VERSION], b"13", 2)
            and self.seen >> SEC_WEBSOCKET_KEY & 1
        )

    cdef int _other_form(self, bytes target, Limits limits) except -1:
        cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(target)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(target)
        cdef Py_ssize_t at = 0, end
        if size == 1 and text[0] == c"*":
            if self.method != b"OPTIONS":
                return 400
            self.path = target
            self.absolute = False
            self.asked = b""
            return FOUND
        if self.method == b"CONNECT":
            if not limits.anywhere:
                return 405
            end = size
            while end > 0 and classes[text[end - 1]] & DIGIT:
                end -= 1
            if not is_host(text, size) or end == size or end < 2 or text[end - 1] != c":" or size - end > 5:
                return 400
            if self.minor == 0 and self.seen & (
                <unsigned long long>1 << CONTENT_LENGTH | <unsigned long long>1 << TRANSFER_ENCODING
            ):
                return 400
            if limits.clear and not is_clear(target):
                return 400
            self.host = target
            self.path = b"/"
            self.asked = b"connect"
            self.absolute = True
            return FOUND
        if size > 7 and same(text, b"http://", 7):
            at = 7
        elif size > 8 and same(text, b"https://", 8):
            at = 8
        elif limits.anywhere and ((text[0] >= c"a" and text[0] <= c"z") or (text[0] >= c"A" and text[0] <= c"Z")):
            while at < size and (
                classes[text[at]] & HOSTNAME and text[at] != c"_" or text[at] == c"+"
            ):
                at += 1
            if at + 3 > size or text[at] != c":" or text[at + 1] != c"/" or text[at + 2] != c"/":
                return 400
            at += 3
        else:
            return 400
        end = at
        while end < size and text[end] != c"/" and text[end] != c"?" and text[end] != c"#":
            end += 1
        if not is_host(text + at, end - at) or (limits.clear and not is_clear(target[at:end])):
            return 400
        self.host = target[at:end]
        self.path = target[end:] if end < size and text[end] == c"/" else b"/" + target[end:]
        self.asked = target[: at - 3].lower()
        self.absolute = True
        return FOUND

    cpdef int write(
        self, Buffer out, bytes target, unsigned long long drop, frozenset names, bytes tail, bytes front=b""
    ) except -1:
        out.reserve(self.size + PyBytes_GET_SIZE(tail) + PyBytes_GET_SIZE(front) + PyBytes_GET_SIZE(target) + 16)
        out.put(PyBytes_AS_STRING(self.method), PyBytes_GET_SIZE(self.method))
        out.put(b" ", 1)
        out.put(PyBytes_AS_STRING(target), PyBytes_GET_SIZE(target))
        out.put(b" HTTP/1.1\r\n", 11)
        out.put(PyBytes_AS_STRING(front), PyBytes_GET_SIZE(front))
        return self._write(out, drop, names, tail)


cdef class ResponseHead(Head):
    def __init__(self):
        Head.__init__(self)
        self.status = 0
        self.reason = b""
        self.keep_alive = self.upgrade = False

    cpdef int scan(self, Buffer source, Limits limits, bint to_head) except -1:
        cdef const char *data = source.ptr + source.start
        cdef Py_ssize_t size = source.end - source.start
        cdef Py_ssize_t end, line_end
        cdef int options
        cdef long long length
        self.source = source
        end = end_of_head(data, size)
        if end < 0:
            # Of nothing there is no address that memcmp() may be given (C17 §7.24.1).
            if size and (incomplete(data, size, limits) != MORE or memcmp(data, b"HTTP/1.", min(size, 7)) != 0):
                return 502
            return MORE
        if end > limits.size:
            return 502
        line_end = end_of_line(data, size)
        if line_end > limits.line:  # as `incomplete` says when less of it has come
            return 502
        # HTTP/1.x SP 3DIGIT, and SP reason-phrase unless that is left out
        if line_end < 12 or memcmp(data, b"HTTP/1.", 7) != 0 or data[8] != c" ":
            return 502
        if data[7] != c"1" and data[7] != c"0":
            return 502
        if not c"1" <= data[9] <= c"9" or not only(<const unsigned char *>data + 10, 2, DIGIT):
            return 502
        if line_end > 12 and (
            data[12] != c" " or not only(<const unsigned char *>data + 13, line_end - 13, VALUE)
        ):
            return 502
        self.minor = data[7] - 48
        self.status = (data[9] - 48) * 100 + (data[10] - 48) * 10 + (data[11] - 48)
        self.reason = PyBytes_FromStringAndSize(data + 13, line_end - 13) if line_end > 13 else b""
        self.size = end + 4
        if self._scan_fields(data, line_end + 2, end + 2, limits) != FOUND:
            return 502
        length = self._length()
        if length < -1 and length != CHUNKED:
            return 502
        if to_head or self.status < 200 or self.status == 204 or self.status == 304:
            self.length = NO_BODY
        else:
            self.length = UNTIL_CLOSE if length == -1 else length
        options = self._connection() if self.seen >> CONNECTION & 1 else 0
        self.keep_alive = not options & 1 and (self.minor == 1 or options & 2 != 0)
        self.upgrade = (
            options & 4 != 0
            and self.seen >> UPGRADE & 1
            and not self.repeats >> UPGRADE & 1
            and self._is(self.at[UPGRADE], b"websocket", 9)
        )
        return FOUND

    cpdef bint compact(self, int number) except -1:
        cdef const char *text
        cdef int at
        cdef Line *line
        cdef char before = c","
        if not self.seen >> number & 1:
            return True
        if self.repeats >> number & 1:
            return False
        line = &self.lines[self.at[number]]
        text = self.front() + line.value
        for at in range(line.value_size):
            if text[at] == c" " or text[at] == c"\t" or (text[at] == c"," and before == c","):
                return False
            before = text[at]
        return before != c","

    cpdef bytes dated(self, bytes date):
        cdef const char *front = self.front()
        cdef Line *server
        cdef Line *line
        cdef const char *when = PyBytes_AS_STRING(date)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(date)
        cdef char *to
        cdef bytes made
        if not self.seen >> SERVER & 1:
            return b""
        server = &self.lines[self.at[SERVER]]
        if server.value_size == 0:
            return b""
        if self.seen >> DATE & 1:
            line = &self.lines[self.at[DATE]]
            if line.value_size:
                when = front + line.value
                size = line.value_size
        made = PyBytes_FromStringAndSize(NULL, (8 + size if size else 0) + 10 + server.value_size)
        to = PyBytes_AS_STRING(made)
        if size:
            memcpy(to, b"Date: ", 6)
            memcpy(to + 6, when, size)
            memcpy(to + 6 + size, b"\r\n", 2)
            to += 8 + size
        memcpy(to, b"Server: ", 8)
        memcpy(to + 8, front + server.value, server.value_size)
        memcpy(to + 8 + server.value_size, b"\r\n", 2)
        return made

    cpdef int write(self, Buffer out, unsigned long long drop, frozenset names, bytes tail, bytes front=b"") except -1:
        cdef char first[16]
        cdef int status = self.status
        memcpy(first, b"HTTP/1.1 ", 9)
        first[9] = 48 + status // 100
        first[10] = 48 + status // 10 % 10
        first[11] = 48 + status % 10
        first[12] = c" "
        out.reserve(self.size + PyBytes_GET_SIZE(tail) + PyBytes_GET_SIZE(front) + 16)
        out.put(first, 13)
        out.put(PyBytes_AS_STRING(self.reason), PyBytes_GET_SIZE(self.reason))
        out.put(b"\r\n", 2)
        out.put(PyBytes_AS_STRING(front), PyBytes_GET_SIZE(front))
        return self._write(out, drop, names, tail)
