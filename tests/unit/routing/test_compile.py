"""Gateways as tables: what runs is what was meant."""

import pytest

from perijove.config.toml import load
from perijove.engine import fields, plan, slots
from perijove.engine.buffer import Buffer
from perijove.engine.const import FILE, FORWARD, FOUND, REJECT, RESPOND
from perijove.engine.head import Limits, RequestHead
from perijove.engine.plan import Look, Plan, Table
from perijove.engine.upstream import Upstream
from perijove.gateway.model import Gateway, Listener, Stages, TcpAddress, VirtualHost
from perijove.gateway.rules import Always, PathIs, PathPrefix, Rule, ServeFile, Variable
from perijove.routing.compile import _VARIABLES, compile_table, labels, template, timeouts
from perijove.text.source import Source


def compiled(text: str, listener: int = 0) -> Table:
    gateway = load(Source("a", text)).gateway
    assert gateway is not None
    return compile_table(gateway, gateway.listeners[listener], upstreams(gateway), {})


def upstreams(gateway: Gateway) -> dict[str, Upstream]:
    made = {}
    for name, one in gateway.upstreams.items():
        made[name] = Upstream(name, timeouts(one.timeouts))
        made[name].authority = one.authority
    return made


def decide(table: Table, target: bytes, host: bytes = b"h", trace: list[Look] | None = None) -> Plan:
    buffer, head = Buffer(), RequestHead()
    buffer.append(b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target, host))
    assert head.scan(buffer, Limits()) == FOUND
    return table.resolve(head, trace)


def leads_to(made: Plan) -> str:
    assert isinstance(made.upstream, Upstream)
    return made.upstream.name


def test_order_is_the_only_precedence() -> None:
    table = compiled(
        '[[route]]\npath = "/a/b/"\nto = "http://one"\n[[route]]\npath = "/a"\nto = "http://two"\n[[route]]\nto = "http://three"\n'
    )
    assert leads_to(decide(table, b"/a/b/c")) == "http://one:80"
    assert decide(table, b"/a/b").kind == RESPOND
    assert leads_to(decide(table, b"/a/c?d")) == "http://two:80"
    assert leads_to(decide(table, b"/ab")) == "http://three:80"


def test_tracing_decides_the_same() -> None:
    table = compiled('[[route]]\npath = "/a/"\nto = "http://one"\n[[route]]\nto = "http://two"\n')
    for target in (b"/a/x", b"/a", b"/b", b"/a/../b", b"/%2e%2e/"):
        trace: list[Look] = []
        assert decide(table, target, trace=trace) is decide(table, target)
        assert trace


def test_hosts() -> None:
    table = compiled(
        'to = "http://rest"\n[[host]]\nnames = ["hub.example.org"]\n[[host.route]]\nto = "http://hub"\n'
        '[[host]]\nnames = ["*.example.org"]\n[[host.route]]\nto = "http://wild"\n'
    )
    assert leads_to(decide(table, b"/", b"Hub.Example.org:8443")) == "http://hub:80"
    assert leads_to(decide(table, b"/", b"a.b.example.org")) == "http://wild:80"
    assert leads_to(decide(table, b"/", b"example.org")) == "http://rest:80"


def test_nothing_for_a_host_is_404() -> None:
    table = compiled('[[host]]\nnames = "a"\n[[host.route]]\npath = "/x"\nto = "http://h"\n')
    for target, host in ((b"/x", b"b"), (b"/y", b"a")):
        made = decide(table, target, host)
        assert (made.kind, made.status) == (REJECT, 404)


def test_the_redirecting_listener() -> None:
    table = compiled('to = "http://h"\nlisten = ":8443"\nredirect-http = ":80"\ntls = {self-signed = true}\n', 1)
    made = decide(table, b"/a/b?c", b"hub:80")
    assert (made.kind, made.status) == (RESPOND, 308)
    (edit,) = made.response_edits
    assert edit.name == b"Location"
    assert [kind for kind, _ in edit.value] == [plan.LITERAL, plan.HOSTNAME, plan.LITERAL, plan.TARGET]


CHALLENGE = b"/.well-known/acme-challenge/x"


