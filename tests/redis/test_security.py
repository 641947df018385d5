"""Who may speak to Redis, and what nobody else may see: passwords, users, TLS, sentinels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from tests.redis.parts import Origin, Replica, Server, eventually
from tests.server.parts import workers

import redis

SECRET = "s3cr3t"
# What the how-to tells administrators to allow, and nothing else.
RULES = [
    *("~hub:*", "&hub:*", "+@connection", "+@transaction", "+@pubsub", "+@scripting", "+@hash"),
    *("+del", "+expire", "+persist", "+rename", "-@dangerous"),
]


def test_a_password(servers: Callable[..., Server], replicas: Callable[..., Replica], origin: Origin) -> None:
    server = servers("--requirepass", SECRET, password=SECRET)
    url = f"redis://:{SECRET}@127.0.0.1:{server.port}"
    replica = replicas(env={"PERIJOVE_REDIS_URL": url})
    assert replica.add("/user/x", origin.url) == 201
    assert server.client().hget("perijove:routes", "/user/x") is not None
    server.stop()
    assert eventually(lambda: replica.add("/user/x", origin.url) == 503)
    wrong = replicas("--redis", url.replace(SECRET, "other"), waits=False)
    server.start()
    assert eventually(lambda: "waiting for Redis" in wrong.log() and "password" in wrong.log(), 15.0)
    assert "whoever lists processes" in wrong.log()
    for one in (replica, wrong):
        assert SECRET not in one.log()
        assert "other" not in one.log()
    shown = subprocess.run(
        [sys.executable, "-m", "perijove", "status", "--pid", str(replica.process.pid), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert SECRET not in shown.stdout


def test_a_user_who_may_do_what_is_needed_and_no_more(server: Server, replicas: Callable[..., Replica], origin: Origin) -> None:
    server.client().acl_setuser("hub", enabled=True, passwords=[f"+{SECRET}"])
    server.client().execute_command("ACL", "SETUSER", "hub", *RULES)
    url = f"redis://hub:{SECRET}@127.0.0.1:{server.port}"
    two = [replicas("--redis-prefix", "hub", env={"PERIJOVE_REDIS_URL": url}) for _ in range(2)]
    assert two[0].add("/user/x", origin.url) == 201
    assert eventually(lambda: two[1].status("/user/x/") == 200)
    assert two[1].status("/user/x/") == 200
    two[1].stop()
    assert two[0].call("GET")[0] == 200
    assert two[0].add("/user/y", origin.url) == 201
    server.client().delete("hub:routes")  # all is put back
    assert eventually(lambda: set(server.client().hkeys("hub:routes")) >= {"/user/x", "/user/y"})
    server.client().hdel("hub:routes", "epoch", "/user/x")  # so is a part
    assert eventually(lambda: server.client().hexists("hub:routes", "/user/x"))
    assert eventually(lambda: two[0].remove("/user/x") == 204)
    assert server.client().acl_log() == []


def test_workers_are_not_told_passwords(server: Server, replicas: Callable[..., Replica], origin: Origin) -> None:
    """What a worker was told of is in its memory. Seen to fail where the whole gateway was sent."""
    server.client().config_set("requirepass", SECRET)
    replica = replicas(env={"PERIJOVE_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:{server.port}"})
    assert replica.add("/user/x", origin.url) == 201
    assert replica.status("/user/x/") == 200
    (worker,) = workers(replica.process.pid)
    assert SECRET.encode() in _memory(replica.process.pid)  # so that it would be found
    assert SECRET.encode() not in _memory(worker)


def _read(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


def _memory(pid: int) -> bytes:
    """Return what a process may write, and its environment."""
    found = [_read(pid, "environ")]
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in _read(pid, "maps").decode().splitlines():
            region, rights, *_ = line.split()
            if rights.startswith("rw") and "memfd" not in line:
                start, end = (int(text, 16) for text in region.split("-"))
                memory.seek(start)
                found.append(memory.read(end - start))
    return b"".join(found)


def test_tls(servers: Callable[..., Server], replicas: Callable[..., Replica], origin: Origin, tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    for name, one in (("ca", authority), ("other", other)):
        one.cert_pem.write_to_path(str(tmp_path / f"{name}.pem"))
    for name, issued in (("server", authority.issue_cert("localhost")), ("client", authority.issue_cert("replica"))):
        issued.private_key_pem.write_to_path(str(tmp_path / f"{name}.key"))
        issued.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.crt"))
    server = servers(
        *("--tls-cert-file", str(tmp_path / "server.crt"), "--tls-key-file", str(tmp_path / "server.key")),
        *("--tls-ca-cert-file", str(tmp_path / "ca.pem"), "--tls-auth-clients", "yes"),
        tls=True,
    )
    url = f"rediss://localhost:{server.port}"
    mine = ["--redis-cert", str(tmp_path / "client.crt"), "--redis-key", str(tmp_path / "client.key")]
    first = replicas("--redis", url, "--redis-ca", str(tmp_path / "ca.pem"), *mine)
    second = replicas("--redis", url, "--redis-ca", str(tmp_path / "ca.pem"), *mine)
    assert first.add("/user/x", origin.url) == 201
    assert eventually(lambda: second.status("/user/x/") == 200)
    for options, why in (
        (["--redis", url, "--redis-ca", str(tmp_path / "other.pem"), *mine], "certificate verify failed"),
        (["--redis", url.replace("localhost", "127.0.0.1"), "--redis-ca", str(tmp_path / "ca.pem"), *mine], "mismatch"),
        (["--redis", url, "--redis-ca", str(tmp_path / "ca.pem")], ""),  # whichever of the two alerts comes first
    ):
        refused = replicas(*options, waits=False)
        assert eventually(lambda refused=refused: "waiting for Redis" in refused.log(), 15.0)
        assert why in refused.log().lower()
        assert "listening" not in refused.log()


def test_sentinels(servers: Callable[..., Server], replicas: Callable[..., Replica], origin: Origin) -> None:
    """The main Redis dies, and its spare takes its place, perhaps without what was written last."""
    main = servers()
    spare = servers("--replicaof", "127.0.0.1", str(main.port))
    sentinels = [servers(program="redis-sentinel") for _ in range(3)]
    for one in sentinels:
        client = one.client()
        client.sentinel_monitor("hub", "127.0.0.1", main.port, 2)
        client.sentinel_set("hub", "down-after-milliseconds", "1000")
        client.sentinel_set("hub", "failover-timeout", "3000")
    assert eventually(lambda: all(_knows(one) for one in sentinels), 20.0)
    options = [text for one in sentinels for text in ("--redis-sentinel", f"127.0.0.1:{one.port}")]
    two = [replicas(*options, "--redis-service", "hub") for _ in range(2)]
    for number in range(20):
        assert two[0].add(f"/user/{number}", origin.url) == 201
    assert eventually(lambda: len(two[1].routes()) == 20)
    assert main.process is not None
    os.kill(main.process.pid, signal.SIGKILL)
    assert two[0].status("/user/3/") == 200
    assert eventually(lambda: two[0].add("/new", origin.url) == 201, 30.0), two[0].log()
    assert eventually(lambda: two[1].add("/newer", origin.url) == 201, 30.0), two[1].log()
    assert eventually(lambda: all(len(one.routes()) == 22 for one in two))
    assert spare.client().hget("perijove:routes", "/new") is not None


def _knows(sentinel: Server) -> bool:
    try:
        told = sentinel.client().sentinel_master("hub")
        return int(told["num-slaves"]) == 1 and int(told["num-other-sentinels"]) == 2
    except redis.RedisError:
        return False


@pytest.mark.parametrize(
    ("options", "env", "why"),
    [
        (["--redis", "redis://x/no:secret@"], {}, "the URL of Redis is none"),
        (["--redis", "redis://x", "--routes-file", "f"], {}, "in Redis or in a file"),
        (["--redis-prefix", "x"], {}, "PERIJOVE_REDIS_URL"),
        (["--redis", "redis://x"], {"PYTHONPATH": "{hidden}"}, "pip install 'perijove[redis]'"),
        (["--storage-backend", "x"], {}, "--redis and --routes-file"),
    ],
)
def test_what_cannot_be_done(options: list[str], env: dict[str, str], why: str, tmp_path: Path) -> None:
    # A package that cannot be found: a finder that comes first says so.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nfrom importlib import util\nfind = util.find_spec\nutil.find_spec = lambda name, *of: None if name == 'redis' else find(name, *of)\n"
    )
    path = os.environ.get("PYTHONPATH", "")
    given = {name: value.replace("{hidden}", f"{tmp_path}:{path}") for name, value in env.items()}
    done = subprocess.run(
        [sys.executable, "-m", "perijove", "chp", *options],
        check=False,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert why in done.stderr
    assert "secret" not in done.stderr
