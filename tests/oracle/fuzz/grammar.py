"""Small configurations drawn at random: some of the directives that configurations of a JupyterHub are made of.

A configuration has a name, `SEED:NUMBER`, and can be drawn again from it. Some share a few lines of the main server with their
neighbours, for they are played in one server. Knows what may be written. Knows no server.
"""

from __future__ import annotations

from typing import Final

from tests.oracle.fuzz.asking import requests
from tests.oracle.fuzz.tree import FRONT, Node, Small
from tests.oracle.fuzz.words import HOSTS, UPSTREAMS, Words
from tests.oracle.fuzz.wrong import spoiled

MODULES: Final = ("proxy", "proxy_http", "proxy_wstunnel", "rewrite", "headers", "alias", "setenvif")
TOGETHER: Final = 40  # configurations in one server
_WRONG: Final = 0.06  # how many are spoiled
_ALIASES: Final = ("*.example.org", "hub?.example.org", "jupyter.example.org", "*", "WWW.example.org", "hub.example.org")
Nodes = list[Node]


def drawn(seed: int, number: int, size: int = TOGETHER) -> list[Small]:
    """Draw the configurations of one server."""
    main = main_server(f"{seed}:main:{number}")
    return [draw(seed, number * size + one, main) for one in range(size)]


def main_server(name: str) -> tuple[Node, ...]:
    """Draw what stands outside of virtual hosts: nothing in most servers."""
    words = Drawer(name, "m")
    if words.maybe(0.6):
        return ()
    return tuple(one for _ in range(words.one(1, 1, 2)) for one in words.item())


def draw(seed: int, number: int, main: tuple[Node, ...] = ()) -> Small:
    """Draw a configuration and its requests."""
    words = Drawer(f"{seed}:{number}", str(number))
    hosts = tuple(words.host() for _ in range(words.one(1, 1, 1, 2)))
    whole = not words.maybe(_WRONG)
    if not whole:
        hosts = spoiled(words, hosts)
    return Small(f"fz-{seed}-{number}", main, hosts, tuple(requests(words, [*main, *hosts])), MODULES, whole)


