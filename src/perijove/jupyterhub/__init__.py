"""JupyterHub's proxy class: `c.JupyterHub.proxy_class = "perijove"`.

Knows JupyterHub and its traits; runs in the hub's process. Must not know how anything is served: the proxy is a process of its
own, started by its command line and told of routes by its API.
"""
