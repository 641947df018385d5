"""What the class starts. That it does what JupyterHub wants is shown by JupyterHub's own tests (tests/hub) and a real one (e2e)."""

from importlib.metadata import entry_points

import pytest
from traitlets.config import Config

from perijove.cli.chp import command
from perijove.jupyterhub.proxy import PerijoveProxy


def options(**traits):
    return PerijoveProxy(config=Config(PerijoveProxy={"auth_token": "x", **traits})).command


def test_it_is_found_by_its_name():
    found = [one for one in entry_points(group="jupyterhub.proxies") if one.name == "perijove"]
    assert [one.load() for one in found] == [PerijoveProxy]


def test_command():
    made = options()
    assert made[1:5] == ["-P", "-m", "perijove", "chp"]
    assert made[5:] == ["--workers", "1", "--grace", "2.0"]


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({"workers": 0}, ["--workers", "auto"]),
        ({"trust": ["none"]}, ["--trust", "none"]),
        ({"trust": ["10.0.0.0/8", "::1/128"]}, ["--trust", "10.0.0.0/8", "--trust", "::1/128"]),
        ({"redirect_port": 80, "redirect_to": 443}, ["--redirect-port", "80", "--redirect-to", "443"]),
        ({"acme_webroot": "/w"}, ["--acme-webroot", "/w"]),
        ({"routes_file": "/r"}, ["--routes-file", "/r"]),
        ({"access_log": "-", "access_log_json": True}, ["--access-log", "-", "--access-log-format", "json"]),
        ({"metrics_port": 9000}, ["--metrics-ip", "127.0.0.1", "--metrics-port", "9000"]),
        ({"grace": 0.5}, ["--grace", "0.5"]),
    ],
)
def test_options_are_those_of_the_command(traits, expected):
    made = options(**traits)
    assert expected == [one for one in made if one in expected]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {one for one in made[5:] if one.startswith("--")} <= known


@pytest.mark.parametrize("traits", [{"workers": -1}, {"redirect_port": 70000}])
def test_nonsense_is_told_of(traits):
    from traitlets import TraitError

    with pytest.raises(TraitError):
        options(**traits)
