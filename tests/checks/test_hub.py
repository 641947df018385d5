"""What is read of a hub's own configuration, and that it is only read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove.checks.hub import Hub, read
from perijove.text.source import Source


def hub(text: str) -> Hub:
    found = read(Source("jupyterhub_config.py", text))
    assert isinstance(found, Hub)
    return found


@pytest.mark.parametrize(
    ("text", "url", "base", "told"),
    [
        ("", "http://:8000/", "/", True),
        ('c.JupyterHub.bind_url = "http://127.0.0.1:8888/jhub"', "http://127.0.0.1:8888/jhub", "/jhub/", True),
        ('c.JupyterHub.base_url = "/a/b"\nc.JupyterHub.port = 9000', "http://:9000/a/b", "/a/b/", True),
        ('c.JupyterHub.ssl_cert = "a.pem"\nc.JupyterHub.ip = "10.0.0.1"', "https://10.0.0.1:8000/", "/", True),
        ("if True:\n    c.JupyterHub.port = 1\nc.JupyterHub.port = 2", "http://:2/", "/", True),
        ("import os\nc.JupyterHub.port = int(os.environ['PORT'])", "http://:8000/", "/", False),
        ('c.JupyterHub.bind_url = "http://:what/"', "http://:8000/", "/", False),
        ('c.JupyterHub.bind_url = "http://[::1"', "http://:8000/", "/", False),
        ("c.Spawner.ip = '0.0.0.0'", "http://:8000/", "/", True),
    ],
)
def test_where_it_listens(text: str, url: str, base: str, told: bool) -> None:
    found = hub(text)
    assert found.told is told
    if told:
        assert (found.url.geturl(), found.base_url) == (url, base)


def test_places() -> None:
    found = hub("\n  \nc.JupyterHub.port = 8001\n")
    assert str(found.where("bind_url", "port")) == "jupyterhub_config.py:3:1"
    assert str(found.where("ip")) == "jupyterhub_config.py:1:1"


_NAMES = st.sampled_from(["bind_url", "ip", "port", "base_url", "ssl_cert"])


@given(st.one_of(st.text(max_size=80), st.lists(st.tuples(_NAMES, st.one_of(st.text(max_size=20), st.integers(), st.none()))).map(
    lambda them: "\n".join(f"c.JupyterHub.{name} = {value!r}" for name, value in them)
)))  # fmt: skip
def test_any_text(text: str) -> None:
    found = read(Source("jupyterhub_config.py", text))
    if isinstance(found, Hub):
        assert found.base_url.startswith("/")
        assert found.url.port is None or found.url.port > 0
        assert isinstance(found.told, bool)
