"""The manifests for Kubernetes: of its schemas, and of one piece with each other and with what perijove takes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from perijove.cli.chp import command
from perijove.config.chp import Options, gateway

FOLDER = Path("packaging/kubernetes")
FILES = ("perijove.yaml", "redis.yaml")
VERSIONS = ("1.28", "1.34")  # the oldest and one of the newest that people run


def documents() -> list[dict[str, Any]]:
    return [one for name in FILES for one in yaml.safe_load_all((FOLDER / name).read_text())]


def pods() -> list[dict[str, Any]]:
    return [one["spec"]["template"] for one in documents() if "template" in one["spec"]]


def matches(labels: dict[str, str], selector: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("one", documents(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_they_are_what_kubernetes_takes(one: dict[str, Any], version: str) -> None:
    """Seen to fail with `replica:` for `replicas:`."""
    import kubernetes_validate  # takes seconds, and would in every run that selects other tests

    kubernetes_validate.validate(one, version, strict=True)


def test_selectors_find_pods_and_ports_have_names() -> None:
    for one in documents():
        spec = one["spec"]
        if one["kind"] == "Service":
            selector, ports = spec["selector"], [port["targetPort"] for port in spec["ports"]]
        elif one["kind"] == "NetworkPolicy":
            selector = spec["podSelector"]["matchLabels"]
            ports = [port["port"] for rule in spec["ingress"] for port in rule.get("ports", [])]
        else:
            selector, ports = spec["selector"]["matchLabels"], []
        (pod,) = [pod for pod in pods() if matches(pod["metadata"]["labels"], selector)]
        named = {port["name"] for container in pod["spec"]["containers"] for port in container["ports"]}
        assert set(ports) <= named


def test_containers_may_do_nothing_they_need_not() -> None:
    for pod in pods():
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        for container in pod["spec"]["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]
            for variable in container.get("env", []):
                assert "valueFrom" in variable, "a secret is not written here"


def test_perijove_takes_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    (pod, _) = pods()
    (container,) = pod["spec"]["containers"]
    first, *options = container["args"]
    assert first == "chp"
    made: list[Options] = []

    def instead(options: Options) -> None:
        made.append(options)
        raise SystemExit(0)

    monkeypatch.setattr("perijove.config.chp.gateway", instead)
    done = CliRunner().invoke(command, options)
    assert done.exit_code == 0, done.output
    listened = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert listened == {"http": made[0].port, "api": made[0].api_port, "metrics": made[0].metrics_port}
    gateway(made[0])
    assert made[0].grace < pod["spec"]["terminationGracePeriodSeconds"]


def test_the_hub_is_told_of_the_api() -> None:
    values = yaml.safe_load((FOLDER / "values.yaml").read_text())
    code = values["hub"]["extraConfig"]["perijove"]
    compile(code, "values.yaml", "exec")
    (api,) = [one for one in documents() if one["metadata"]["name"] == "perijove-api"]
    assert f"http://{api['metadata']['name']}:{api['spec']['ports'][0]['port']}" in code
    (allowed,) = values["hub"]["networkPolicy"]["egress"]  # of pods and their ports, not of Services and theirs
    (pod, _) = pods()
    assert matches(pod["metadata"]["labels"], allowed["to"][0]["podSelector"]["matchLabels"])
    assert allowed["ports"][0]["port"] in [one["containerPort"] for one in pod["spec"]["containers"][0]["ports"]]


def test_redis_keeps_what_it_has() -> None:
    (_, pod) = pods()
    (container,) = pod["spec"]["containers"]
    for words in ("--appendonly yes", "--maxmemory-policy noeviction", "requirepass"):
        assert words in container["args"][0]


def test_redis_is_told_itself_when_it_is_to_end(tmp_path: Path) -> None:
    """Seen to fail with a pipe into the server: the shell before it has the first pid, and ignores SIGTERM."""
    (_, pod) = pods()
    (container,) = pod["spec"]["containers"]
    where = tmp_path / "run"
    where.mkdir()
    (tmp_path / "valkey-server").write_text('#!/bin/sh\necho $$\ncat "$1"\n')
    (tmp_path / "valkey-server").chmod(0o755)
    command = [*container["command"], container["args"][0].replace("/run/redis", str(where))]
    env = {"PASSWORD": "a b$c", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    said = process.communicate(timeout=10)[0].splitlines()
    assert said == [str(process.pid), 'requirepass "a b$c"']
    assert (where / "redis.conf").stat().st_mode & 0o077 == 0
