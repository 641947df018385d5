import os

c.JupyterHub.port = int(os.environ["PORT"])
