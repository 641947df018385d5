cdef class Peer:
    cdef public bytes local, shown, protocol, cipher, strength
    cdef public bytes address, scheme, host, front, tail, whole
    cdef public int port, server_port
    cdef public bint trusted
    cdef public object plan
    cdef public object trusts, tls
    cpdef void renew(self, bytes address, int port) except *
    cpdef void forget(self) except *
    cpdef void learn(self) except *
