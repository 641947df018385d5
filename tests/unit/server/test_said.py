"""How lines on standard output are written, and that nobody waits for it."""

import json
import os
import subprocess
import sys
import time

import pytest

from perijove.gateway.model import Form
from perijove.server.said import ERROR, INFO, WARNING, Voice, written

AT = 1_700_000_000.125


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        (Form.CHP, f"{time.strftime('%H:%M:%S', time.localtime(AT))}.125 [perijove] error: it is so\n"),
        (Form.JUPYTERHUB, f"[E {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(AT))}.125 perijove] it is so\n"),
        (Form.JSON, '{"time": 1700000000.125, "level": "error", "message": "it is so"}\n'),
    ],
)
def test_forms(form, shown):
    assert written(form, ERROR, "it is so", AT) == shown


@pytest.mark.parametrize("form", Form)
def test_a_text_of_several_lines_begins_no_line_of_its_own(form):
    line = written(form, INFO, "one\ntwo", AT)
    assert line.count("\n") == (1 if form is Form.JSON else 2)
    assert form is not Form.JSON or json.loads(line)["message"] == "one\ntwo"
    assert "\n[" not in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reloaded", (INFO, "reloaded")),
        ("error: cannot listen: it is", (ERROR, "cannot listen: it is")),
        ("warning: soon", (WARNING, "soon")),
        ("limit: 5 requests", (WARNING, "limit: 5 requests")),
        ("https://*:443: / → routes", (INFO, "https://*:443: / → routes")),
    ],
)
def test_levels_of_what_is_reported(text, said):
    class Heard(Voice):
        def __init__(self):
            self.lines = []

        def say(self, level, text, at=None):
            self.lines.append((level, text))

    voice = Heard()
    voice.tell(text)
    assert voice.lines == [said]


def test_nobody_waits_for_it():
    """A pipe that nobody reads: what it does not take is lost, in whole lines."""
    code = """if True:
        import sys
        from perijove.gateway.model import Said
        from perijove.server.said import INFO, Voice
        voice = Voice(Said())
        for number in range(3000):
            voice.say(INFO, f"{number} /x?token=abc " + "x" * 100)
        sys.stderr.write("done")"""
    reading, writing = os.pipe()
    with subprocess.Popen([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        assert process.communicate(timeout=20)[1] == b"done"
    with open(reading) as file:
        lines = file.read().splitlines()
    assert 100 < len(lines) < 3000
    assert all(line.endswith(" /x?token=*** " + "x" * 100) for line in lines)
