"""What the class starts. That it does what JupyterHub wants is shown by JupyterHub's own tests (tests/hub) and a real one (e2e)."""

import asyncio
import logging
import os
from importlib.metadata import entry_points

import pytest
from jupyterhub.proxy import ConfigurableHTTPProxy
from traitlets import TraitError
from traitlets.config import Config

from perijove.cli.chp import command
from perijove.jupyterhub.proxy import PerijoveProxy

# Options that the hub itself chooses, or that would take from it what it needs: `extra_options` has them all the same.
THE_HUBS = {
    *(
        "--ip",
        "--port",
        "--socket",
        "--api-ip",
        "--api-port",
        "--api-socket",
        "--error-target",
        "--log-level",
        "--host-routing",
    ),
    *("--ssl-key", "--ssl-cert", "--api-ssl-key", "--api-ssl-cert", "--api-ssl-ca", "--api-ssl-request-cert"),
    *("--api-ssl-reject-unauthorized", "--client-ssl-key", "--client-ssl-cert", "--client-ssl-ca"),
    *("--client-ssl-request-cert", "--client-ssl-reject-unauthorized", "--pid-file"),
}
NOT_FOR_A_HUB = {
    *("--no-x-forward", "--no-prepend-path", "--no-include-prefix", "--auto-rewrite", "--change-origin", "--protocol-rewrite"),
    *("--default-target", "--error-path", "--storage-backend", "--ssl-allow-rc4", "--ssl-reject-unauthorized"),
    *("--json", "--version", "-V", "--redis"),  # of Redis, `redis_url` is told by the environment
}
KNOWN = {name for parameter in command.params for name in parameter.opts}


def proxy(**traits):
    return PerijoveProxy(config=Config(PerijoveProxy={"auth_token": "x", **traits}))


def test_it_is_found_by_its_name():
    found = [one for one in entry_points(group="jupyterhub.proxies") if one.name == "perijove"]
    assert [one.load() for one in found] == [PerijoveProxy]


def test_command():
    made = proxy()
    assert made.command[1:] == ["-P", "-m", "perijove", "chp"]
    assert sorted(made.options()) == sorted(["--workers", "1", "--grace", "2.0", "--log-format", "jupyterhub"])


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({"workers": 0}, ["--workers", "auto"]),
        ({"user": "www-data"}, ["--user", "www-data"]),
        ({"trust": ["none"]}, ["--trust", "none"]),
        ({"trust": ["10.0.0.0/8", "::1/128"]}, ["--trust", "10.0.0.0/8", "--trust", "::1/128"]),
        ({"redirect_port": 80, "redirect_to": 443}, ["--redirect-port", "80", "--redirect-to", "443"]),
        ({"acme_webroot": "/w"}, ["--acme-webroot", "/w"]),
        ({"ssl_ciphers": "HIGH", "ssl_dhparam": "/d"}, ["--ssl-ciphers", "HIGH", "--ssl-dhparam", "/d"]),
        ({"ssl_protocol": "TLSv1_2"}, ["--ssl-protocol", "TLSv1_2"]),
        ({"ssl_ca": "/c", "ssl_request_cert": True}, ["--ssl-ca", "/c", "--ssl-request-cert"]),
        ({"timeout": 60, "proxy_timeout": 0.5}, ["--proxy-timeout", "500", "--timeout", "60000"]),
        ({"keep_alive_timeout": 5}, ["--keep-alive-timeout", "5000"]),
        ({"custom_headers": {"X-A": "b c"}}, ["--custom-header", "X-A: b c"]),
        ({"insecure": True}, ["--insecure"]),
        ({"routes_file": "/r"}, ["--routes-file", "/r"]),
        ({"redis_prefix": "hub", "redis_ca": "/a"}, ["--redis-ca", "/a", "--redis-prefix", "hub"]),
        ({"redis_cert": "/c", "redis_key": "/k"}, ["--redis-cert", "/c", "--redis-key", "/k"]),
        (
            {"redis_sentinels": ["a:1", "b:2"], "redis_service": "s"},
            ["--redis-sentinel", "a:1", "--redis-sentinel", "b:2", "--redis-service", "s"],
        ),
        ({"log_format": "json"}, ["--log-format", "json"]),
        ({"access_log": "-", "access_log_json": True}, ["--access-log", "-", "--access-log-format", "json"]),
        ({"metrics_port": 9000}, ["--metrics-port", "9000", "--metrics-ip", "127.0.0.1"]),
        ({"metrics_socket": "/m"}, ["--metrics-socket", "/m"]),
        ({"grace": 0.5}, ["--grace", "0.5"]),
        ({"extra_options": ["--change-origin"]}, ["--change-origin"]),
    ],
)
def test_options_are_those_of_the_command(traits, expected):
    made = proxy(**traits).options()
    left = [one for one in made if one in expected]
    assert left == expected or sorted(left) == sorted(expected)
    assert {one for one in made if one.startswith("--")} <= KNOWN


def test_every_option_has_a_trait_or_is_the_hubs():
    said = {trait.metadata["option"] for trait in PerijoveProxy.class_traits(option=lambda one: one is not None).values()}
    assert said | {"--metrics-ip"} | THE_HUBS | NOT_FOR_A_HUB == KNOWN
    assert not said & (THE_HUBS | NOT_FOR_A_HUB)


def test_every_trait_is_described():
    for name, trait in PerijoveProxy.class_own_traits(config=True).items():
        assert len(trait.help) > 10, name


@pytest.mark.parametrize("traits", [{"workers": -1}, {"redirect_port": 70000}, {"ssl_protocol": "SSLv3"}, {"grace": -1}])
def test_nonsense_is_told_of(traits):
    with pytest.raises(TraitError):
        proxy(**traits).options()


def started(monkeypatch, **traits):
    """What is started, and of which environment."""
    seen = []

    async def start(self):
        seen.append((list(self.command), os.environ.get("PERIJOVE_REDIS_URL")))

    monkeypatch.setattr(ConfigurableHTTPProxy, "start", start)
    made = proxy(**traits)
    asyncio.run(made.start())
    asyncio.run(made.start())  # as after a crash
    assert seen[0] == seen[1]
    return seen[0]


def test_options_are_added_to_a_command_of_ones_own(monkeypatch):
    found, _ = started(monkeypatch, command=["/opt/perijove", "chp"], redirect_port=80)
    assert found[:2] == ["/opt/perijove", "chp"]
    assert found[found.index("--redirect-port") + 1] == "80"


@pytest.mark.parametrize("before", [None, "redis://other"])
def test_a_password_is_on_no_command_line(monkeypatch, before):
    if before is None:
        monkeypatch.delenv("PERIJOVE_REDIS_URL", raising=False)
    else:
        monkeypatch.setenv("PERIJOVE_REDIS_URL", before)
    found, url = started(monkeypatch, redis_url="redis://:secret@h/0")
    assert url == "redis://:secret@h/0"
    assert "secret" not in " ".join(found)
    assert os.environ.get("PERIJOVE_REDIS_URL") == before
    assert started(monkeypatch)[1] == before


def test_what_has_no_effect_is_told(caplog):
    with caplog.at_level(logging.WARNING):
        proxy(should_start=False, api_url="http://127.0.0.1:8001", redirect_port=80, workers=2)
    assert "PerijoveProxy.redirect_port, PerijoveProxy.workers" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        proxy(should_start=False, api_url="http://127.0.0.1:8001")
        proxy(redirect_port=80)
    assert caplog.text == ""
