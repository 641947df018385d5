c.JupyterHub.ssl_cert = "a.pem"
c.JupyterHub.ssl_key = "a.key"
c.JupyterHub.ip = "127.0.0.1"
