"""The tables and the picture say what was measured. The measuring itself takes minutes: `make bench`."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from tests.bench.inside import shares
from tests.bench.picture import picture
from tests.bench.report import Spread, capacity, table, throughput

NGINX = [{"rate": 100.0, "cpu": 20e-6, "p99": 500.0}, {"rate": 50.0, "cpu": 40e-6, "p99": 700.0}]
OURS = [{"rate": 120.0, "cpu": 10e-6, "p99": 400.0}, {"rate": 70.0, "cpu": 30e-6, "p99": 600.0}]
ROUNDS = {"http": {"perijove": OURS, "nginx": NGINX, "haproxy": [{}, {}]}, "idle": {"perijove": [{"held": 1536.0}]}}


def test_ratios_are_of_the_same_round() -> None:
    assert throughput(OURS, NGINX) == Spread.of([1.2, 1.4])
    found = capacity(OURS, NGINX)
    assert found is not None
    assert round(found.middle, 3) == round((2 + 4 / 3) / 2, 3)


def test_a_round_that_failed_is_left_out() -> None:
    assert throughput([{}, OURS[1]], NGINX) == Spread(1.4, 1.4, 1.4)
    assert capacity([{}, {}], NGINX) is None


def test_the_table() -> None:
    text = table(ROUNDS, "nginx")
    assert "| perijove, compiled | 1.67 (1.50–1.83) | 1.30 (1.25–1.35) | 20.00 µs; 10.00 | 500 |" in text
    assert "| HAProxy | failed | | | |" in text
    assert "| perijove, compiled | 1.5 |" in text


def test_the_picture_is_xml() -> None:
    root = ElementTree.fromstring(picture(ROUNDS, "nginx"))
    assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.text == "1.67"]


def test_object_files_are_put_together() -> None:
    said = """
 61.50% ,[kernel.kallsyms]
 20.00% ,head.cpython-311-x86_64-linux-gnu.so
 10.25% ,exchange.cpython-311-x86_64-linux-gnu.so
 4.00%  ,libpython3.11.so.1.0
 3.00%  ,libcrypto.so.3
 1.00%  ,[vdso]
"""
    assert shares(said) == pytest.approx({"kernel": 0.615, "own": 0.3025, "Python": 0.04, "libraries": 0.04})
