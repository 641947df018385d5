"""A real JupyterHub behind perijove, from one command: what `make demo` runs.

Knows how to install, start and stop JupyterHub and its parts. Nothing imports it.
"""
