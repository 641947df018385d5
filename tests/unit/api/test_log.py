"""What is said while it runs."""

import json
import logging

import pytest

from perijove.api import log
from perijove.config.chp import Options, gateway
from perijove.gateway.model import Form, Said


@pytest.fixture(autouse=True)
def fresh():
    yield
    for name in ("perijove.api", "tornado"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.NOTSET)
        logging.getLogger(name).propagate = True


def test_lines(capfd):
    log.begin(Said())
    log.started(options := Options(default_target="http://hub:1", change_origin=True), gateway(options))
    lines = [line.partition(" [perijove] ")[2] for line in capfd.readouterr().out.splitlines()]
    assert lines == [
        "warning: REST API is not authenticated.",
        "info: Change Origin of host headers enabled.",
        "info: Proxying http://:8000 to http://hub:1",
        "info: Proxy API at http://localhost:8001/api/routes",
        "info: Route added / -> http://hub:1",
    ]


def test_levels(capfd):
    log.begin(Said(40))
    log.started(options := Options(), gateway(options))
    assert capfd.readouterr().out == ""


def test_json(capfd):
    log.begin(Said(30, Form.JSON))
    log.started(options := Options(), gateway(options))
    told = json.loads(capfd.readouterr().out)
    assert (told["level"], told["message"]) == ("warning", "REST API is not authenticated.")


def test_a_fault_is_told_with_where_it_was(capfd):
    log.begin(Said())
    try:
        raise ValueError("this")
    except ValueError:
        logging.getLogger("tornado.application").exception("Uncaught")
    shown = capfd.readouterr().out
    assert "error: Uncaught\n    Traceback" in shown
    assert "ValueError: this" in shown
