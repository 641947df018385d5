"""What explain says that goes upstream is what the real Apache httpd sent there, for every recorded case that can be read.

And as `serve` does what is recorded (tests/oracle), it is what really arrives.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from perijove import config
from perijove.explain.model import Explanation, Request
from perijove.explain.run import explain
from perijove.explain.words import octets

CASES = Path(__file__).parent.parent / "oracle" / "cases"
PORTS = {"LISTEN": 8080, "LISTEN2": 8081, "LISTEN_TLS": 8443, "UPSTREAM": 9000, "UPSTREAM2": 9001, "UPSTREAM_TLS": 9443,
         "UPSTREAM_EXPIRED": 9444, "DEAD": 9999}  # fmt: skip
STATIC = {"core", "http", "log_config", "logio", "so", "unixd", "version", "watchdog"}
HTDOCS = {"htdocs/index.html": "local index\n", "htdocs/local.txt": "local file\n", "htdocs/static/s.txt": "local static\n"}
HANDSHAKE = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
# Hop-by-hop, or made anew for each hop.
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date"}
# Times (mod_headers' %t and %D), and who a Via names.
NUMBERS = re.compile(r"(\b[tD]=|^[^(]*\d (?:\S+) )(?:\d+|<number>|\([^)]*\))")
OPEN = json.loads((CASES.parent / "open.json").read_text())  # what perijove itself still does in another way than Apache
# Here fields that rules edit go upstream in another order than Apache's. `serve` sends them so, too: tests/oracle compares the
# order only where a case is strict. Whatever is put right must be taken out.
OTHER_ORDER = {
    "site-behind-a-load-balancer",
}
# Those that Apache does not start with have no request that could be compared.
NAMES = sorted(
    path.name.removesuffix(".golden.json") for path in CASES.glob("*.golden.json") if json.loads(path.read_text())["results"]
)


def filled(text: str, folder: Path) -> str:
    for name, port in PORTS.items():
        text = text.replace(f"{{{name}}}", f"127.0.0.1:{port}").replace(f"{{{name}_PORT}}", str(port))
    for name in ("CERT", "KEY", "CA"):
        text = text.replace(f"{{{name}}}", str(folder / f"{name.lower()}.pem"))
    return text.replace("{DIR}", str(folder)).replace("{SOCKET}", str(folder / "upstream.sock"))


def written(case: dict[str, Any], folder: Path) -> Path:
    """Write the case's configuration, with what every server needs before it."""
    text = case["config"] if isinstance(case["config"], str) else "\n".join(case["config"])
    for name in ("cert", "key", "ca"):
        (folder / f"{name}.pem").write_text("a file\n")
    for name, content in (HTDOCS | case.get("files", {})).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(filled(content, folder))
    wanted = dict.fromkeys(["mpm_event", "authz_core", *case.get("modules", [])])
    lines = [f'ServerRoot "{folder}"']
    lines += [f"LoadModule {one}_module /usr/lib/apache2/modules/mod_{one}.so" for one in wanted if one not in STATIC]
    lines += [f"Listen 127.0.0.1:{PORTS[name]}" for name in ("LISTEN", "LISTEN2", "LISTEN_TLS")]
    path = folder / "hub.conf"
    lines += ["ServerName front.test", f'DocumentRoot "{folder}/htdocs"', f'<Directory "{folder}/htdocs">']
    path.write_text("\n".join([*lines, "Require all granted", "</Directory>", filled(text, folder), ""]))
    return path


def request(asked: dict[str, Any], folder: Path) -> Request:
    # A record's characters are octets; what is typed in a shell is UTF-8.
    typed = [(name, value.encode("latin-1").decode("utf-8", "surrogateescape")) for name, value in asked.get("headers", [])]
    fields = [(name, filled(value, folder)) for name, value in typed]
    named = {name.lower() for name, _ in fields}
    if "host" not in named:
        fields.insert(0, ("Host", "hub.example.org"))
    if asked.get("websocket"):
        fields += [one for one in HANDSHAKE if one[0].lower() not in named]
    if "body" in asked and "content-length" not in named:
        fields.append(("Content-Length", str(len(asked["body"]))))
    scheme, name = ("https", "LISTEN_TLS") if asked.get("tls") else ("http", "LISTEN2" if asked.get("listen2") else "LISTEN")
    url = f"{scheme}://127.0.0.1:{PORTS[name]}{filled(asked['target'], folder)}"
    return Request(asked.get("method", "GET"), url, asked.get("from", "127.0.0.1"), tuple(fields), asked.get("version", "1.1"))


def compared(fields: Any) -> list[tuple[str, str]]:
    return [(name.lower(), NUMBERS.sub(r"\1<of its own>", value)) for name, value in fields if name.lower() not in HOP]


def octet(text: str) -> str:
    """Return a text of a record, whose characters are octets, as an explanation has it."""
    return octets(text.encode("latin-1", "surrogateescape"))


def difference(found: Explanation, result: dict[str, Any], folder: Path, strict: bool) -> str:
    """Return what differs from the record, or nothing; `strict` compares the order of fields, too."""
    if not result["upstream"]:
        # Apache may have tried: upstreams that are dead or that speak something else see no request.
        tried = found.sent is None or result["client"]["status"] in (0, 500, 502, 503)
        return "" if tried else f"Apache answers {result['client']['status']}, explain says: {found.summary}"
    if found.sent is None and found.answer is not None and found.answer.body.startswith("the page of "):
        return ""  # what is recorded is the request for an error page
    if found.sent is None:
        return f"Apache forwards, explain says: {found.summary}"
    if str(PORTS["DEAD"]) in found.summary:
        return ""  # nothing arrives there: what is recorded is the request for an error page
    arrived = result["upstream"][0]
    line = octet(filled(arrived["request_line"], folder))
    fields = compared((one, octet(filled(value, folder))) for one, value in arrived["headers"])
    if found.sent.line != line:
        return f"Apache sends {line}, explain says: {found.sent.line}"
    mine = compared(found.sent.fields)
    if any("choose one of" in does for one in found.rules for does in one.does):
        # Whose turn it is depends on the requests before; which of them it may be is said.
        mine = [one for one in mine if one[0] != "host"]
        fields = [one for one in fields if one[0] != "host"]
    if not strict:
        mine.sort()
        fields.sort()
    return "" if mine == fields else f"Apache sends {fields}, explain says: {mine}"


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_upstream(name: str, tmp_path: Path) -> None:
    case = json.loads((CASES / f"{name}.json").read_text())
    golden = json.loads((CASES / f"{name}.golden.json").read_text())
    loaded = config.load(str(written(case, tmp_path)), defines=case.get("defines", []))
    if loaded.gateway is None:
        pytest.skip(f"not read: {loaded.diagnostics[0].message}")
    found = []
    in_order = True
    open_ones = OPEN.get(name, [])
    for number, asked in enumerate(case["requests"]):
        if open_ones == "verdict" or number in open_ones or "otherwise" in asked:
            continue
        if (
            {"raw", "no_host", "tunnel", "chunked"} & set(asked)
            or not asked["target"].startswith("/")
            or "#" in asked["target"]
        ):
            continue  # a URL does not say all of it
        explained = explain(loaded.gateway, request(asked, tmp_path))
        one = difference(explained, golden["results"][number], tmp_path, name not in OTHER_ORDER)
        in_order = in_order and not difference(explained, golden["results"][number], tmp_path, True)
        if one:
            found.append(f"{name} {number}: {one}")
    assert not found, "\n".join(found)
    assert not (in_order and name in OTHER_ORDER), "as Apache orders them: take it out of OTHER_ORDER"
