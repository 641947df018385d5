"""From what a configuration means to what runs: Gateway to Table.

The only package that knows both. Must not know dialects or sockets.
"""
