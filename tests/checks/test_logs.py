"""What logs say, and of which line: of logs that real servers wrote (`logs/record.py`), and of a real Apache that is asked now."""

import gzip
import io
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.checks.logs import record

from perijove.checks.catalogue import checks
from perijove.checks.logs import apache, jupyter, reading, reference
from perijove.checks.logs.family import Family
from perijove.cli import main
from perijove.demo.processes import free_port

HERE = Path(__file__).parent / "logs"
CONF = str(HERE / "broken.conf")
FAMILIES: tuple[Family, ...] = (*apache.FAMILIES, *jupyter.FAMILIES)
# What a family's messages look like: one at least of each, as httpd 2.4's sources and JupyterHub's and its like have them.
LINES = {
    "no-protocol-handler": "AH01144: No protocol handler was valid for the URL /user/x/api/kernels/1/channels (scheme 'ws'). If you",
    "upstream-connection-forbidden": "(13)Permission denied: AH00957: HTTP: attempt to connect to 127.0.0.1:8000 (127.0.0.1) failed",
    "upstream-refuses-connection": "AH01114: HTTP: failed to make connection to backend: 127.0.0.1",
    "tls-to-upstream-not-enabled": "AH00961: https: failed to enable ssl support for 127.0.0.1:8000 (127.0.0.1)",
    "upstream-tls-fails": "AH02039: Certificate Verification: Error (20): unable to get local issuer certificate",
    "upstream-name-unknown": "AH00898: DNS lookup failure for: hub returned by /hub/",
    "upstream-timeout": "(70007)The timeout specified has expired: AH01102: error reading status line from remote server h:1",
    "upstream-speaks-no-http": "AH01102: error reading status line from remote server 127.0.0.1:8000",
    "request-content-not-passed": "(32)Broken pipe: AH01084: pass request body failed to 127.0.0.1:8000 (127.0.0.1)",
    "configuration-refused": "AH00526: Syntax error on line 5 of /etc/apache2/sites-enabled/broken.conf:",
    "client-denied": "AH01630: client denied by server configuration: /var/www/html/hub",
    "encoded-slash-seen": "AH00026: found %2f (encoded '/') in URI (decoded='/a/b'), returning 404",
    "path-refused": "AH10244: invalid URI path (/%%32%65)",
    "rewrite-loop": "AH00124: Request exceeded the limit of 10 internal redirects due to probable configuration error.",
    "rewritten-path-refused": "AH10508: Unsafe URL with %3f URL rewritten without UnsafeAllow3F",
    "rewrite-not-allowed": "AH00670: Options FollowSymLinks and SymLinksIfOwnerMatch are both off, so the RewriteRule directive is also",
    "hub-path-not-proxied": "AH00128: File does not exist: /var/www/html/user/ann/lab",
    "address-taken": "(98)Address already in use: AH00072: make_sock: could not bind to address [::]:80",
    "workers-used-up": "AH00484: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting",
    "certificate-not-usable": "AH02572: Failed to configure at least one certificate and key for hub.example.org:443",
    "certificate-of-another-name": "AH01909: hub.example.org:443:0 server certificate does NOT include an ID which matches the server name",
    "another-host-than-sni": "AH02032: Hostname a provided via SNI and hostname b provided via HTTP have no compatible SSL setup",
    "server-name-unset": "AH00558: apache2: Could not reliably determine the server's fully qualified domain name, using ::1.",
    "fastcgi-fails": "AH01071: Got error 'Primary script unknown'",
    "cross-origin-blocked": "[W 15:10:30.385 NotebookApp] Blocking Cross Origin WebSocket Attempt.  Origin: https://a, Host: 127.0.0.1:8888",
    "host-not-local": "[W 2026-11-27 10:00:00.000 ServerApp] Blocking request with non-local 'Host' hub.example.org (1). If the server",
    "websocket-not-upgraded": "[W 2026-11-27 10:00:00.000 ServerApp] 400 GET /user/ann/api/kernels/1/channels?session_id=x (ann@::1) 1ms",
    "websocket-forbidden": "[W 2026-11-27 10:00:00.000 ServerApp] 403 GET /user/ann/api/kernels/1/channels (ann@::1) 1ms",
    "websocket-path-unknown": "[W 2026-11-27 10:00:00.000 ServerApp] 404 GET /user/ann/terminals/websocket/1 (ann@::1) 1ms",
    "websocket-cut": "[W 2026-11-27 10:00:00.000 ServerApp] WebSocket ping timeout after 90000 ms.",
    "xsrf-mismatch": "[W 2026-11-27 10:00:00.000 JupyterHub web:1873] 403 POST /hub/login (::1): XSRF cookie does not match POST argument",
    "login-state-lost": "[W 2026-11-27 10:00:00.000 ServerApp] 403 GET /user/a/oauth_callback: oauth state does not match. Try logging in again.",
    "redirect-loop": "[I 2026-11-27 10:00:00.000 JupyterHub log:191] 302 GET /jupyter/hub/hub/login -> /jupyter/hub/hub/ (@::1) 1ms",
    "prefix-doubled": "[W 2026-11-27 10:00:00.000 JupyterHub log:191] 404 GET /jupyter/jupyter/hub/login (@::1) 1ms",
    "hub-at-another-path": "[W 2026-11-27 10:00:00.000 JupyterHub log:191] 404 GET /jupyter/hub/login?next=%2F (@::1) 1ms",
    "proxy-api-fails": "[W 2026-11-27 10:00:00.000 JupyterHub proxy:985] api_request to the proxy failed with status code 599, retrying...",
    "hub-api-unreachable": "[E 2026-11-27 10:00:00.000 ServerApp] Failed to connect to my Hub at http://hub:8081/hub/api (attempt 1/5). Is it running?",
    "user-server-gone": "10:00:00.000 [ConfigProxy] error: 503 GET /user/ann/ connect ECONNREFUSED 127.0.0.1:50000",
    "hub-not-behind-its-proxy": "2026-11-28T05:14:06.301Z [ConfigProxy] error: Failed to get custom error page: Error: connect ECONNREFUSED ::1:1",
    "user-server-unreachable": "[W 2026-11-27 10:00:00.000 JupyterHub user:1] ann's server never showed up at http://10.0.0.1:80/ after 30 seconds",
    "port-taken": "[E 2026-11-27 10:00:00.000 JupyterHub app:1] OSError: [Errno 98] Address already in use",
    "tls-to-plain-port": "[W 2026-11-27 10:00:00.000 JupyterHub http1connection:1] Malformed HTTP message from 127.0.0.1: Malformed HTTP request line",
}


