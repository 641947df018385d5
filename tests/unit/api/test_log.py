"""What is said while it runs."""

import json
import logging

import pytest

from perijove.api import log
from perijove.config.chp import Options, gateway
from perijove.gateway.model import Form, Said
from perijove.server import report


@pytest.fixture(autouse=True)
def fresh():
    yield
    report._elsewhere.clear()
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


def test_what_is_told_of_the_processes_is_said_there_too(capfd):
    log.begin(Said(form=Form.JUPYTERHUB))
    report.say("error: cannot listen")
    shown = capfd.readouterr()
    assert shown.out.endswith(" perijove] cannot listen\n")
    assert shown.out.startswith("[E ")
    assert shown.err == ""
