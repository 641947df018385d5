c = get_config()
c.JupyterHub.bind_url = "https://127.0.0.1:8000"
c.JupyterHub.ssl_cert = "/etc/ssl/hub.pem"
c.JupyterHub.ssl_key = "/etc/ssl/hub.key"
