c.JupyterHub.bind_url = "http://:8000"
c.JupyterHub.hub_connect_ip = "jupyterhub"
c.DockerSpawner.network_name = "jupyterhub"
