c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.Spawner.args = ["--LabApp.collaborative=True"]
