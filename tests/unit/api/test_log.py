"""What is said while it runs."""

import json
import logging

import pytest

from perijove.api import log
from perijove.config.chp import Options, gateway


@pytest.fixture(autouse=True)
def fresh():
    yield
    logging.getLogger("perijove.api").handlers.clear()


def test_lines(capsys):
    log.begin("info", False)
    log.started(options := Options(default_target="http://hub:1", change_origin=True), gateway(options))
    lines = [line.partition(" [perijove] ")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "warning: REST API is not authenticated.",
        "info: Change Origin of host headers enabled.",
        "info: Proxying http://:8000 to http://hub:1",
        "info: Proxy API at http://localhost:8001/api/routes",
        "info: Route added / -> http://hub:1",
    ]


def test_levels(capsys):
    log.begin("error", False)
    log.started(options := Options(), gateway(options))
    assert capsys.readouterr().out == ""


def test_json(capsys):
    log.begin("warn", True)
    log.started(options := Options(), gateway(options))
    told = json.loads(capsys.readouterr().out)
    assert (told["level"], told["message"]) == ("warning", "REST API is not authenticated.")
