"""Deciding: which host, which route, and which paths two readers could read in two ways."""

import pytest

from perijove.engine.buffer import Buffer
from perijove.engine.const import FORWARD, FOUND, REJECT
from perijove.engine.head import Limits, RequestHead
from perijove.engine.plan import HostTable, Look, Plan, Route, Table, Timeouts

TIMEOUTS = Timeouts()


class Named:
    """Plans that are told apart by name."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}

    def plan(self, name: str) -> Plan:
        return self.plans.setdefault(name, Plan(FORWARD, TIMEOUTS))

    def host(self, *routes: tuple[bytes, str], exact: tuple[tuple[bytes, str], ...] = ()) -> HostTable:
        """Return a host with routes in order, then those that match one path only; rules are numbered from 0."""
        made = [Route(prefix, self.plan(name), number) for number, (prefix, name) in enumerate(routes)]
        made += [Route(path, self.plan(name), len(made) + at, True) for at, (path, name) in enumerate(exact)]
        return HostTable(tuple(made))

    def name(self, plan: Plan, table: Table) -> str | int:
        """Return a plan's name, or the status of one that rejects."""
        for name, its in self.plans.items():
            if its is plan:
                return name
        assert plan in (table.missing, table.bad)
        assert plan.kind == REJECT
        return plan.status


def head(target: bytes, host: bytes = b"hub.example", version: bytes = b"1.1", method: bytes = b"GET") -> RequestHead:
    buffer, made = Buffer(), RequestHead()
    line = b"Host: %b\r\n" % host if host else b""
    buffer.append(b"%b %b HTTP/%b\r\n%b\r\n" % (method, target, version, line))
    assert made.scan(buffer, Limits()) == FOUND
    return made


def decide(names: Named, table: Table, scanned: RequestHead) -> str | int:
    """Resolve with and without a trace: that must not make a difference."""
    plan = table.resolve(scanned)
    assert table.resolve(scanned, []) is plan
    return names.name(plan, table)


# ------------------------------------------------------------------ hosts


HOSTS = [
    (b"hub.example", "hub"),
    (b"HUB.Example", "hub"),
    (b"hub.example:8443", "hub"),
    (b"hub.example.", "hub"),
    (b"hub.example.:80", "hub"),
    (b"127.0.0.1", "address"),
    (b"127.0.0.1:8000", "address"),
    (b"[::1]", "address6"),
    (b"[::1]:8000", "address6"),
    (b"a.users.example", "users"),
    (b"A.Users.Example:81", "users"),
    (b"a.b.users.example", "users"),
    (b"x.deep.users.example", "deep"),
    (b"deep.users.example", "users"),
    (b"known.users.example", "known"),
    (b"users.example", "default"),  # a wildcard does not cover the bare domain
    (b"notusers.example", "default"),
    (b"hub.example.evil", "default"),
    (b"xhub.example", "default"),
    (b"[::2]", "default"),
    (b"", "default"),  # HTTP/1.0 may leave it out
]


@pytest.fixture
def names() -> Named:
    return Named()


def hosts(names: Named, default: bool = True) -> Table:
    def one(name: str) -> HostTable:
        return names.host((b"/", name))

    return Table(
        one("default") if default else None,
        {
            b"hub.example": one("hub"),
            b"127.0.0.1": one("address"),
            b"[::1]": one("address6"),
            b"known.users.example": one("known"),
        },
        ((b".deep.users.example", one("deep")), (b".users.example", one("users"))),
        TIMEOUTS,
    )


@pytest.mark.parametrize(("host", "name"), HOSTS)
def test_hosts(host: bytes, name: str, names: Named) -> None:
    scanned = head(b"/", host, b"1.1" if host else b"1.0")
    assert decide(names, hosts(names), scanned) == name
    assert decide(names, hosts(names, False), scanned) == (404 if name == "default" else name)


def test_the_authority_of_the_target_replaces_host(names: Named) -> None:
    assert decide(names, hosts(names), head(b"http://hub.example:80/", b"a.users.example")) == "hub"


def test_no_host_at_all(names: Named) -> None:
    assert decide(names, Table(None, {}, (), TIMEOUTS), head(b"/")) == 404


