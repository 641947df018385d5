c.JupyterHub.base_url = "/notebook/"