def read(*lines: str | bytes) -> reading.Log:
    octets = b"\n".join(one.encode() if isinstance(one, str) else one for one in lines)
    return reading.read("a.log", io.BytesIO(octets))


def run(*arguments: str, octets: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *arguments], input=octets)


def said(*arguments: str) -> dict[str, Any]:
    found = run(*arguments, "--json")
    assert found.exit_code == 1, found.output
    return json.loads(found.stdout)


def test_every_family_has_a_line_and_finds_it() -> None:
    assert set(LINES) == {one.name for one in FAMILIES}
    for name, line in LINES.items():
        assert {family for family, _ in read(line).seen} == {name}, line


def test_names_are_of_one_thing() -> None:
    assert len({one.name for one in FAMILIES}) == len(FAMILIES)
    assert not {one.name for one in FAMILIES} & set(checks())
    for one in FAMILIES:
        assert one.confirms <= set(checks()), one.name
        re.compile(one.pattern)


def test_what_real_servers_wrote_is_tied_to_lines() -> None:
    found = said(CONF, "--log", str(HERE / "apache.log"), "--log", str(HERE / "hub.log"))
    seen = {
        (one["name"], one["line"]): [each["times"] for each in one["evidence"]]
        for one in found["diagnostics"]
        if "evidence" in one
    }
    assert seen == {
        ("hub-host-not-preserved", 28): [3],
        ("upstream-refuses-connection", 6): [2],
        ("rewrite-loop", None): [1],
        ("no-protocol-handler", 5): [1],
        ("upstream-name-unknown", 7): [1],
        ("upstream-speaks-no-http", 8): [1],
        ("tls-on-one-side", 24): [1],
        ("websocket-route-missing", 28): [1],
        ("websocket-path-unknown", 28): [3],
        ("hub-not-behind-its-proxy", None): [2],
        ("hub-path-not-proxied", 2): [1],
        ("client-denied", 8): [1],
        ("upstream-timeout", 9): [1],
        ("rewrite-noescape-proxied", 11): [1],
        ("encoded-slash-refused", 28): [1],
        ("path-refused", None): [1],
    }
    assert {one["path"]: one["unknown"] for one in found["logs"]} == {str(HERE / "apache.log"): 0, str(HERE / "hub.log"): 8}
    evidence = next(one["evidence"][0] for one in found["diagnostics"] if one["name"] == "hub-host-not-preserved")
    assert evidence["path"] == str(HERE / "hub.log")
    assert "Blocking Cross Origin" in evidence["text"]
    assert evidence["first"]
    assert evidence["last_line"] > evidence["line"]


