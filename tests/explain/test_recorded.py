"""What explain says that goes upstream is what the real Apache httpd sent there, for every recorded case that can be read."""

import json
from pathlib import Path
from typing import Any

import pytest

from perijove import config
from perijove.explain.model import Explanation, Request
from perijove.explain.run import explain

CASES = Path(__file__).parent.parent / "oracle" / "cases"
PORTS = {"LISTEN": 8080, "LISTEN2": 8081, "LISTEN_TLS": 8443, "UPSTREAM": 9000, "UPSTREAM2": 9001, "UPSTREAM_TLS": 9443,
         "UPSTREAM_EXPIRED": 9444, "DEAD": 9999}  # fmt: skip
STATIC = {"core", "http", "log_config", "logio", "so", "unixd", "version", "watchdog"}
HANDSHAKE = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
# Hop-by-hop, or made anew for each hop.
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date"}
REQUESTS = [
    (path.stem, number)
    for path in sorted(CASES.glob("*.json"))
    if not path.name.endswith(".golden.json")
    for number in range(len(json.loads(path.read_text())["requests"]))
]


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
        (folder / f"{name}.pem").touch()
    for name, content in case.get("files", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(filled(content, folder))
    wanted = dict.fromkeys(["mpm_event", "authz_core", *case.get("modules", [])])
    lines = [f'ServerRoot "{folder}"']
    lines += [f"LoadModule {one}_module /usr/lib/apache2/modules/mod_{one}.so" for one in wanted if one not in STATIC]
    lines += [f"Listen 127.0.0.1:{PORTS[name]}" for name in ("LISTEN", "LISTEN2", "LISTEN_TLS")]
    path = folder / "hub.conf"
    path.write_text("\n".join([*lines, "ServerName front.test", filled(text, folder), ""]))
    return path


def explained(case: dict[str, Any], asked: dict[str, Any], folder: Path) -> Explanation:
    loaded = config.load(str(written(case, folder)), defines=case.get("defines", []))
    if loaded.gateway is None:
        pytest.skip(f"not read: {loaded.diagnostics[0].message}")
    fields = [(name, filled(value, folder)) for name, value in asked.get("headers", [])]
    named = {name.lower() for name, _ in fields}
    if "host" not in named and not asked.get("no_host"):
        fields.insert(0, ("Host", "hub.example.org"))
    if asked.get("websocket"):
        fields += [one for one in HANDSHAKE if one[0].lower() not in named]
    if "body" in asked and "content-length" not in named:
        fields.append(("Content-Length", str(len(asked["body"]))))
    listener = "LISTEN_TLS" if asked.get("tls") else "LISTEN2" if asked.get("listen2") else "LISTEN"
    scheme = "https" if asked.get("tls") else "http"
    url = f"{scheme}://127.0.0.1:{PORTS[listener]}{filled(asked['target'], folder)}"
    request = Request(asked.get("method", "GET"), url, "127.0.0.1", tuple(fields), asked.get("version", "1.1"))
    return explain(loaded.gateway, request)


def compared(fields: Any) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in fields if name.lower() not in HOP)


@pytest.mark.parametrize(("name", "number"), REQUESTS)
def test_what_goes_upstream(name: str, number: int, tmp_path: Path) -> None:
    case = json.loads((CASES / f"{name}.json").read_text())
    golden = json.loads((CASES / f"{name}.golden.json").read_text())
    asked = case["requests"][number]
    if not golden["results"]:
        pytest.skip("Apache does not start")
    if "raw" in asked or not asked["target"].startswith("/"):
        pytest.skip("a URL does not say all of it")
    result = golden["results"][number]
    found = explained(case, asked, tmp_path)
    if not result["upstream"]:
        if found.sent is not None:
            assert result["client"]["status"] in (500, 502, 503), "Apache sends nothing, and does not try to"
        return
    assert found.sent is not None, found.summary
    arrived = result["upstream"][0]
    assert found.sent.line == filled(arrived["request_line"], tmp_path)
    assert compared(found.sent.fields) == compared((one, filled(value, tmp_path)) for one, value in arrived["headers"])
