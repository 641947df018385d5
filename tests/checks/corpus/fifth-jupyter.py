c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:8000/jupyter/"
c.JupyterHub.authenticator_class = "globus"
c.Spawner.default_url = "/lab"
