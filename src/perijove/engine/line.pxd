cpdef bytes shortened(bytes value, Py_ssize_t most)
cpdef bytes combined(
    bytes address, bytes stamp, bytes method, bytes target, int minor, int status, long long sent, bytes referer, bytes agent,
    Py_ssize_t most,
)
cpdef bint may_hide(bytes url, frozenset names) except -1