class Drawer(Words):
    """Draws one configuration."""

    def __init__(self, name: str, mark: str) -> None:
        super().__init__(name)
        self.mark = mark  # of the names that it defines: they are known in all of a server

    def host(self) -> Node:
        """Draw a virtual host."""
        inside: Nodes = []
        if self.maybe(0.6):
            name = self.of(HOSTS)
            inside.append(
                Node(f"ServerName {self.one('', '', '', 'http://', 'https://')}{name}{self.one('', '', '', ':8080')}")
            )
        if self.maybe(0.2):
            inside.append(Node(f"ServerAlias {' '.join(self.random.sample(_ALIASES, self.one(1, 2)))}"))
        for _ in range(self.one(1, 2, 2, 3, 3, 4, 5, 6)):
            inside += self.item()
        if self.maybe(0.4):
            inside.append(Node(f"ProxyPass / {self.url('/')}{self.parameters()}"))
        return Node(f"<VirtualHost {FRONT}>", tuple(inside))

    def item(self) -> Nodes:
        """Draw something that may stand in a server or a virtual host."""
        return self.kind(
            (22, self.proxy_pass),
            (9, self.proxy_pass_match),
            (7, self.proxy_pass_reverse),
            (5, self.preserve_host),
            (3, self.variable),
            (20, self.rewriting),
            (18, self.location),
            (7, self.redirect),
            (7, self.request_header),
            (7, self.header),
            (2, self.environment),
            (2, self.conditional),
            (2, self.silent),
        )

    # ---- mod_proxy

    def parameters(self) -> str:
        words = ""
        for probability, word in (
            (0.12, "nocanon"),
            (0.15, self.one("upgrade=websocket", "upgrade=websocket", "upgrade=ANY", "upgrade=NONE")),
            (0.05, "retry=0"),
            (0.05, "timeout=10"),
            (0.03, "keepalive=On"),
            (0.03, "connectiontimeout=3"),
            (0.03, "disablereuse=On"),
            (0.02, "flushpackets=on"),
        ):
            words += f" {word}" if self.maybe(probability) else ""
        return words

    def proxy_pass(self) -> Nodes:
        path = self.path()
        if self.maybe(0.15):
            return [Node(f"ProxyPass {self.quoted(path)} !")]
        made = [Node(f"ProxyPass {self.quoted(path)} {self.quoted(self.url(path.replace(' ', '%20')))}{self.parameters()}")]
        if self.maybe(0.4):
            made.append(Node(f"ProxyPassReverse {self.quoted(path)} {self.quoted(self.urls[-1])}"))
        return made

    def proxy_pass_match(self) -> Nodes:
        pattern = self.quoted(self.regex())
        if self.maybe(0.15):
            return [Node(f"ProxyPassMatch {pattern} !")]
        return [Node(f"ProxyPassMatch {pattern} {self.quoted(self.url(captures=self.maybe(0.7)))}{self.parameters()}")]

    def proxy_pass_reverse(self) -> Nodes:
        return [Node(f"ProxyPassReverse {self.quoted(self.path())} {self.quoted(self.known_url())}")]

    def preserve_host(self) -> Nodes:
        return [Node(f"ProxyPreserveHost {self.one('On', 'On', 'Off')}")]

    def variable(self) -> Nodes:
        name = f"V{self.mark}x{self.random.randrange(3)}"
        path = self.path()
        if self.maybe(0.5):
            return [
                Node(f"Define {name} {self.quoted(path)}"),
                Node(f'ProxyPass "${{{name}}}" {self.url(path.replace(" ", "%20"))}'),
            ]
        use = f"ProxyPass {self.quoted(path)} http://${{{name}}}{self.one('', '/', '/v/')}"
        return [Node(f"Define {name} 127.0.0.1:{self.of(UPSTREAMS)}"), Node(use)]

    def silent(self) -> Nodes:
        """What is read and changes nothing."""
        said = ("ServerAdmin root@example.org", "LogLevel info", "ProxyRequests Off", "UseCanonicalName Off", "Timeout 30",
                "KeepAlive On", "ProxyTimeout 20", "ServerSignature Off")  # fmt: skip
        return [Node(self.of(said))]

    # ---- sections

    def location(self) -> Nodes:
        opened = self.kind(
            (55, lambda: f"<Location {self.quoted(self.path())}>"),
            (20, lambda: f"<Location ~ {self.quoted(self.regex())}>"),
            (20, lambda: f"<LocationMatch {self.quoted(self.regex())}>"),
            (5, lambda: f"<Location {self.one('/user/*/ws', '/*/x', '/hub/?', '/[ah]*')}>"),
        )
        inside: Nodes = []
        for _ in range(self.one(1, 1, 2, 3)):
            inside += self.kind(
                (40, self.inner_pass),
                (14, self.inner_reverse),
                (5, self.preserve_host),
                (10, self.inner_redirect),
                (12, self.request_header),
                (12, self.header),
                (3, self.environment),
            )
        return [Node(opened, tuple(inside))]

    def inner_pass(self) -> Nodes:
        if self.maybe(0.12):
            return [Node(f"{self.one('ProxyPass', 'ProxyPassMatch')} !")]
        if self.maybe(0.2):
            return [Node(f"ProxyPassMatch {self.quoted(self.url(captures=True))}{self.parameters()}")]
        return [
            Node(f"ProxyPass {self.quoted(self.url(self.path().replace(' ', '%20'), self.maybe(0.15)))}{self.parameters()}")
        ]

    def inner_reverse(self) -> Nodes:
        return [Node(f"ProxyPassReverse {self.quoted(self.known_url())}")]

    def inner_redirect(self) -> Nodes:
        status = self.one("", "", "permanent ", "303 ", "307 ")
        if self.maybe(0.15):
            return [Node(f"Redirect {self.one('gone', '404')}")]
        return [Node(f"Redirect {status}{self.one('https://new.example.org/', '/elsewhere', 'http://new.example.org/x?y=1')}")]

    def conditional(self) -> Nodes:
        test = self.one("<IfModule mod_proxy.c>", "<IfModule !mod_rewrite.c>", "<IfModule headers_module>", "<IfDefine NEVER>",
                        "<IfDefine !NEVER>", "<IfModule mod_ssl.c>")  # fmt: skip
        return [Node(test, tuple(self.item()))]

    # ---- mod_rewrite

    def rewriting(self) -> Nodes:
        made = [Node(f"RewriteEngine {self.one('On', 'On', 'On', 'on', 'Off')}")] if self.maybe(0.9) else []
        for _ in range(self.one(1, 1, 1, 2, 3)):
            for _ in range(self.count(50, 32, 13, 5)):
                made.append(self.condition())
            made.append(self.rule())
        return made

    def condition(self) -> Node:
        text = self.kind(
            (14, lambda: "%{HTTP:Upgrade} " + self.one("=websocket", "websocket", "^websocket$", "!websocket", "^WebSocket")),
            (8, lambda: "%{HTTP:Connection} " + self.one("upgrade", "Upgrade", "=upgrade", "^keep")),
            (
                14,
                lambda: "%{HTTP_HOST} " + self.one(r"^hub\.", "!^www", "=hub.example.org", r"^(\w+)\.example", "!=other.test"),
            ),
            (4, lambda: "%{HTTPS} " + self.one("off", "=on", "!=on", "^on$")),
            (18, lambda: "%{REQUEST_URI} " + self.one("", "!") + self.quoted(self.regex())),
            (8, lambda: "%{REQUEST_URI} " + self.one("=", "!=") + self.quoted(self.path())),
            (14, lambda: "%{QUERY_STRING} " + self.one("x=1", "^$", "^q=(.*)", "!^x", '=""', "(^|&)id=([0-9]+)")),
            (6, lambda: "%{REQUEST_METHOD} " + self.one("=POST", "!GET", "^(GET|HEAD)$", "post")),
            (4, lambda: "%{HTTP:X-Test} " + self.one("yes", "!=", "^(.*)$", ">a", "<m")),
            (4, lambda: "$1 " + self.one("bob", "!bob", "^(.*)b", "=x")),
        )
        flags = self.one("", "", "", "NC", "OR", "NC,OR")
        return Node(f"RewriteCond {text}" + (f" [{flags}]" if flags else ""))

    def rule(self) -> Node:
        pattern = self.one("", "", "", "", "!") + self.of([*self.patterns, "/?(.*)", ".*", "^", "/user/", "^/Hub"])
        target, flags = self.kind(
            (40, self.rule_to_upstream),
            (14, self.rule_to_path),
            (22, self.rule_to_client),
            (8, lambda: ("-", [self.one("F", "G", "L", "R=404", "NC")])),
            (3, lambda: ("-", [f"E={self.one('WHO', 'MARK')}:{self.one('$1', '%1', 'x', '%{HTTP_HOST}')}"])),
        )
        if self.maybe(0.5):
            flags.append("L")
        for probability, flag in ((0.15, "NC"), (0.12, "QSA"), (0.1, "NE"), (0.04, "QSD")):
            if self.maybe(probability):
                flags.append(flag)
        self.random.shuffle(flags)
        behind = f" [{','.join(flags)}]" if flags else ""
        return Node(f"RewriteRule {self.quoted(pattern)} {self.quoted(target)}{behind}")

    def rule_to_upstream(self) -> tuple[str, list[str]]:
        scheme = self.one("http", "http", "ws")
        behind = self.one(
            "/$1", "%{REQUEST_URI}", "/x/$1", "/$1/$2", "/plain", "/y?z=1", "/$0", "/%1/$1", "", "$1", "/%{QUERY_STRING}"
        )
        self.urls.append(f"{scheme}://127.0.0.1:{self.of(UPSTREAMS)}/")
        return f"{scheme}://127.0.0.1:{self.of(UPSTREAMS)}{behind}", ["P"]

    def rule_to_path(self) -> tuple[str, list[str]]:
        path = self.path()
        path = path.rstrip("/") + self.one("/$1", "/$1?w=$2") if self.maybe(0.4) else path + self.one("", "$1", "?w=1")
        return path, [self.one("PT", "PT", "PT", "L")]

    def rule_to_client(self) -> tuple[str, list[str]]:
        target = self.one("/hub/$1", "https://%{HTTP_HOST}%{REQUEST_URI}", "http://new.example.org/$1", "/x?y=$1", "http://h.test/?$1",
                          "/%1/$1", "https://new.example.org/a%20b/$1", "/$1?")  # fmt: skip
        return target, [self.one("R", "R", "R=301", "R=307", "R=permanent", "R=303")]

    # ---- mod_headers, mod_setenvif, mod_alias

    def value(self) -> str:
        return self.one("one", '"two words"', "https", '"%{WHO}e"', '"x-%{MARK}e-%%"', '"expr=%{REQUEST_URI}"', "expr=%{HTTP_HOST}",
                        "expr=%{REQUEST_SCHEME}", '"%{HTTPS}s"', '"expr=%{HTTP:X-Test}-%{QUERY_STRING}"')  # fmt: skip

    def when(self) -> str:
        if self.maybe(0.75):
            return ""
        return " " + self.one(
            "env=WHO", "env=!WHO", "env=MARK", '"expr=%{REQUEST_URI} =~ m#^/hub#"', '"expr=-n %{QUERY_STRING}"'
        )

    def request_header(self) -> Nodes:
        name = self.one("X-A", "X-A", "x-a", "X-Test", "X-Forwarded-Proto", "Origin", "Cookie", "Host", "X-Forwarded-Host")
        adds = 0 if name == "Host" else 1
        text = self.kind(
            (45, lambda: f"set {name} {self.value()}"),
            (10 * adds, lambda: f"append {name} {self.value()}"),
            (8 * adds, lambda: f"add {name} {self.value()}"),
            (6 * adds, lambda: f"{self.one('merge', 'setifempty')} {name} {self.value()}"),
            (15 * adds, lambda: f"unset {name}"),
            (
                16,
                lambda: (
                    f"{self.one('edit', 'edit', 'edit*')} {name} "
                    + self.one("^http: https:", "e E", '"(.)o" "$1-"', '"^$" none')
                ),
            ),
        )
        return [Node(f"RequestHeader {text}{self.when()}")]

    def header(self) -> Nodes:
        name = self.one("X-R", "X-R", "x-r", "Location", "Set-Cookie", "Server", "Vary", "Content-Type", "X-Up")
        text = self.kind(
            (40, lambda: f"set {name} {self.value()}"),
            (10, lambda: f"append {name} {self.value()}"),
            (8, lambda: f"add {name} {self.value()}"),
            (6, lambda: f"{self.one('merge', 'setifempty')} {name} {self.value()}"),
            (16, lambda: f"unset {name}"),
            (
                16,
                lambda: (
                    f"{self.one('edit', 'edit', 'edit*')} {name} " + self.one("^http: https:", "e E", '"(.)o" "$1-"', "/ /pre/")
                ),
            ),
        )
        table = self.one("", "", "always " if name != "Content-Type" else "", "onsuccess ")
        return [Node(f"Header {table}{text}{self.when()}")]

    def environment(self) -> Nodes:
        test = self.one("X-Test yes", "Host ^hub", "Request_URI ^/hub", r"Request_Method ^(P\w+)$", 'User-Agent "^(.*)$"')
        set_ = self.one("WHO=$1", "MARK", "WHO=x MARK=y", "!WHO", "MARK=$0")
        return [Node(f"{self.one('SetEnvIf', 'SetEnvIf', 'SetEnvIfNoCase')} {test} {set_}")]

    def redirect(self) -> Nodes:
        if self.maybe(0.4):
            target = self.one(
                "https://new.example.org/$1", "/elsewhere/$1", "http://h.test/?a=$1", "/e$0", "https://new.example.org/"
            )
            return [
                Node(f"RedirectMatch {self.one('', '', '301 ', 'seeother ')}{self.quoted(self.regex())} {self.quoted(target)}")
            ]
        path = self.quoted(self.path())
        if self.maybe(0.12):
            return [Node(f"Redirect {self.one('gone', '410', '404', '403')} {path}")]
        target = self.one("https://new.example.org/", "https://new.example.org/x", "/elsewhere", "/a/b/", "http://h.test/?q=1")
        return [
            Node(
                f"{self.one('Redirect', 'Redirect', 'Redirect permanent', 'Redirect 308', 'RedirectTemp')} {path} {self.quoted(target)}"
            )
        ]
