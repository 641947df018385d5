"""What TOML means: rules, in order."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from perijove.config.toml import load
from perijove.gateway.model import Gateway, Limits, LogFile, LogFormat, Peers, TcpAddress
from perijove.gateway.rules import (
    Always,
    EditField,
    Forward,
    MapCookie,
    MapUrl,
    Operation,
    PathIs,
    PathMapping,
    PathPrefix,
    Redirect,
    Respond,
    Rule,
    ServeFile,
    Then,
    Variable,
)
from perijove.text.source import Source


def gateway(text: str) -> Gateway:
    loaded = load(Source("hub.toml", text))
    assert loaded.gateway is not None, loaded.diagnostics
    return loaded.gateway


def names(text: str) -> list[str]:
    return [one.name for one in load(Source("hub.toml", text)).diagnostics]


def test_one_line_is_a_gateway() -> None:
    made = gateway('to = "http://127.0.0.1:8000"')
    assert [one.address for one in made.listeners] == [TcpAddress("127.0.0.1", 8080)]
    (host,) = made.hosts
    assert host.names == ("*",)
    (rule,) = host.stages.route
    assert (rule.when, rule.do, rule.then) == (Always(), Forward("http://127.0.0.1:8000"), Then.STOP)


def test_a_sub_path_keeps_the_target_and_redirects_to_its_slash() -> None:
    made = gateway('[[route]]\npath = "/jupyter/"\nto = "http://h:1"\n')
    forward, slash = made.hosts[0].stages.route
    assert (forward.when, forward.do) == (PathPrefix(b"/jupyter/"), Forward("http://h:1"))
    assert (slash.when, slash.do) == (PathIs(b"/jupyter"), Redirect(308, (b"/jupyter/", Variable.SEARCH)))
    assert forward.origin is not None
    assert forward.origin.line == 1


@pytest.mark.parametrize(
    ("route", "mapping", "warned"),
    [
        ('path = "/a/"\nto = "http://h/"', None, []),
        ('path = "/a/"\nto = "http://h/a/"', None, []),
        ('path = "/a/"\nto = "http://h/b/"', PathMapping(b"/a/", b"/b/"), ["prefix-mapped"]),
        ('path = "/a/"\nto = "http://h"\nstrip-prefix = true', PathMapping(b"/a/", b"/"), ["prefix-mapped"]),
        ('path = "/a"\nto = "http://h"\nstrip-prefix = true', PathMapping(b"/a", b""), ["prefix-mapped"]),
    ],
)
def test_mappings(route: str, mapping: PathMapping | None, warned: list[str]) -> None:
    text = f"[[route]]\n{route}\n"
    action = gateway(text).hosts[0].stages.route[0].do
    assert isinstance(action, Forward)
    assert action.mapping == mapping
    assert names(text) == warned


def test_redirects_and_cookies_of_a_mapped_prefix() -> None:
    stages = gateway('[[route]]\npath = "/a/"\nto = "http://h:1/b/"\n').hosts[0].stages
    actions = [rule.do for rule in stages.response]
    public = (Variable.SCHEME, b"://", Variable.HOST, b"/a/")
    assert actions == [
        MapUrl((b"http://", b"h:1", b"/b/"), public),
        MapUrl((b"http://", Variable.HOST, b"/b/"), public),
        MapUrl((b"/b/",), (b"/a/",)),
        MapCookie(b"/b/", b"/a/", b"h", b"", True),
    ]


def test_redirect_http_leads_to_the_tls_port(tmp_path: Path) -> None:
    for name in ("c", "k"):
        (tmp_path / name).touch()
    made = gateway(
        f'to = "http://h"\nlisten = ":8443"\nredirect-http = ":80"\n[tls]\ncert = "{tmp_path}/c"\nkey = "{tmp_path}/k"\n'
    )
    assert [(one.address, one.tls is not None, one.redirect_to) for one in made.listeners] == [
        (TcpAddress("", 8443), True, None),
        (TcpAddress("", 80), False, 8443),
    ]


def test_edits_are_rules() -> None:
    stages = (
        gateway(
            '[[route]]\nto = "http://h"\n[route.request-fields]\nset = {A = "{client-ip}"}\nadd = {B = "b"}\n'
            'default = {C = "c"}\nremove = ["D"]\n[route.response-fields]\nset = {E = "e"}\n'
        )
        .hosts[0]
        .stages
    )
    assert [rule.do for rule in stages.request] == [
        EditField(Operation.REMOVE, b"D"),
        EditField(Operation.SET, b"A", (Variable.CLIENT_IP,)),
        EditField(Operation.ADD, b"B", (b"b",)),
        EditField(Operation.DEFAULT, b"C", (b"c",)),
    ]
    assert stages.response[-1].do == EditField(Operation.SET, b"E", (b"e",))


def test_answers() -> None:
    made = gateway(
        '[[route]]\npath = "/a"\nrespond = {status = 503, body = "Back soon,\\n{client-ip}"}\n[[route]]\nto = "http://h"\n'
    )
    assert made.hosts[0].stages.route[0].do == Respond(
        503, "text/plain; charset=utf-8", (b"Back soon,", b"\n", Variable.CLIENT_IP)
    )


def test_upstreams_inherit_timeouts() -> None:
    made = gateway(
        '[timeouts]\nconnect = 1\nresponse = 2\n[[route]]\nupstream = "hub"\n[upstream.hub]\nurl = "http://h"\n'
        "[upstream.hub.timeouts]\nresponse = 3\n"
    )
    hub = made.upstreams["hub"]
    assert (hub.timeouts.connect, hub.timeouts.response) == (1, 3)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ["no-route"]),
        ('to = "http://h"\nredirect-http = ":80"\n', ["redirect-without-tls"]),
        ('to = "http://h"\nlisten = [":80", ":80"]\n', ["double-listener"]),
        ('[[route]]\nto = "http://h"\n[[route]]\npath = "/a"\nto = "http://i"\n', ["unreachable-route"]),
        ('[[route]]\npath = "/a"\nto = "http://h"\n[[route]]\npath = "/a/b"\nto = "http://i"\n', ["unreachable-route"]),
        ('[[route]]\npath = "/a/b"\nto = "http://h"\n[[route]]\npath = "/a"\nto = "http://i"\n', []),
        ('to = "http://h"\n[[route]]\nto = "http://i"\n', ["unreachable-route", "unreachable-route"]),
        ('[[route]]\nupstream = "hbu"\n[upstream.hub]\nurl = "http://h"\n', ["unknown-upstream"]),
        ('[[route]]\nupstream = "hub"\n[upstream.hub]\nurl = "http://h/x"\n', ["upstream-with-path"]),
        ('[[route]]\nupstream = "hub"\n[upstream.hub]\nurl = "http://h"\nverify = false\n', ["tls-without-https"]),
        ('[[route]]\nupstream = "hub"\n[upstream.hub]\nurl = "https://h"\nca = "/no/such"\n', ["unreadable-file"]),
        ('to = "http://h"\n[tls]\ncert = "/no/such"\nkey = "/no/such"\n', ["unreadable-file", "unreadable-file"]),
        ('[[route]]\npath = "/a/"\nto = "http://h/b"\n', ["slash-mismatch", "prefix-mapped"]),
        ('[[host]]\nnames = ["a", "A"]\n[[host.route]]\nto = "http://h"\n', ["double-host"]),
        ('[[host]]\nnames = "a:80"\n[[host.route]]\nto = "http://h"\n', ["bad-value"]),
    ],
)
def test_what_is_told(text: str, wanted: list[str]) -> None:
    assert names(text) == wanted


def test_hosts_stand_before_the_rest() -> None:
    made = gateway(
        'to = "http://rest"\n[[host]]\nnames = ["Hub.example.org", "*.example.org"]\n[[host.route]]\nto = "http://h"\n'
    )
    assert [host.names for host in made.hosts] == [("hub.example.org", "*.example.org"), ("*",)]


@pytest.mark.parametrize(
    ("text", "announced"),
    [
        ("", None),
        ("proxy-protocol = []", None),
        ('proxy-protocol = "10.0.0.5"', Peers(networks=(ip_network("10.0.0.5"),))),
        ('proxy-protocol = ["2001:db8::/32", "unix"]', Peers(networks=(ip_network("2001:db8::/32"),), unix=True)),
        ('proxy-protocol = "unix"', Peers(unix=True)),
    ],
)
def test_balancers(text: str, announced: Peers | None) -> None:
    assert gateway(f'to = "http://h"\n{text}').announced == announced


def test_limits() -> None:
    text = (
        'to = "http://h:1"\n[limits]\nconnections = 1\nconnections-per-client = 2\nrequests-per-client = "600/m"\nburst = 3\n'
    )
    made = gateway(text + "tunnels-per-user = 4\n").limits
    assert (made.connections, made.connections_per_client, made.tunnels_per_user) == (1, 2, 4)
    assert (made.requests_per_client, made.burst, made.user_segment) == (10.0, 3, "user")
    assert gateway('to = "http://h:1"').limits == Limits()


def test_a_burst_of_no_rate_is_told_of() -> None:
    assert names('to = "http://h:1"\n[limits]\nburst = 5\n') == ["burst-without-rate"]


@pytest.mark.parametrize("end", ["", "/"])
def test_acme_webroot_comes_before_all(end: str, tmp_path: Path) -> None:
    made = gateway(f'to = "http://h"\nacme-webroot = "{tmp_path}{end}"\n')
    (rule,) = made.before
    assert (rule.when, rule.then) == (PathPrefix(b"/.well-known/acme-challenge/"), Then.STOP)
    assert rule.do == ServeFile(f"{tmp_path}/.well-known/acme-challenge", "application/octet-stream")
    assert rule.origin is not None
    assert rule.origin.line == 2
    assert gateway('to = "http://h"').before == ()


def test_acme_webroot_may_be_made_later(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("nothing", "file"):
        text = f'to = "http://h"\nacme-webroot = "{tmp_path}/{name}"\n'
        (one,) = load(Source("hub.toml", text)).diagnostics
        assert (one.name, one.severity.value, one.where and one.where.line) == ("no-such-folder", "warning", 2)
        assert "mkdir -p" in one.help
        assert isinstance(gateway(text).before[0], Rule)
    assert names(f'to = "http://h"\nacme-webroot = "{tmp_path}"\n') == []
    assert names('to = "http://h"\nacme-webroot = ""\n') == ["bad-value"]


def test_the_access_log() -> None:
    made = gateway('to = "http://a"')
    assert (made.access_log, made.access_log_format) == (None, LogFormat.COMBINED)
    made = gateway('to = "http://a"\naccess-log = "/a.log"\naccess-log-format = "json"')
    assert (made.access_log, made.access_log_format) == (LogFile("/a.log"), LogFormat.JSON)
    assert names('to = "http://a"\naccess-log-format = "json"') == ["no-access-log"]
    assert names('to = "http://a"\naccess-log-format = "xml"\naccess-log = "-"') == ["bad-value"]
    assert names('to = "http://a"\naccess-log = "syslog:here"') == ["bad-value"]
