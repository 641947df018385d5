import os
from os.path import join as pjoin

runtime_dir = os.path.join("/home/jupyter/datas/jupyterhub")
c.JupyterHub.allow_named_servers = True
c.JupyterHub.ip = "127.0.0.1"
c.JupyterHub.port = 8600
c.JupyterHub.db_url = pjoin(runtime_dir, "jupyterhub.sqlite")
c.Spawner.cmd = ["/home/jupyter/pyenv/jupyterhub/bin/jupyterhub-singleuser"]
c.JupyterHub.authenticator_class = "jupyterhub.auth.PAMAuthenticator"
c.Authenticator.admin_users = {"jupyter"}
c.Spawner.notebook_dir = "~/notebooks"
c.Spawner.args = ["--NotebookApp.allow_origin=*"]