def test_the_default_serves_everything_when_it_is_alone(names: Named) -> None:
    assert decide(names, Table(names.host((b"/", "all")), {}, (), TIMEOUTS), head(b"/", b"any.where")) == "all"


# ------------------------------------------------------------------ prefixes


def routes(names: Named) -> Table:
    default = names.host(
        (b"/user/ann/deep", "deep"),
        (b"/user/ann", "ann"),
        (b"/slash/", "slash"),
        (b"/enc%20oded", "encoded"),
        exact=((b"/slash", "exact"), (b"/user", "user")),
    )
    return Table(default, {}, (), TIMEOUTS)


PATHS = [
    (b"/user/ann", "ann"),
    (b"/user/ann?a=b", "ann"),
    (b"/user/ann/", "ann"),
    (b"/user/ann/api", "ann"),
    (b"/user/ann/deep", "deep"),
    (b"/user/ann/deep/er", "deep"),
    (b"/user/ann/deeper", "ann"),
    (b"/user/anna", 404),
    (b"/user/an", 404),
    (b"/User/ann", 404),
    (b"/user/ann;x", 404),
    (b"/slash/", "slash"),
    (b"/slash/x", "slash"),
    (b"/slash", "exact"),
    (b"/slash?x", "exact"),
    (b"/user", "user"),
    (b"/user/", 404),
    (b"/user/bob", 404),
    (b"/", 404),
    (b"*", 404),
    # What an upstream may normalise must stay where it was matched.
    (b"/user/ann/../bob", 400),
    (b"/user/ann/%2e%2e/bob", 400),
    (b"/user/ann/.%2E/bob", 400),
    (b"/user/ann/..%2fbob", 400),
    (b"/user/ann%2f..%2fbob", 404),
    (b"/user/bob/../ann/x", 400),
    (b"/user/bob%2f..%2fann/x", 400),
    (b"/user/ann%2fx", 400),
    (b"/user/ann%2Fdeep", 400),
    (b"/user/ann/x%2f..%2f..%2fbob", 400),
    (b"/user/ann/deep/..", 400),
    (b"/user/ann/deep/../deep/x", "deep"),
    (b"/user/ann/a/../b", "ann"),
    (b"/user/ann/a/%2e%2e/b", "ann"),
    (b"/user/ann/./b", "ann"),
    (b"/user/ann/a%2fb", "ann"),
    (b"/user/ann/a//b", "ann"),
    (b"/user/ann//deep", 400),
    (b"//user/ann", 400),
    (b"/user//ann", 400),
    (b"/./user/ann", 400),
    (b"/x/../user/ann", 400),
    (b"/%75ser/ann", 400),
    (b"/user/%61nn", 400),
    (b"/..", 400),
    (b"/../user/ann", 400),
    (b"/user/ann/../../..", 400),
    (b"/%2e%2e/%2e%2e/etc/passwd", 400),
    (b"/user/ann/../../../etc/passwd", 400),
    (b"/nowhere/../nothing", 404),
    (b"/nowhere//nothing", 404),
    (b"/user/ann/..;/bob", "ann"),  # `;` and `\` are ordinary octets to Jupyter's servers
    (b"/user/ann/..\\bob", "ann"),
    (b"/user/ann/%252e%252e/bob", "ann"),  # a name with a per cent sign in it, once decoded
    (b"/user/ann?/../bob", "ann"),
    (b"/user/ann?x=%2e%2e//", "ann"),
    (b"/user/ann/%zz", "ann"),
    (b"/user/ann/%c3%a4", "ann"),
    # A prefix may be spelt with escapes itself, as a JupyterHub's are for names with spaces.
    (b"/enc%20oded", "encoded"),
    (b"/enc%20oded/a%20b", "encoded"),
    (b"/enc%20oded/../user/ann", 400),
    (b"/enc%20odedx", 404),
]


