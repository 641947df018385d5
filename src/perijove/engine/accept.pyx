"""Taking connections from a listening socket. Compiled form, for Linux; `accept.py` is its twin, and says what each function
promises. Makes no socket object: a descriptor is all that a connection needs.
"""

from cpython.exc cimport PyErr_SetFromErrno
from libc.errno cimport EAGAIN, EINTR, errno
from libc.string cimport strncmp

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned int socklen_t
    struct sockaddr:
        pass
    struct sockaddr_storage:
        unsigned short ss_family
    int AF_INET
    int AF_INET6
    int SOCK_NONBLOCK
    int SOCK_CLOEXEC
    int accept4(int fd, sockaddr *name, socklen_t *size, int flags)
    int getsockname(int fd, sockaddr *name, socklen_t *size)
    int setsockopt(int fd, int level, int option, const void *value, socklen_t size)

cdef extern from "<netinet/in.h>" nogil:
    struct in_addr:
        pass
    struct in6_addr:
        pass
    struct sockaddr_in:
        in_addr sin_addr
        unsigned short sin_port
    struct sockaddr_in6:
        in6_addr sin6_addr
        unsigned short sin6_port
    int IPPROTO_TCP
    int INET6_ADDRSTRLEN

cdef extern from "<netinet/tcp.h>" nogil:
    int TCP_NODELAY

cdef extern from "<arpa/inet.h>" nogil:
    const char *inet_ntop(int family, const void *address, char *into, socklen_t size)
    unsigned short ntohs(unsigned short value)

cdef enum:
    TEXT = 64
    MAPPED = 7  # octets of "::ffff:"


cpdef tuple accept(object listening):
    cdef sockaddr_storage name
    cdef socklen_t size
    cdef int one = 1
    cdef int listens = listening.fileno()
    cdef int fd
    while True:
        size = sizeof(name)
        fd = accept4(listens, <sockaddr *>&name, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)
        if fd >= 0:
            break
        if errno == EAGAIN:
            return None
        if errno != EINTR:
            PyErr_SetFromErrno(OSError)
    if name.ss_family == AF_INET:
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
        return fd, name.ss_family, _address(&name), ntohs((<sockaddr_in *>&name).sin_port)
    if name.ss_family == AF_INET6:
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
        return fd, name.ss_family, _address(&name), ntohs((<sockaddr_in6 *>&name).sin6_port)
    return fd, name.ss_family, b"", 0


cpdef bytes local_address(int fd):
    cdef sockaddr_storage name
    cdef socklen_t size = sizeof(name)
    if getsockname(fd, <sockaddr *>&name, &size) < 0:
        return b""
    return _address(&name)


cdef bytes _address(sockaddr_storage *name):
    cdef char text[TEXT]
    if name.ss_family == AF_INET:
        inet_ntop(AF_INET, &(<sockaddr_in *>name).sin_addr, text, TEXT)
    elif name.ss_family == AF_INET6:
        inet_ntop(AF_INET6, &(<sockaddr_in6 *>name).sin6_addr, text, TEXT)
        if strncmp(text, b"::ffff:", MAPPED) == 0:
            return text + MAPPED
    else:
        return b""
    return text
