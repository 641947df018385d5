"""Faults that are planted in copies of perijove: fuzz targets, or the play of exchanges, have to find each of them.

A plant is a change of one place of the source; the copy runs pure. Where that place is no longer there, the plant must be written
anew: it says so. Faults of the compiled leaves are for tests/property/test_twins.py. Knows perijove's source as text.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import perijove

_SOURCE: Final = Path(perijove.__file__).parent


@dataclass(frozen=True)
class Plant:
    """A fault: in a file, what stands there once, what is wrong instead, and which target finds it."""

    name: str
    file: str
    right: str
    wrong: str
    finder: str


PLANTS: Final = (
    Plant(
        "Content-Length beside Transfer-Encoding is accepted",
        "engine/head.py",
        "if at[fields.CONTENT_LENGTH] or self.repeats >> fields.TRANSFER_ENCODING & 1 or self.minor == 0:",
        "if self.repeats >> fields.TRANSFER_ENCODING & 1 or self.minor == 0:",
        "requests",
    ),
    Plant("a length is whatever int() takes", "engine/head.py", 'rb"[0-9]{1,18}\\Z"', 'rb"[+_0-9]{1,18}\\Z"', "requests"),
    Plant(
        "nominated fields are forwarded",
        "engine/head.py",
        "            names |= self.nominated\n",
        "            pass\n",
        "requests",
    ),
    Plant(
        "X_Forwarded_For is forwarded", "engine/head.py", 'if number == fields.OTHER and b"_" in name:', "if False:", "requests"
    ),
    Plant(
        "of two Host fields the first counts", "engine/head.py", "if self.repeats >> fields.HOST & 1:", "if False:", "requests"
    ),
    Plant(
        "of fields, a bare CR is a value's",
        "engine/head.py",
        "if c == 9 or 32 <= c != 127)  # RFC 9110",
        "if c in (9, 13) or 32 <= c != 127)  # RFC 9110",
        "requests",
    ),
    Plant(
        "a chunk's end is not looked at",
        "engine/framing.py",
        'if data[at : at + 2] == b"\\r\\n":',
        "if end - at >= 2:",
        "chunks",
    ),
    Plant("a chunk's end that is cut is overlooked", "engine/framing.py", 'if data[at:] != b"\\r":', "if True:", "chunks"),
    Plant("trailers that frame pass", "engine/framing.py", "if name not in fields.NUMBERS:", "if True:", "chunks"),
    Plant(
        "an answer that was cut gets its last chunk",
        "engine/exchange.py",
        "        if self.response_left != UNTIL_CLOSE:\n            return ABORT\n",
        '        if self.response_left != UNTIL_CLOSE:\n            out.append(b"0\\r\\n\\r\\n")\n            return ABORT\n',
        "responses",
    ),
    Plant(
        "a 101 that nobody asked for is passed on",
        "engine/exchange.py",
        "if not self.upgrade or not head.upgrade:",
        "if not head.upgrade:",
        "responses",
    ),
    Plant(
        "an answer to HEAD has content",
        "engine/head.py",
        "if to_head or status < 200 or status in (204, 304):",
        "if status < 200 or status in (204, 304):",
        "responses",
    ),
    Plant(
        "a connection is kept that said close",
        "engine/exchange.py",
        "self.reuse = head.keep_alive and length",
        "self.reuse = length",
        "responses",
    ),
    Plant(
        "of normalised paths, dots stay if they are encoded",
        "engine/target.py",
        "    path = unescaped(path)\n    out: list",
        "    out: list",
        "routes",
    ),
    Plant(
        "the reading of an upstream that normalises is not looked at",
        "engine/routes.py",
        "if self.routes.find(before + plain) is not target:",
        "if False:",
        "routes",
    ),
    Plant(
        "a prefix need not end at a segment",
        "engine/target.py",
        'return prefix.endswith(b"/") or len(path) == len(prefix) or path[len(prefix)] == 0x2F',
        "return True",
        "routes",
    ),
    Plant(
        "removed routes leave their depth",
        "engine/routes.py",
        "                self.deepest = max(self._depths, default=0)\n",
        "                pass\n",
        "routes",
    ),
    Plant(
        "CR and LF of a request come into a Location",
        "engine/edits.py",
        "return value.translate(_WITHOUT_CONTROLS)",
        "return value",
        "edits",
    ),
    Plant(
        "X-Forwarded-For of a stranger is kept",
        "engine/template.py",
        "        chain = known\n",
        '        chain = b", ".join([*head.values(fields.X_FORWARDED_FOR), known])\n',
        "edits",
    ),
    Plant(
        "an unknown escape of a TOML path is a traceback",
        "config/toml/__init__.py",
        "    except tomllib.TOMLDecodeError as error:\n        return None, [_syntax(source, error)]\n",
        "",
        "toml",
    ),
    Plant(
        "what is no name is looked up",
        "config/apache/identity.py",
        "except (OSError, UnicodeError):",
        "except OSError:",
        "apache",
    ),
    Plant("a repeat of a repeat is left to `re`", "config/apache/regex.py", "or regex_cost.slow(tree)", "or False", "patterns"),
    Plant("a target's host may be anything", "routing/dynamic.py", "    if not named:\n", "    if False:\n", "api"),
    Plant(
        "a path may be encoded in any way",
        "api/rest.py",
        'unquote(raw, errors="strict")',
        'unquote(raw, errors="surrogateescape")',
        "api",
    ),
    Plant(
        "octets behind an answer are the next one",
        "engine/upstream.py",
        "        if connection.unsure:\n",
        "        if False:\n",
        "exchanges",
    ),
    Plant(
        "a request is sent again after some of an answer",
        "engine/forwarding.py",
        "if self.replay is None or self.repeated or exchange.answered:",
        "if self.replay is None or self.repeated:",
        "exchanges",
    ),
    Plant(
        "an answer that was cut ends with a FIN",
        "engine/answering.py",
        "        self.reset()\n",
        "        self.close()\n",
        "exchanges",
    ),
    Plant(
        "an upstream that is left stays open",
        "engine/answering.py",
        "        self.replay = None\n        if upstream is not None:\n            upstream.borrower = None\n            upstream.close()\n",
        "        self.replay = None\n        if upstream is not None:\n            upstream.borrower = None\n",
        "exchanges",
    ),
    Plant(
        "the end of one side of a tunnel is not told to the other",
        "engine/tunnel.py",
        "            sock.shutdown(socket.SHUT_WR)\n",
        "            pass\n",
        "exchanges",
    ),
)


def planted(plant: Plant, folder: Path) -> bool:
    """Make a copy of perijove with the fault; False if its place is gone."""
    shutil.copytree(_SOURCE, folder / "perijove", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    path = folder / "perijove" / plant.file
    text = path.read_text()
    if text.count(plant.right) != 1:
        return False
    path.write_text(text.replace(plant.right, plant.wrong))
    return True


def found(plant: Plant, seconds: float) -> str:
    """Plant a fault and look for it; return what is said of it, or nothing."""
    with tempfile.TemporaryDirectory(prefix="perijove-plant-") as name:
        folder = Path(name)
        if not planted(plant, folder):
            raise LookupError(f"the place of this plant is no longer in {plant.file} once: write it anew")
        environment = {**os.environ, "PERIJOVE_PURE": "1", "PYTHONPATH": name}
        command = [sys.executable, "-m", "tests.fuzz", "--first", "--seed", "1", "--seconds", str(seconds)]
        command += ["--target", plant.finder]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return ""
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line and not line.startswith("seed")]
        return f"{lines[0]}: {lines[-1]}"[:200] if lines else "it ends with a failure"


def main(seconds: float, finders: set[str]) -> int:
    """Look for those that some targets have to find; return the exit status."""
    missed = 0
    wanted = [plant for plant in PLANTS if plant.finder in finders]
    for plant in wanted:
        began = time.monotonic()
        try:
            said = found(plant, seconds)
        except LookupError as error:
            said, missed = "", missed + 1
            print(f"GONE    {plant.name}: {error}", flush=True)
            continue
        missed += not said
        print(
            f"{'found' if said else 'MISSED':7} {plant.name}: by {plant.finder}, {time.monotonic() - began:.0f} s: {said}",
            flush=True,
        )
    print(f"{len(wanted) - missed} of {len(wanted)} plants found")
    return int(missed > 0)
