c.JupyterHub.bind_url = "http://127.0.0.1:{HUB}"
