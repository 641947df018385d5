c.JupyterHub.port = 8888
