cpdef tuple accept(object listening)
cpdef bytes local_address(int fd)
