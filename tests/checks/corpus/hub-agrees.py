c.JupyterHub.bind_url = "http://127.0.0.1:8000/jhub"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:8081"
c.Authenticator.allow_all = True
