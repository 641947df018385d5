"""What surrounds the engine: sockets, certificates, signals, the process.

Knows the gateway model and the engine. Must not know dialects: it is handed a gateway, and a function that gives the next one.
"""
