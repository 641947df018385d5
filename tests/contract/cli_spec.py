"""configurable-http-proxy's own tests of its command line, unmodified, with `perijove chp` in its place.

`python -m tests.contract.cli_spec CHECKOUT`: its npm package has no tests, so CHECKOUT is its repository. Of its specs only
test/cli_spec.js starts the command; the others test its modules. What that asks is asked in `test_command` and `test_tls`, too.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from perijove.demo.node import tools

JASMINE = "jasmine@5"


def run(checkout: Path) -> int:
    """Run them; return Jasmine's exit status."""
    node, npm = tools()
    project = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory(prefix="cli-spec-") as folder:
        work = Path(folder)
        shutil.copytree(checkout / "test", work / "test")
        (work / "package.json").write_text("{}\n")
        command = work / "bin" / "configurable-http-proxy"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m perijove chp "$@"\n')
        command.chmod(0o755)
        env = {
            **os.environ,
            "PATH": os.pathsep.join((str(Path(node).parent), str(Path(npm).parent), os.environ.get("PATH", ""))),
            "PYTHONPATH": str(project / "src"),
            "NODE_TLS_REJECT_UNAUTHORIZED": "0",  # its certificate is nobody's
        }
        subprocess.run([npm, "install", "--no-audit", "--no-fund", "--loglevel=error", JASMINE], cwd=work, env=env, check=True)
        script = work / "node_modules" / "jasmine" / "bin" / "jasmine.js"
        return subprocess.run(
            [node, str(script), "--random=false", "test/cli_spec.js"], cwd=work, env=env, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
