"""What mod_rewrite's rules come to, of configurations as small as the recorded cases have: they are lowered and run.

The rest of httpd's dialect is here as far as those cases need it: sections, ProxyPass, names. Nothing of it is tested here.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perijove.config.apache.directives import REGISTRY, mod_rewrite, rewrite_phases
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.own_names import own_names
from perijove.config.apache.scope import Kind, Scope
from perijove.engine.buffer import Buffer
from perijove.engine.const import FOUND
from perijove.engine.head import Limits, RequestHead
from perijove.engine.peer import Peer
from perijove.engine.program import Program
from perijove.engine.state import DECODED, KEPT, REFUSED
from perijove.gateway.actions import Encoding, ForwardTo, Nothing, Refuse, SetNote
from perijove.gateway.conditions import (
    Always,
    Compares,
    Comparison,
    Condition,
    Matches,
    Never,
    Not,
    PathMatches,
    PathPrefix,
    Pattern,
)
from perijove.gateway.rules import Then
from perijove.gateway.templates import Capture, Fact, RequestField, Rest, Template, Variable
from perijove.routing.conditions import SETTINGS
from perijove.routing.steps import Building
from perijove.text.source import Source, Span

CASES = Path(__file__).parents[4] / "oracle/cases"
DIRECTIVES = {name: meaning for name, meaning in REGISTRY.items() if meaning.__module__ == mod_rewrite.__name__}
# What the helper takes no notice of: other modules' directives, which decide nothing in these cases.
OTHERS = {
    "ProxyPreserveHost", "RequestHeader", "SSLEngine", "SSLCertificateFile", "SSLCertificateKeyFile", "SetEnvIf",
}  # fmt: skip


@dataclass(frozen=True)
class Word:
    text: str


@dataclass(frozen=True)
class Line:
    rest: Word
    span: Span

    @property
    def words(self) -> list[Word]:
        return [Word(one) for one in shlex.split(self.rest.text)]


@dataclass
class Upstream:
    name: str
    authority: bytes
    scheme: str
    tls: object = None


@dataclass
class Server:
    """A configuration that was read, and runs."""

    scope: Scope
    faults: list[Any]
    main: Scope | None = None
    names: list[str] = field(default_factory=list)
    port: int = 0
    address: str = ""
    canonical: bool = False
    slashes: int = REFUSED
    proxied: list[tuple[Scope, str, str]] = field(default_factory=list)  # a scope, a path, a URL or "!"
    noted: list[tuple[str, str, str]] = field(default_factory=list)  # SetEnvIf
    document_root: str = "/nowhere/htdocs"
    upstreams: dict[str, Upstream] = field(default_factory=dict)
    program: Program | None = None

    def upstream(self, scope: Scope, url: str, span: Span | None) -> str | Refuse:
        scheme, _, authority = url.partition("://")
        if scheme in ("https", "wss") and "ssl" not in self.scope.modules:
            return Refuse(500)
        self.upstreams.setdefault(url, Upstream(url, authority.encode(), scheme))
        return url

    def find(self, scheme: bytes, authority: bytes) -> Upstream | None:
        if scheme not in (b"http", b"https", b"ws", b"wss"):
            return None
        url = f"{scheme.decode()}://{authority.decode('latin-1')}"
        return Upstream(url, authority, scheme.decode())

    def start(self) -> Program:
        own = None
        hosts = [re.escape(one).replace(r"\*", ".*") for one in self.names] if self.port else []
        authorities = [f"{one}:{self.port}" for one in hosts] + ([re.escape(self.address)] if self.address else [])
        authorities += hosts if self.port == 80 else []
        if authorities:
            own = Matches(
                (Fact.HELD,), Pattern(rf"(?i)\Ahttp://(?:{'|'.join(authorities)})(?:/(.*))?\Z".encode(), 1), captures=True
            )
        names = own_names(self.names[0] if self.names else "front.test", self.port, self.canonical, self.document_root)
        encoding = Encoding.SLASHES if self.slashes == KEPT else Encoding.CANONICAL
        site = rewrite_phases.Site(names, self.upstream, expression, encoding, own)
        flow, proxied, sections = Flow(), Label(), Label()
        for field_name, pattern, assigned in self.noted:
            name, _, value = assigned.partition("=")
            uri = field_name == "Request_URI"
            subject: Template = (Variable.PATH if uri else RequestField(field_name.lower().encode()),)
            made = (Capture(1),) if value == "$1" else ((value or "1").encode(),)
            flow.add(Matches(subject, Pattern(pattern.encode()), captures=True), SetNote(name.encode(), made))
        rewrite_phases.rules_of_server(self.scope, flow, sections, sections, site)
        flow.add(Compares((Fact.PATH,), Comparison.SAME, (b"*",)), Refuse(200), Then.STOP)
        rootless = Not(Matches((Fact.PATH,), Pattern(rb"\A/")))
        ordered = sorted(self.proxied, key=lambda one: one[0].kind is not Kind.LOCATION)
        for scope, path, url in ordered:
            prefix = path.encode()
            when: Condition = (
                PathPrefix(prefix)
                if scope.kind is Kind.LOCATION
                else Matches((Fact.PATH,), Pattern(b"\\A" + re.escape(prefix)))
            )
            if url == "!":
                flow.add(when, Nothing(), sections)
                continue
            scheme, _, rest = url.partition("://")
            authority, slash, tail = rest.partition("/")
            name = self.upstream(scope, f"{scheme}://{authority}", None)
            assert isinstance(name, str)
            flow.add(when, ForwardTo(name, ((slash + tail).encode(), Rest(len(prefix))), encoding), sections)
        flow.add(rootless, Refuse(400), Then.STOP)
        flow.place(sections)
        rewrite_phases.rules_of_section(self.scope, flow, proxied, site)
        flow.add(Not(Matches((Fact.DESTINATION,), Pattern(b"."))), Refuse(404), Then.STOP)
        flow.place(proxied)
        building = Building(self.upstreams, self.find, lambda _: None)  # type: ignore[arg-type, return-value]
        settings: tuple[Any, ...] = (b"",) * len(SETTINGS)
        return Program(building.steps(flow.rules()), [], settings, lambda _: object(), self.slashes)  # type: ignore[arg-type, return-value]

    def ask(self, request: dict[str, Any], ports: dict[str, str] | None = None) -> dict[str, Any] | None:
        """Return what becomes of a request of a case; None if its head is refused."""
        if self.program is None:
            self.program = self.start()
        fields = [list(one) for one in request.get("headers", [])]
        if not any(name.lower() == "host" for name, _ in fields) and not request.get("no_host"):
            fields.insert(0, ["Host", "hub.example.org"])
        if request.get("websocket"):
            fields += [["Upgrade", "websocket"], ["Connection", "Upgrade"]]
        text = f"{request.get('method', 'GET')} {request['target']} HTTP/{request.get('version', '1.1')}\r\n"
        text += "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
        buffer, head = Buffer(), RequestHead()
        buffer.append(filled(text).encode("latin-1"))
        if head.scan(buffer, Limits()) != FOUND:
            return None
        scheme = b"https" if request.get("tls") else b"http"
        state = self.program.run(head, Peer(b"127.0.0.1", 1, scheme, 1, False))
        upstream: Any = state.upstream
        return {
            "status": state.status,
            "location": state.location,
            "upstream": None if state.status or upstream is None else upstream.name,
            "target": state.target,
            "path": state.path,
            "query": state.query,
            "settings": state.settings,
            "state": state,
        }


def expression(scope: Scope, text: str, span: Span) -> Condition:
    """Stand in for expressions."""
    return Never() if text == "false" else Always()


PORTS = {
    "LISTEN": 8101,
    "LISTEN2": 8102,
    "LISTEN_TLS": 8103,
    "UPSTREAM": 9101,
    "UPSTREAM2": 9102,
    "UPSTREAM_TLS": 9103,
    "DEAD": 9104,
}


def filled(text: str, folder: str = "/nowhere") -> str:
    for name, port in PORTS.items():
        text = text.replace(f"{{{name}_PORT}}", str(port)).replace(f"{{{name}}}", f"127.0.0.1:{port}")
    return text.replace("{DIR}", folder)


def lines(text: str) -> list[tuple[str, str, Span]]:
    source = Source("hub.conf", text)
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip().split(None, 1)
        if words:
            found.append((words[0], words[1] if len(words) > 1 else "", Span(source, number)))
    return found


def configured(text: str, modules: frozenset[str] = frozenset(("proxy", "proxy_http", "rewrite"))) -> Server:
    """Read a configuration: what stands in its host, or in the main server if it has none."""
    faults: list[Any] = []
    main = Scope(Kind.SERVER, modules, faults.append)
    server = Server(main, faults)
    scope = main
    outer = [main]
    for name, rest, span in lines(text):
        argument = rest.rstrip(">").strip('"')
        if name == "<VirtualHost":
            scope = Scope(Kind.HOST, modules, faults.append, parent=main)
            server.scope, server.address = scope, argument
        elif name in ("<Location", "<LocationMatch"):
            when: Condition = PathPrefix(argument.encode()) if name == "<Location" else PathMatches(Pattern(argument.encode()))
            inner = Scope(Kind.LOCATION, modules, faults.append, when, argument, parent=scope)
            scope.sections.append(inner)
            outer.append(scope)
            scope = inner
        elif name in ("</Location>", "</LocationMatch>"):
            scope = outer.pop()
        elif name == "ServerName":
            host, _, port = rest.partition(":")
            server.names[:1], server.port = [host], int(port or 0)
        elif name == "ServerAlias":
            server.names += rest.split()
        elif name == "UseCanonicalName":
            server.canonical = rest == "On"
        elif name == "AllowEncodedSlashes":
            server.slashes = {"on": DECODED, "off": REFUSED, "nodecode": KEPT}[rest.lower()]
        elif name == "SetEnvIf":
            server.noted.append(tuple(rest.split(None, 2)))  # type: ignore[arg-type]
        elif name == "ProxyPass":
            path, url = (scope.path, rest) if scope.kind is Kind.LOCATION else rest.split(None, 1)
            server.proxied.append((scope, path, url.split()[0]))
        elif name.lower() in DIRECTIVES:
            DIRECTIVES[name.lower()](Line(Word(rest), span), scope)
        elif name not in OTHERS and not name.startswith("</"):
            raise ValueError(name)
    return server


@dataclass
class Case:
    """A recorded case."""

    name: str
    config: str
    modules: frozenset[str]
    files: dict[str, str]
    requests: list[dict[str, Any]]
    results: list[dict[str, Any]]
    started: bool
    message: str

    def server(self, folder: Path) -> Server:
        (folder / "htdocs/static").mkdir(parents=True)
        for name, text in {"htdocs/index.html": "x", "htdocs/local.txt": "x", "htdocs/static/s.txt": "x", **self.files}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(filled(text))
        server = configured(filled(self.config, str(folder)), self.modules)
        server.document_root = f"{folder}/htdocs"
        return server


def cases(prefix: str = "rw-") -> list[Case]:
    found = []
    for path in sorted(CASES.glob(f"{prefix}*.json")):
        if path.name.endswith(".golden.json"):
            continue
        case = json.loads(path.read_text())
        golden = json.loads(path.with_name(f"{path.stem}.golden.json").read_text())
        found.append(
            Case(
                case["name"],
                "\n".join(case["config"]),
                frozenset(case["modules"]),
                case.get("files", {}),
                case["requests"],
                golden["results"],
                golden["started"],
                golden["configtest"]["message"],
            )
        )
    return found


def recorded(result: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what httpd did, in the same words."""
    client = result["client"]
    location = next((value for name, value in client.get("headers", []) if name == "Location"), "")
    if not result["upstream"]:
        return {"status": client["status"], "location": filled(location, str(folder))}
    sent = result["upstream"][0]
    return {"upstream": sent["upstream"], "target": filled(sent["request_line"].split(" ")[1], str(folder))}


def came(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what we did, in the same words."""
    if answer["upstream"] is None:
        return {"status": answer["status"], "location": (answer["location"] or b"").decode("latin-1")}
    port = int(answer["upstream"].rpartition(":")[2].strip("/") or 0)
    name = next(name for name, one in PORTS.items() if one == port)
    return {"upstream": name, "target": answer["target"].decode("latin-1")}
