"""perijove: the reverse proxy made for JupyterHub."""

__version__ = "0.1.0"
