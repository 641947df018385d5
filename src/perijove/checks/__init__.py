"""What is wrong with a configuration for the users of a JupyterHub, and what to type instead.

`faults` has one file for each check; its docstring is its page in the documentation. A check is given a `Subject`: what was
written, what it means, and a way to ask the very tables that serve what becomes of a request. Knows configurations, dialects and
explain. Must not know the command line, processes or sockets: nothing is sent, and nobody is asked.
"""