@pytest.mark.parametrize(("target", "wanted"), PATHS)
def test_paths(target: bytes, wanted: str | int, names: Named) -> None:
    method = b"OPTIONS" if target == b"*" else b"GET"
    assert decide(names, routes(names), head(target, method=method)) == wanted


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (b"/", "all"),
        (b"/a//b/../c", "all"),
        (b"/a%2f..", "all"),
        (b"/a?/../..", "all"),
        (b"/..", 400),
        (b"/a/../..", 400),
        (b"/%2e%2e/", 400),
        (b"/a/%2E%2E/%2e.", 400),
        (b"/..%2fetc", 400),
        (b"/%2f..", 400),
    ],
)
def test_a_single_route_refuses_what_climbs_only(target: bytes, wanted: str | int, names: Named) -> None:
    assert decide(names, Table(names.host((b"/", "all")), {}, (), TIMEOUTS), head(target)) == wanted


def test_the_asterisk_goes_where_everything_goes(names: Named) -> None:
    asterisk = head(b"*", method=b"OPTIONS")
    assert decide(names, Table(names.host((b"/", "all")), {}, (), TIMEOUTS), asterisk) == "all"


@pytest.mark.parametrize(
    ("target", "method", "path"),
    [
        (b"http://hub.example", b"OPTIONS", b"*"),
        (b"HTTPS://hub.example:8443", b"OPTIONS", b"*"),
        (b"http://hub.example/", b"OPTIONS", b"/"),
        (b"http://hub.example?", b"OPTIONS", b"/?"),
        (b"http://hub.example/hub.example", b"OPTIONS", b"/hub.example"),
        (b"http://hub.example//hub.example", b"OPTIONS", b"//hub.example"),
        (b"http://hub.example", b"GET", b"/"),
    ],
)
def test_options_of_a_host_are_those_of_the_whole_server(target: bytes, method: bytes, path: bytes, names: Named) -> None:
    """RFC 9112 §3.2.4: without a path, the last of all proxies asks for `*`."""
    found = head(target, method=method)
    assert decide(names, Table(names.host((b"/", "all")), {}, (), TIMEOUTS), found) == "all"
    assert found.path == path


def test_order_is_the_only_precedence(names: Named) -> None:
    table = Table(names.host((b"/a", "first"), (b"/a/b", "hidden"), (b"/", "all")), {}, (), TIMEOUTS)
    assert decide(names, table, head(b"/a/b")) == "first"
    assert decide(names, table, head(b"/b")) == "all"
    assert decide(names, table, head(b"/a/../b")) == 400
    assert decide(names, table, head(b"/b/../c")) == "all"


def test_a_route_for_everything_behind_others_is_no_short_cut(names: Named) -> None:
    table = Table(names.host((b"/", "all"), (b"/a", "hidden")), {}, (), TIMEOUTS)
    assert decide(names, table, head(b"/a")) == "all"
    exact = Table(names.host((b"/a", "a"), exact=((b"/", "root"),)), {}, (), TIMEOUTS)
    assert decide(names, exact, head(b"/")) == "root"
    assert decide(names, exact, head(b"/x")) == 404


def test_one_path_only_is_no_prefix(names: Named) -> None:
    table = Table(names.host(exact=((b"/", "root"),)), {}, (), TIMEOUTS)
    assert decide(names, table, head(b"/")) == "root"
    assert decide(names, table, head(b"/x")) == 404


@pytest.mark.parametrize(
    ("target", "looked_at"),
    [
        (b"/user/ann/deep", [0]),
        (b"/user/ann/x", [0, 1]),
        (b"/slash", [0, 1, 2, 3, 4]),
        (b"/none", [0, 1, 2, 3, 4, 5]),
        (b"/user/ann/a//b", [0, 1]),  # what the normal form meets is not told a second time
    ],
)
def test_trace(target: bytes, looked_at: list[int], names: Named) -> None:
    trace: list[Look] = []
    routes(names).resolve(head(target), trace)
    assert [number for number, _, _ in trace] == looked_at
    assert [holds for _, holds, _ in trace] == [number == looked_at[-1] and target != b"/none" for number in looked_at]


def test_trace_of_a_single_route(names: Named) -> None:
    trace: list[Look] = []
    Table(names.host((b"/", "all")), {}, (), TIMEOUTS).resolve(head(b"/a"), trace)
    assert trace == [(0, True, None)]


# ------------------------------------------------------------------ before any host


