from perijove.engine.head cimport RequestHead

cdef class Reply:
    cdef public int status
    cdef public bytes kind, body, fields, phrase
    cdef public RequestHead ask
