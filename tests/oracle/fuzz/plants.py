"""Faults that are planted in copies of perijove's lowering: the fuzz has to find each of them.

A plant is a change of one line of source. Where that line is no longer there, the plant must be written anew: it says so.
Knows the lowering's source as text.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.oracle.fuzz.batch import Outcome, judge, played, together, verdicts
from tests.oracle.fuzz.classes import accepted
from tests.oracle.fuzz.grammar import TOGETHER, drawn
from tests.oracle.play import OURS, REAL, Candidate
from tests.oracle.stage import Certificates, Stage
from tests.oracle.upstream import Desk, Upstream

import perijove

_SOURCE: Final = Path(perijove.__file__).parent


@dataclass(frozen=True)
class Plant:
    """A fault: in a file, what stands there once, and what would be wrong."""

    name: str
    file: str
    right: str
    wrong: str


PLANTS: Final[tuple[Plant, ...]] = (
    Plant(
        "of sections, the first wins",
        "translate.py",
        """for section in reversed(host.walked):""",
        """for section in host.walked:""",
    ),
    Plant(
        "of ProxyPass, the longest prefix wins",
        "translate.py",
        """in level.said.get("proxy-pass", ()):""",
        """in sorted(level.said.get("proxy-pass", ()), key=lambda one: -len(one.path)):""",
    ),
    Plant(
        "the host's ProxyPass comes before the main server's",
        "translate.py",
        """for level in host.levels.scopes:""",
        """for level in reversed(host.levels.scopes):""",
    ),
    Plant(
        "RewriteRule comes after ProxyPass",
        "lower.py",
        """    rewrite_phases.rules_of_server(host.scope, flow, proxied, translated, site)
    translate.decoded(flow, host, mapper, proxied)
""",
        """    translate.decoded(flow, host, mapper, proxied)
    rewrite_phases.rules_of_server(host.scope, flow, proxied, translated, site)
""",
    ),
    Plant(
        "a section's ProxyPass beats its Redirect",
        "aliases.py",
        """        _whole(flow, host, section, section.condition)
""",
        """        pass
""",
    ),
    Plant("of RequestHeader, the outermost comes last", "requests.py", "for scope in host.merged\n        for one in scope.request",
          "for scope in reversed(host.merged)\n        for one in scope.request"),
    Plant("`ProxyPass /x !` is ignored", "mapping.py", "            flow.go(declined, when, one.origin)\n", "            pass\n"),
    Plant("ProxyPassMatch looks at the path as it was sent", "passes.py", "return PathMatches(one.pattern)",
          "return Matches((Variable.PATH,), one.pattern, captures=True)"),
    Plant("`upgrade=websocket` is ignored", "upstreams.py", """if asked in ("websocket", "any"):""", """if asked == "any":"""),
    Plant("`nocanon` is ignored", "directives/mod_proxy.py", "entry.nocanon = True", "entry.nocanon = False"),
    Plant("the path of `Location ~` is always a prefix for ProxyPass", "directives/mod_proxy.py",
          "if regex or is_wildcard(entry.path):", "if regex:"),
    Plant("captures are off by one", "paths.py", "Capture(int(after))", "Capture(max(0, int(after) - 1))"),
    Plant("ProxyPassReverse needs a segment to end behind the URL", "responses.py", "in members(one.url, one.path):",
          """in members(one.url.rstrip("/") + "/", one.path):"""),
    Plant("[R] loses the query", "directives/rewrite_results.py", "flow.add(split, Redirect(status, (*location, Variable.SEARCH)), Then.STOP, span)",
          "flow.add(split, Redirect(status, location), Then.STOP, span)"),
    Plant("[QSA] is ignored", "directives/rewrite_rules.py", "SplitQuery(flags.append, ", "SplitQuery(False, "),
    Plant("[NC] of RewriteRule is ignored", "directives/rewrite_syntax.py", "regex(pattern, said.nocase)", "regex(pattern, False)"),
    Plant("[OR] of RewriteCond is ignored", "directives/rewrite_conditions.py", "if not one.ornext:", "if True:"),
    Plant("Header always is as Header onsuccess", "directives/mod_headers.py", """always = words.pop(0).text.lower() == "always\"""",
          """always = words.pop(0).text == "\""""),
    Plant("ServerAlias is ignored", "servers.py", """(*written, *scope.said.get("server-alias", ()))""", "written"),
    Plant("the port of ServerName is ignored in the server's own URLs", "identity.py", "return Identity(name, int(port), ", "return Identity(name, 0, "),
)  # fmt: skip


