"""What is printed serves the same."""

from dataclasses import replace

import pytest

from perijove.config.toml import load, parse
from perijove.config.toml.write import write
from perijove.gateway.model import Gateway, Stages
from perijove.text.source import Source

TEXTS = [
    'to = "http://127.0.0.1:8000"',
    'to = "http://127.0.0.1:8000"\nworkers = 4\n',
    'to = "http://127.0.0.1:8000"\nworkers = "auto"\n',
    'listen = [":1", "unix:/x"]\ntrust = "10.0.0.0/8"\naccess-log = "-"\n[[route]]\npath = "/a/"\nto = "http://h"\n',
    '[[host]]\nnames = "a"\n[[host.route]]\nupstream = "u"\nrequest-fields = {set = {A = "{host}"}, remove = ["B"]}\n'
    '[upstream.u]\nurl = "https://h"\nverify = false\n[upstream.u.timeouts]\nresponse = "1m"\n[limits]\nbody = "1GiB"\n',
    '[[route]]\nredirect = {to = "https://x{target}", status = 302}\n',
    '[[route]]\nrespond = {body = "a\\nb", status = 404}\n',
]


def bare(gateway: Gateway | None) -> Gateway:
    """Return it without the places that its rules carry."""
    assert gateway is not None
    hosts = []
    for host in gateway.hosts:
        stages = {
            name: tuple(replace(rule, origin=None) for rule in getattr(host.stages, name))
            for name in ("route", "request", "response")
        }
        hosts.append(replace(host, stages=Stages(**stages)))
    return replace(gateway, hosts=tuple(hosts))


@pytest.mark.parametrize("text", TEXTS)
def test_round_trip(text: str) -> None:
    config, faults = parse(Source("a", text))
    assert config is not None, faults
    printed = write(config)
    assert bare(load(Source("b", printed)).gateway) == bare(load(Source("a", text)).gateway)
    again, _ = parse(Source("b", printed))
    assert again is not None
    assert write(again) == printed
