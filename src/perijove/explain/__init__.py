"""What would happen to a request, and why.

It asks the very tables that serve, with a trace, and says in words what they did: rules with the lines they were written
in, what goes upstream, what becomes of a response. Nothing is sent, and no upstream is asked. Knows the gateway, the engine
and how one becomes the other. Must not know dialects, sockets or the command line.
"""