@pytest.mark.server
def test_a_real_apache_s_log_is_tied_to_lines(tmp_path: Path) -> None:
    junk, slow = record.Junk(0), record.Junk(5)
    ports = {"LISTEN": free_port(), "DEAD": free_port(), "JUNK": junk.port, "SLOW": slow.port, "HUB": free_port()}
    (tmp_path / "apache").mkdir()
    for one in (tmp_path, *tmp_path.parents):  # Apache is another user
        if one != Path(tempfile.gettempdir()) and one.is_relative_to(tempfile.gettempdir()):
            one.chmod(one.stat().st_mode | 0o055)
    server = record.Apache(tmp_path / "apache", (HERE / "broken.conf").read_text(), ports)
    try:
        record.ask(server.port)
    finally:
        server.stop()
        junk.close()
        slow.close()
    # What a host is for is also told by its ports: those of the file, as in the log that is kept.
    log = tmp_path / "error.log"
    log.write_text(record.as_written(server.log.read_text("utf-8", "replace"), ports))
    found = said(CONF, "--log", str(log))
    seen = {(one["name"], one["line"]) for one in found["diagnostics"] if "evidence" in one}
    assert seen >= {
        ("upstream-refuses-connection", 6),
        ("rewrite-loop", None),
        ("no-protocol-handler", 5),
        ("upstream-name-unknown", 7),
        ("upstream-speaks-no-http", 8),
        ("tls-on-one-side", 24),
        ("upstream-timeout", 9),
        ("rewrite-noescape-proxied", 11),
    }
    assert found["logs"][0]["unknown"] == 0


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hub.conf").write_text(
        "<VirtualHost *:80>\nServerName hub.example.org\nProxyPreserveHost On\n"
        "ProxyPass / http://127.0.0.1:8000/ upgrade=websocket\n</VirtualHost>\n"
    )
    return tmp_path


def test_a_line_that_apache_names(here: Path) -> None:
    (here / "start.log").write_text(
        "AH00526: Syntax error on line 4 of /etc/apache2/sites-enabled/hub.conf:\nInvalid command\n"
    )
    found = said("hub.conf", "--log", "start.log")["diagnostics"][0]
    assert (found["name"], found["path"], found["line"]) == ("configuration-refused", "hub.conf", 4)


def test_websockets_that_arrive_as_plain_requests(here: Path) -> None:
    (here / "hub.log").write_text(LINES["websocket-not-upgraded"] + "\n")
    found = said("hub.conf", "--log", "hub.log")["diagnostics"][0]
    assert (found["name"], found["line"]) == ("websocket-not-upgraded", 4)


