c.JupyterHub.ip = "127.0.0.1"
c.JupyterHub.port = {HUB}
