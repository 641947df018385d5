c.JupyterHub.bind_url = "http://:8000/notebook"