def test_text_and_other_forms(here: Path) -> None:
    (here / "a.log").write_text(
        "".join(f"[Fri Nov 27 10:00:0{n} 2026] [proxy:error] {LINES['upstream-speaks-no-http']}\n" for n in range(3))
    )
    text = run("hub.conf", "--log", "a.log").stdout
    assert (
        "  = log: seen 3 times in a.log, first in line 1 (Fri Nov 27 10:00:00 2026), last in line 3 (Fri Nov 27 10:00:02 2026)"
        in text
    )
    assert "[!] Apache's logs were looked at – upstream-speaks-no-http" in text
    assert "a.log: Apache's error log, 3 lines, 3 explained" in text
    sarif = json.loads(run("hub.conf", "--log", "a.log", "--format", "sarif").stdout)["runs"][0]
    result = next(one for one in sarif["results"] if one["ruleId"] == "upstream-speaks-no-http")
    assert result["relatedLocations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a.log"},
        "region": {"startLine": 1},
    }
    assert "seen 3 times in a.log" in run("hub.conf", "--log", "a.log", "--format", "github").stdout


def test_logs_alone_packed_and_by_standard_input(here: Path) -> None:
    line = f"[Fri Nov 27 10:00:00 2026] [proxy:error] {LINES['upstream-speaks-no-http']}\n".encode()
    with gzip.open(here / "a.log.gz", "wb") as file:
        file.write(line)
    for found in (run("--log", "a.log.gz"), run("--log", "-", octets=line)):
        assert found.exit_code == 1
        assert "[upstream-speaks-no-http]" in found.stdout
        assert "Checklist" not in found.stdout
    assert run("-", "--log", "-").exit_code == 2
    (here / "b.log.gz").write_bytes(b"no gzip")
    for name in ("b.log.gz", "none.log"):
        found = run("hub.conf", "--log", name)
        assert found.exit_code == 2
        assert f"`{name}` cannot be read" in found.stderr


def test_select_and_ignore_are_for_messages_too(here: Path) -> None:
    (here / "a.log").write_text(LINES["rewrite-loop"] + "\n")
    assert run("hub.conf", "--log", "a.log", "--ignore", "rewrite-loop").exit_code != 2
    assert "rewrite-loop]" not in run("hub.conf", "--log", "a.log", "--ignore", "rewrite-loop").stdout
    assert "[rewrite-loop]" in run("hub.conf", "--log", "a.log", "--select", "rewrite-loop").stdout


def test_what_is_told_in_several_lines_counts_once() -> None:
    log = read(*["(111)Connection refused: AH00957: http: attempt to connect to 127.0.0.1:8000 (127.0.0.1:8000) failed",
                 "AH01114: HTTP: failed to make connection to backend: 127.0.0.1"] * 5)  # fmt: skip
    assert log.explained == 10
    assert sorted(one.codes.total() for one in log.seen.values()) == [5, 5]


def test_lines_nobody_knows_are_counted() -> None:
    log = read(
        "[Fri Nov 27 10:00:00.1 2026] [foo:error] [pid 1] AH99999: something new",
        "[Fri Nov 27 10:00:00.1 2026] [mpm_event:notice] [pid 1] AH00489: resuming normal operations",
        "",
        "  what goes on with the line before",
        "[E 2026-11-27 10:00:00.000 JupyterHub x:1] something else",
    )
    assert (log.lines, log.explained, log.unknown, log.unknown_line) == (5, 0, 2, 1)
    assert read("what is this").unknown == 1
    assert read("what is this").kind == "no log that is known"


def test_what_is_kept_is_bounded() -> None:
    line = "[E] AH01144: No protocol handler was valid for the URL /{}/x (scheme 'ws')"
    log = read(*(line.format(n) for n in range(5000)))
    assert log.explained == 5000
    assert len(log.seen) <= 65
    long = read(b"x" * 10_000_000 + b" AH00124: exceeded the limit of 10 internal redirects", LINES["rewrite-loop"])
    assert (long.lines, long.explained) == (2, 1)


