"""libpcre2-8 itself, under the flags that Apache httpd 2.4 compiles patterns with.

They were seen by a library put before Apache 2.4.71 that noted its calls: `pcre2_compile_8` gets 0x70, 0x78 with `[NC]`, and no
context; nothing is compiled by the JIT; `pcre2_match_8` gets no context, so its limits are the library's own.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p, create_string_buffer
from typing import Final

_CASELESS: Final = 0x08
_APACHE: Final = 0x10 | 0x20 | 0x40  # PCRE2_DOLLAR_ENDONLY, PCRE2_DOTALL, PCRE2_DUPNAMES (pcre2.h)
_UNSET: Final = c_size_t(-1).value
MATCH_LIMIT: Final = -47  # PCRE2_ERROR_MATCHLIMIT
_NO_MATCH: Final = -1

_library = ctypes.CDLL("libpcre2-8.so.0")
_compile = _library.pcre2_compile_8
_compile.restype = c_void_p
_compile.argtypes = [c_char_p, c_size_t, c_uint32, c_void_p, c_void_p, c_void_p]
_data = _library.pcre2_match_data_create_from_pattern_8
_data.restype = c_void_p
_data.argtypes = [c_void_p, c_void_p]
_match = _library.pcre2_match_8
_match.restype = c_int
_match.argtypes = [c_void_p, c_char_p, c_size_t, c_size_t, c_uint32, c_void_p, c_void_p]
_offsets = _library.pcre2_get_ovector_pointer_8
_offsets.restype = ctypes.POINTER(c_size_t)
_offsets.argtypes = [c_void_p]
_count = _library.pcre2_get_ovector_count_8
_count.restype = c_uint32
_count.argtypes = [c_void_p]
_library.pcre2_code_free_8.argtypes = [c_void_p]
_library.pcre2_match_data_free_8.argtypes = [c_void_p]

Spans = tuple[tuple[int, int], ...]


class Invalid(Exception):
    """A pattern that the library refuses: its number for that, the offset, its words."""

    def __init__(self, number: int, offset: int, message: str) -> None:
        """Keep all three."""
        super().__init__(number, offset, message)
        self.number = number
        self.offset = offset
        self.message = message


class GaveUp(Exception):
    """A match that the library ended with an error: its number."""


class Code:
    """A pattern that is compiled."""

    def __init__(self, pattern: bytes, nocase: bool = False) -> None:
        """Compile it, or raise Invalid."""
        number = c_int()
        offset = c_size_t()
        flags = _APACHE | (_CASELESS if nocase else 0)
        self._code = _compile(pattern, len(pattern), flags, byref(number), byref(offset), None)
        if not self._code:
            words = create_string_buffer(300)
            _library.pcre2_get_error_message_8(number, words, 300)
            raise Invalid(number.value, offset.value, words.value.decode())
        self._found = _data(self._code, None)
        self.groups = _count(self._found) - 1

    def search(self, subject: bytes) -> Spans | None:
        """Return the spans of all groups, (-1, -1) for those that took no part; None if nothing is found."""
        result = _match(self._code, subject, len(subject), 0, 0, self._found, None)
        if result == _NO_MATCH:
            return None
        if result < 0:
            raise GaveUp(result)
        at = _offsets(self._found)
        spans = [(at[2 * group], at[2 * group + 1]) for group in range(self.groups + 1)]
        return tuple((-1, -1) if start == _UNSET else (start, end) for start, end in spans)

    def __del__(self) -> None:
        """Free what the library holds."""
        if self._code:
            _library.pcre2_match_data_free_8(self._found)
            _library.pcre2_code_free_8(self._code)