def test_what_comes_before_all_hosts_is_on_every_listener() -> None:
    text = (
        'acme-webroot = "/tmp"\nlisten = ":8443"\nredirect-http = ":80"\ntls = {self-signed = true}\n'
        '[[host]]\nnames = ["a"]\nroute = [{to = "http://h"}]\n'
    )
    for listener in (0, 1):
        table = compiled(text, listener)
        for host in (b"a", b"b"):
            trace: list[Look] = []
            made = decide(table, CHALLENGE, host, trace)
            assert (made.kind, made.directory) == (FILE, b"/tmp/.well-known/acme-challenge")
            assert (made.below, made.content_type) == (b"/.well-known/acme-challenge/", b"application/octet-stream")
            assert made.rules == (-1,)
            assert trace == [(-1, True, None)]
        assert decide(table, b"/%2ewell-known/acme-challenge/x", b"a").status == 400
    assert decide(compiled(text), b"/", b"a").kind == FORWARD
    assert decide(compiled(text, 1), b"/", b"a").status == 308


@pytest.mark.parametrize(("when", "below"), [(Always(), b"/"), (PathPrefix(b"/a/"), b"/a/"), (PathIs(b"/a/\xe4"), b"/a/\xe4")])
def test_files_may_be_served_for_one_host(when: Always | PathPrefix | PathIs, below: bytes) -> None:
    rule = Rule(when, ServeFile("/srv/\udce4", "text/plain"))
    host = VirtualHost(names=("a",), stages=Stages(route=(rule,)))
    listener = Listener(address=TcpAddress("", 80))
    table = compile_table(Gateway(listeners=(listener,), hosts=(host,), upstreams={}), listener, {}, {})
    (route,) = table.named[b"a"].routes
    assert (route.plan.kind, route.plan.directory, route.plan.below) == (FILE, b"/srv/\xe4", below)


def test_fields_that_are_set_by_hand_are_not_ours() -> None:
    table = compiled(
        '[[route]]\nto = "http://h"\nrequest-fields = {set = {X-Forwarded-Proto = "https", X-Own = "a"}, remove = ["Cookie"]}\n'
    )
    made = decide(table, b"/")
    assert made.kind == FORWARD
    assert not made.own >> fields.X_FORWARDED_PROTO & 1
    assert made.own >> fields.X_FORWARDED_FOR & 1
    assert made.drop >> fields.COOKIE & 1
    assert made.drop_names == {b"x-own"}
    assert [edit.name for edit in made.edits] == [b"X-Forwarded-Proto", b"X-Own"]
    assert not made.varies


@pytest.mark.parametrize(
    ("edit", "varies"),
    [
        ('set = {A = "{client-ip} {host}"}', False),
        ('set = {A = "{path}"}', True),
        ('default = {A = "a"}', True),
        ('add = {A = "a"}', False),
    ],
)
def test_what_varies_is_known(edit: str, varies: bool) -> None:
    made = decide(compiled(f'[[route]]\nto = "http://h"\nrequest-fields = {{{edit}}}\n'), b"/")
    assert made.varies is varies


def test_every_variable_has_its_number() -> None:
    assert set(_VARIABLES) == set(Variable)
    assert len(set(_VARIABLES.values())) == len(Variable)
    assert template((b"a", Variable.HOST)) == ((plan.LITERAL, b"a"), (plan.PUBLIC_HOST, b""))


def test_routes_are_counted_where_their_labels_say() -> None:
    gateway = load(
        Source(
            "a",
            """
[[route]]
path = "/a/"
to = "http://h"
[[route]]
path = "/"
to = "http://h"
[[host]]
names = ["x.example", "y.example"]
[[host.route]]
path = "/a"
to = "http://h"
""",
        )
    ).gateway
    assert gateway is not None
    assert labels(gateway) == ["x.example/a", "/a/", "/a", "/"]
    table = compile_table(gateway, gateway.listeners[0], upstreams(gateway), {"x.example/a": 77, "/a/": 88})
    assert table.default is not None
    assert [one.plan.counted for one in table.default.routes] == [88, slots.FIRST_ROUTE, slots.FIRST_ROUTE]
    assert table.named[b"y.example"].routes[0].plan.counted == 77
    assert table.missing.counted == slots.FIRST_ROUTE


def test_what_comes_before_is_counted_by_its_path() -> None:
    gateway = load(Source("a", 'acme-webroot = "/tmp"\nto = "http://h"\n')).gateway
    assert gateway is not None
    label = "/.well-known/acme-challenge/"
    assert labels(gateway) == [label, "/"]
    table = compile_table(gateway, gateway.listeners[0], upstreams(gateway), {label: 99, "/": 88})
    assert decide(table, CHALLENGE).counted == 99
    assert decide(table, b"/").counted == 88
