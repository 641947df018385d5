"""What logs say of a configuration: Apache's error log, JupyterHub's, and those of the servers and the proxy it starts.

`apache` and `jupyter` are tables of messages, one entry each; `reading` goes through files, however large; `tied` finds the lines
of configuration that messages are about. Knows subjects and sites. Must not know how anything is shown.
"""