def spoil(plant: Plant, folder: Path) -> Path:
    """Copy perijove to a folder and plant a fault in it.

    Raises:
        LookupError: what should stand there does not, or more than once.
    """
    shutil.copytree(_SOURCE, folder / "perijove", ignore=shutil.ignore_patterns("*.so", "__pycache__", "demo/hub*"))
    path = folder / "perijove" / "config" / "apache" / plant.file
    text = path.read_text()
    if text.count(plant.right) != 1:
        raise LookupError(
            f"{plant.name}: {plant.file} has {text.count(plant.right)} times what was to be changed: {plant.right}"
        )
    path.write_text(text.replace(plant.right, plant.wrong))
    return folder


def main(seed: int, count: int, _jobs: int) -> int:
    """Search for each plant among `count` configurations; return the exit status."""
    print(f"seed {seed}", flush=True)
    certificates = Certificates.make()
    root = Path(tempfile.mkdtemp(prefix="perijove-plants."))
    try:
        servers = {plant: _server(plant, root / str(number)) for number, plant in enumerate(PLANTS)}
        missing = dict(servers)
        began = time.monotonic()
        for number in range((count + TOGETHER - 1) // TOGETHER):
            for plant, (after, what) in _search(seed, number, missing, certificates).items():
                del missing[plant]
                print(f"{plant.name}: found with configuration {number * TOGETHER + after + 1}: {what}", flush=True)
            if not missing:
                break
        for plant in missing:
            print(f"{plant.name}: not found in {count} configurations")
        print(f"{len(PLANTS) - len(missing)} of {len(PLANTS)} planted faults found in {time.monotonic() - began:.0f} s")
    finally:
        certificates.remove()
        shutil.rmtree(root)
    return 1 if missing else 0


def _server(plant: Plant, folder: Path) -> Candidate:
    folder.mkdir()
    start = f"env PYTHONPATH={spoil(plant, folder)} PERIJOVE_PURE=1 "
    return replace(OURS, serve=start + OURS.serve, check=start + OURS.check)


def _search(
    seed: int, number: int, servers: dict[Plant, Candidate], certificates: Certificates
) -> dict[Plant, tuple[int, str]]:
    """Play a batch; return the plants that are found, each with the first configuration that shows it and a line of how.

    What differs without a plant finds none.
    """
    outcomes = [Outcome(one) for one in drawn(seed, number)]
    verdicts(outcomes, certificates)
    places = [at for at, one in enumerate(outcomes) if not one.apache and not one.ours]
    smalls = [outcomes[at].small for at in places]
    stage = Stage(together(smalls), certificates, len(smalls))
    desk = Desk()
    upstreams = [Upstream(name, stage.listener(name), desk) for name in ("UPSTREAM", "UPSTREAM2")]
    found: dict[Plant, tuple[int, str]] = {}
    try:
        stage.set()
        golden = played(stage, desk, smalls, REAL)["configurations"]
        usual = played(stage, desk, smalls, OURS)["configurations"]
        for plant, candidate in servers.items():
            spoiled = played(stage, desk, smalls, candidate)["configurations"]
            for at, expected, ours, its in zip(places, golden, usual, spoiled, strict=True):
                before, after = Outcome(outcomes[at].small), Outcome(outcomes[at].small)
                judge(before, expected, ours)
                judge(after, expected, its)
                new = [
                    lines
                    for one, lines in after.different.items()
                    if one not in before.different and not accepted(after.small.requests[one], lines)
                ]
                if new:
                    found[plant] = at, " ".join(new[0][1:3])[:150]
                    break
    finally:
        for one in upstreams:
            one.close()
        stage.strike()
    return found
