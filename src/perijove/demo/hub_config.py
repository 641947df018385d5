# Configuration of the demo's JupyterHub, which `jupyterhub -f` reads. Values come in the environment.
# ruff: noqa: F821
import json
import os

from perijove.demo.processes import free_port

c = get_config()  # type: ignore[name-defined]
demo = json.loads(os.environ["PERIJOVE_DEMO"])

c.JupyterHub.bind_url = demo["bind_url"]
if demo["pair"]:
    c.JupyterHub.ssl_cert = c.JupyterHub.ssl_key = demo["pair"]
c.JupyterHub.hub_port = demo["hub_port"]
# No Node.js and no second proxy: the hub's own is perijove.
c.JupyterHub.proxy_class = "perijove"
c.PerijoveProxy.api_url = f"http://127.0.0.1:{demo['api_port']}"
c.PerijoveProxy.pid_file = f"proxy-{demo['port']}.pid"
c.JupyterHub.pid_file = ""
c.JupyterHub.db_url = "sqlite:///:memory:"
c.JupyterHub.cookie_secret = bytes.fromhex(demo["secret"])
c.JupyterHub.cleanup_servers = True
# Anybody who knows the password may choose any name. For a demo on loopback only.
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = demo["password"]
c.Authenticator.allow_all = True
# Runs servers as whoever runs the hub, root or not, without system users.
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = demo["homes"] + "/{username}"
c.Spawner.args = ["--allow-root"]
# The spawner's own choice is a port that the system gives to any connection as well, in the seconds until the server listens.
c.Spawner.pre_spawn_hook = lambda spawner: setattr(spawner, "port", free_port())
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 90
# Always by way of the progress page, as with slow spawners.
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
for name, values in demo["settings"].items():
    for trait, value in values.items():
        setattr(c[name], trait, value)