BEFORE = [
    (b"/.own/a/x", "own"),
    (b"/.own/a/", "own"),
    (b"/.own/a/?q", "own"),
    (b"/.own/a/x?a=b", "own"),
    (b"/.own/a/../../user", "own"),  # whoever it leads to must see to what is below
    (b"/.own/a//x", "own"),
    (b"/.own/b", "other"),
    (b"/.own/b/x", "other"),
    (b"/.own/bc", "host"),
    (b"/.own/a", "host"),
    (b"/.own", "host"),
    (b"/.own/A/x", "host"),
    (b"/x/.own/a/x", "host"),
    (b"/?/.own/a/x", "host"),
    (b"/x?next=%2F.own%2Fa%2Fx", "host"),
    (b"/a%20b", "host"),
    # What the upstream may read as one of them.
    (b"//.own/a/x", 400),
    (b"/./.own/a/x", 400),
    (b"/x/../.own/a/x", 400),
    (b"/.own//a/x", 400),
    (b"/%2eown/a/x", 400),
    (b"/.own%2fa/x", 400),
    (b"/.own/%61/x", 400),
    (b"/x/%2e%2e/.own/a/x?y", 400),
    (b"/.own/x/../b", 400),
    (b"/..", 400),
]


@pytest.mark.parametrize(("target", "wanted"), BEFORE)
def test_before_any_host(target: bytes, wanted: str | int, names: Named) -> None:
    before = (Route(b"/.own/a/", names.plan("own"), -2), Route(b"/.own/b", names.plan("other"), -1))
    host = names.host((b"/", "host"))
    for table in (
        Table(host, {}, (), TIMEOUTS, before),
        Table(None, {b"hub.example": host}, (), TIMEOUTS, before),
        Table(names.host((b"/x", "host"), (b"/a%20b", "host"), (b"/", "host")), {}, (), TIMEOUTS, before),
    ):
        assert decide(names, table, head(target)) == wanted
    nobody = Table(None, {}, (), TIMEOUTS, before)
    assert decide(names, nobody, head(target)) == (404 if wanted == "host" or target == b"/.." else wanted)


def test_trace_of_what_comes_before(names: Named) -> None:
    before = (Route(b"/.own/a/", names.plan("own"), -2), Route(b"/.own/b", names.plan("other"), -1))
    table = Table(names.host((b"/", "host")), {}, (), TIMEOUTS, before)
    for target, looked_at in ((b"/.own/a/x", [-2]), (b"/.own/b", [-2, -1]), (b"/.own/bc", [-2, -1, 0]), (b"/x", [0])):
        trace: list[Look] = []
        table.resolve(head(target), trace)
        assert [number for number, _, _ in trace] == looked_at
        assert [number for number, holds, _ in trace if holds] == looked_at[-1:]


def test_what_a_plan_starts_with() -> None:
    plan = Plan(FORWARD, TIMEOUTS)
    assert (plan.kind, plan.timeouts, plan.rules, plan.preserve_host) == (FORWARD, TIMEOUTS, (), True)
    assert (plan.map_from, plan.map_to, plan.edits, plan.maps, plan.cookies) == (b"", b"", (), (), ())
    assert (plan.status, plan.body, plan.content_type, plan.directory, plan.below) == (0, (), b"", b"", b"")


def absolute(target: bytes) -> RequestHead:
    return head(target, b"field.example")


def test_a_url_of_another_scheme_names_no_host() -> None:
    names = Named()
    table = Table(names.host((b"/", "default")), {b"url.example": names.host((b"/", "url"))}, (), TIMEOUTS)
    table.spoken = b"http"
    asked = absolute(b"http://URL.example:8/x")
    assert decide(names, table, asked) == "url"
    assert asked.host == b"url.example:8"
    asked = absolute(b"https://url.example/x")
    assert decide(names, table, asked) == "default"
    assert (asked.host, asked.absolute) == (b"field.example", False)


def test_paths_choose_where_no_host_is_named() -> None:
    names = Named()
    table = Table(names.host((b"/", "default")), {}, (), TIMEOUTS)
    table.unnamed = ((b"/two", names.host((b"/", "two"))),)
    assert decide(names, table, head(b"/two/x?y", b"", b"1.0")) == "two"
    assert decide(names, table, head(b"/twos", b"", b"1.0")) == "default"
    assert decide(names, table, head(b"/two/x")) == "default"
