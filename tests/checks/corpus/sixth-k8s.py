import os

c.JupyterHub.bind_url = os.environ.get("BIND_URL", "http://0.0.0.0:8000/lab")
c.JupyterHub.base_url = "/lab/"
