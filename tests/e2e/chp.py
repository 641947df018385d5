"""A hub's settings for configurable-http-proxy inside, which is what a hub has unless it is told otherwise.

Knows traits of JupyterHub. Must not know which tests ask for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perijove.demo.node import proxy_command
from perijove.demo.processes import free_port


def inside(cache: Path) -> dict[str, Any]:
    """Return them; npm's packages are kept in `cache`."""
    return {
        "JupyterHub": {"proxy_class": "jupyterhub.proxy.ConfigurableHTTPProxy"},
        "ConfigurableHTTPProxy": {
            "command": proxy_command(cache / "perijove" / "demo" / "node"),
            "api_url": f"http://127.0.0.1:{free_port()}",
        },
    }