def test_a_large_log_is_read_piece_by_piece() -> None:
    class Endless(io.RawIOBase):
        left = 40

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= 1 << 20
            self.left -= 1
            return LINES["rewrite-loop"].encode().ljust(200) + b"\n" + b"\xff" * (size - 201) if self.left else b""

    told: list[str] = []
    log = reading.read("a.log", Endless(), told.append)
    assert (log.lines, log.explained) == (40, 1)  # all but the first are in the middle of a line


def test_the_reference_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "log-messages.md"
    assert page.read_text(encoding="utf-8") == reference.reference()
    found = run("--explain", "no-protocol-handler")
    assert found.exit_code == 0
    assert "AH01144" in found.stdout


@pytest.fixture
def apachectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real Apache, that reads a configuration of ours."""
    conf = tmp_path / "main.conf"
    site = tmp_path / "hub.conf"
    site.write_text("<VirtualHost *:8080>\nServerName hub.example.org\nProxyPass / http://127.0.0.1:8000/\n</VirtualHost>\n")
    modules = "".join(
        f"LoadModule {one}_module {record.MODULES}/mod_{one}.so\n" for one in ("mpm_event", "authz_core", "proxy", "proxy_http")
    )
    conf.write_text(
        f'ServerRoot "{tmp_path}"\nDefaultRuntimeDir {tmp_path}\nServerName a.test\n{modules}Listen 127.0.0.1:8080\nErrorLog {tmp_path}/e.log\nInclude {site}\n'
    )
    command = tmp_path / "bin" / "apache2ctl"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {record.APACHE} -f {conf} "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent))
    return site


@pytest.mark.server
def test_live(apachectl: Path) -> None:
    found = said("--live")
    assert {one["path"] for one in found["diagnostics"]} == {str(apachectl)}
    assert {"hub-host-not-preserved", "websocket-route-missing"} <= {one["name"] for one in found["diagnostics"]}
    boxes = {one["text"]: one["ticked"] for one in found["checklists"][0]["boxes"]}
    assert boxes["Apache is 2.4 or higher"] is True
    assert boxes["proxy, proxy_http and headers are enabled, as far as they are used"] is True
    # Of another file it is known what is loaded, and that nobody reads it.
    other = apachectl.with_name("other.conf")
    other.write_text(apachectl.read_text().replace("ProxyPass", "RequestHeader set X-A b\nProxyPass"))
    names = {(one["name"], one["line"]) for one in said("--live", str(other))["diagnostics"]}
    assert names >= {("module-not-loaded", 3), ("file-not-read", 1)}
    # What Apache does not start with, it says itself.
    apachectl.write_text(other.read_text())
    names = {(one["name"], one["line"]) for one in said("--live", str(apachectl))["diagnostics"]}
    assert ("configuration-refused", 3) in names
    assert "file-not-read" not in {name for name, _ in names}


def test_live_without_an_apache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("perijove.checks.live._FOLDERS", ())
    found = run("--live")
    assert found.exit_code == 2
    assert "there is no Apache here" in re.sub(r"\s+", " ", found.output.replace("│", ""))
    for name, script in (("broken", "exit 1"), ("slow", "sleep 30")):
        command = tmp_path / "apachectl"
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
        monkeypatch.setattr("perijove.checks.live._SECONDS", 0.2)
        found = run("--live")
        assert found.exit_code == 2, name
        assert "does not say which Apache it is" in re.sub(r"\s+", " ", found.output.replace("│", ""))


def test_no_terminal_no_progress(here: Path) -> None:
    (here / "a.log").write_text("x\n")
    assert sys.stderr is not None
    assert "\r" not in run("hub.conf", "--log", "a.log").stderr
